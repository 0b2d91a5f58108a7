import Layers
import Tensor

/// How gradients move parameters.
public enum Optimizer: Sendable, Hashable {
    /// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).
    ///
    /// - Parameters:
    ///   - beta1: The decay of the first moment; 0.9 (Kingma and Ba 2015, arXiv:1412.6980).
    ///   - beta2: The decay of the second moment; 0.999 (same).
    ///   - epsilon: Added to the denominator; 1e-8 (same).
    ///   - weightDecay: Times the rate; 0.01 (BERT, arXiv:1810.04805, appendix A.2).
    case adamW(
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0.01)

    /// Stochastic gradient descent with momentum and decoupled decay (arXiv:1711.05101,
    /// algorithm 1).
    ///
    /// - Parameters:
    ///   - momentum: How much of the velocity stays; 0.9 (Sutskever et al., ICML 2013).
    ///   - weightDecay: Times the rate; none by default.
    case sgd(momentum: Double = 0.9, weightDecay: Double = 0)
}

/// What gradients are multiplied with so that their joint length is at most `limit` (Pascanu et al.
/// 2013, arXiv:1211.5063, section 3.2). As in PyTorch, 1e-6 is added against a division by 0.
func clippingScale(length: Double, limit: Double?) -> Double {
    limit.map { min(1, $0 / (length + 1e-6)) } ?? 1
}

/// An optimizer at work: what it remembers of each parameter.
///
/// Weights and embeddings decay, biases and normalisations do not; see ``Parameter/Kind/decays``. A
/// parameter that was trained before keeps what is
/// remembered of it when it is frozen for a while; a new one starts clean.
final class OptimizerState {
    let optimizer: Optimizer
    private var states: [ObjectIdentifier: State] = [:]

    private struct State {
        var steps = 0
        var first: Tensor
        var second: Tensor
    }

    init(_ optimizer: Optimizer) { self.optimizer = optimizer }

    /// Moves `parameter` by its gradient, and forgets the gradient. Without one, nothing happens.
    ///
    /// - Parameters:
    ///   - parameter: What moves.
    ///   - learningRate: The rate of this parameter in this step, schedule included.
    ///   - gradientScale: Multiplies the gradient first: clipping.
    func update(_ parameter: Parameter, learningRate: Double, gradientScale: Double) {
        guard let gradient = parameter.gradient else { return }
        let decays = parameter.kind.decays
        let key = ObjectIdentifier(parameter)
        // Taken out while it changes, so that its tensors have one holder and change in place.
        var state =
            states.removeValue(forKey: key)
            ?? State(
                first: Tensor(zeros: gradient.shape, dtype: gradient.dtype),
                second: Tensor(zeros: secondShape(gradient.shape), dtype: gradient.dtype))
        state.steps += 1
        switch optimizer {
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            parameter.value.apply(
                Tensor.AdamWStep(
                    learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                    weightDecay: decays ? weightDecay : 0, step: state.steps,
                    gradientScale: gradientScale),
                gradient: gradient, moment1: &state.first, moment2: &state.second)
        case .sgd(let momentum, let weightDecay):
            parameter.value.apply(
                Tensor.SGDStep(
                    learningRate: learningRate, momentum: momentum,
                    weightDecay: decays ? weightDecay : 0, isFirst: state.steps == 1,
                    gradientScale: gradientScale),
                gradient: gradient, velocity: &state.first)
        }
        states[key] = state
        parameter.clearGradient()
    }

    private func secondShape(_ shape: Tensor.Shape) -> Tensor.Shape {
        if case .adamW = optimizer { shape } else { [0] }
    }
}
