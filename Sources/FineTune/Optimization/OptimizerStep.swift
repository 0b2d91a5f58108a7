import Tensor

/// One step of an optimizer with all its numbers.
enum OptimizerStep {
    case adamW(Tensor.AdamWStep)
    case sgd(Tensor.SGDStep)

    /// - Parameters:
    ///   - optimizer: Whose.
    ///   - weightDecay: In place of the optimizer's; nil keeps that.
    ///   - learningRate: The rate of this step.
    ///   - gradientScale: Multiplies the gradient first.
    ///   - number: The steps of the parameter, this one included.
    init(
        _ optimizer: Optimizer, weightDecay: Double?, learningRate: Double, gradientScale: Double,
        number: Int
    ) {
        switch optimizer {
        case .adamW(let beta1, let beta2, let epsilon, let usual):
            self = .adamW(
                Tensor.AdamWStep(
                    learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                    weightDecay: weightDecay ?? usual, step: number, gradientScale: gradientScale))
        case .sgd(let momentum, let usual):
            self = .sgd(
                Tensor.SGDStep(
                    learningRate: learningRate, momentum: momentum,
                    weightDecay: weightDecay ?? usual, isFirst: number == 1,
                    gradientScale: gradientScale))
        }
    }

    /// What the step multiplies an element by that has never had a gradient.
    var decay: Double {
        switch self {
        case .adamW(let step): 1 - step.learningRate * step.weightDecay
        case .sgd(let step): 1 - step.learningRate * step.weightDecay
        }
    }

    func move(_ value: inout Tensor, by gradient: Tensor, _ memory: inout OptimizerState.Memory) {
        switch self {
        case .adamW(let step):
            value.apply(
                step, gradient: gradient, moment1: &memory.first, moment2: &memory.second)
        case .sgd(let step):
            value.apply(step, gradient: gradient, velocity: &memory.first)
        }
    }

    func move(
        _ rows: Tensor.RowStep, of value: inout Tensor, _ memory: inout OptimizerState.Memory
    ) {
        switch self {
        case .adamW(let step):
            value.apply(step, to: rows, moment1: &memory.first, moment2: &memory.second)
        case .sgd(let step):
            value.apply(step, to: rows, velocity: &memory.first)
        }
    }
}
