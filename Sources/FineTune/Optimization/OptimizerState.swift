import Layers
import Tensor

/// An optimizer at work: what it remembers of each parameter.
///
/// Weights and embeddings decay, biases and normalisations do not; see ``Parameter/Kind/decays``. A
/// parameter that was trained before keeps what is remembered of it when it is frozen for a while;
/// a new one starts clean.
///
/// Rows of a table that no batch has read yet only decay, and do that when they are first read: the
/// bits are those of an optimizer that moves every row in every step, without the work.
final class OptimizerState {
    let optimizer: Optimizer
    private var states: [ObjectIdentifier: State] = [:]

    fileprivate struct State {
        var steps = 0
        var first: Tensor
        var second: Tensor
        /// The rows that have had a gradient; nil if all elements move in every step.
        var touched: TouchedRows?
    }

    init(_ optimizer: Optimizer) { self.optimizer = optimizer }

    /// Moves `parameter` by its gradient, and forgets the gradient. Without one, nothing happens.
    ///
    /// - Parameters:
    ///   - parameter: What moves.
    ///   - learningRate: The rate of this parameter in this step, schedule included.
    ///   - gradientScale: Multiplies the gradient first: clipping.
    func update(_ parameter: Parameter, learningRate: Double, gradientScale: Double) {
        guard let received = parameter.receivedGradient else { return }
        let key = ObjectIdentifier(parameter)
        // Taken out while it changes, so that its tensors have one holder and change in place.
        var state = states.removeValue(forKey: key) ?? State(of: parameter, optimizer, received)
        state.steps += 1
        let step = Step(
            optimizer, decays: parameter.kind.decays,
            learningRate: learningRate, gradientScale: gradientScale, number: state.steps)
        if case .rows(let gradient) = received, let rows = state.touched?.step(by: gradient) {
            parameter.updateRows(rows.rows, multiplyingOthersBy: step.decay) {
                step.move(rows, of: &$0, &state)
            }
        } else if let gradient = parameter.gradient {
            state.touched = nil
            parameter.update { step.move(&$0, by: gradient, &state) }
        }
        states[key] = state
        parameter.clearGradient()
    }
}

extension OptimizerState.State {
    fileprivate init(
        of parameter: Parameter, _ optimizer: Optimizer, _ gradient: Parameter.Gradient
    ) {
        let (shape, dtype) = (parameter.shape, gradient.dtype)
        first = Tensor(zeros: shape, dtype: dtype)
        if case .adamW = optimizer {
            second = Tensor(zeros: shape, dtype: dtype)
        } else {
            second = Tensor(zeros: [0], dtype: dtype)
        }
        if case .rows = gradient { touched = TouchedRows() }
    }
}

extension Parameter.Gradient {
    fileprivate var dtype: Tensor.DType {
        switch self {
        case .dense(let gradient): gradient.dtype
        case .rows(let gradient): gradient.rows.dtype
        }
    }

    /// The sum of the squares of all elements.
    var sumOfSquares: Double {
        switch self {
        case .dense(let gradient): gradient.sumOfSquares()
        case .rows(let gradient): gradient.rows.sumOfSquares()
        }
    }
}

/// The rows of a table that have had a gradient, in the order of their first one.
private struct TouchedRows {
    private var rows: [Int32] = []
    private var positions: [Int32: Int] = [:]

    /// A step that moves all of them, those of `gradient` now among them.
    mutating func step(by gradient: RowGradient) -> Tensor.RowStep {
        var places = [Int32](repeating: -1, count: rows.count)
        for (place, row) in gradient.indices.enumerated() {
            if let position = positions[row] {
                places[position] = Int32(place)
            } else {
                positions[row] = rows.count
                rows.append(row)
                places.append(Int32(place))
            }
        }
        return Tensor.RowStep(rows: rows, gradient: gradient.rows, places: places)
    }
}

/// One step of an optimizer with all its numbers.
private enum Step {
    case adamW(Tensor.AdamWStep)
    case sgd(Tensor.SGDStep)

    init(
        _ optimizer: Optimizer, decays: Bool, learningRate: Double, gradientScale: Double,
        number: Int
    ) {
        switch optimizer {
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            self = .adamW(
                Tensor.AdamWStep(
                    learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                    weightDecay: decays ? weightDecay : 0, step: number,
                    gradientScale: gradientScale))
        case .sgd(let momentum, let weightDecay):
            self = .sgd(
                Tensor.SGDStep(
                    learningRate: learningRate, momentum: momentum,
                    weightDecay: decays ? weightDecay : 0, isFirst: number == 1,
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

    func move(_ value: inout Tensor, by gradient: Tensor, _ state: inout OptimizerState.State) {
        switch self {
        case .adamW(let step):
            value.apply(
                step, gradient: gradient, moment1: &state.first, moment2: &state.second)
        case .sgd(let step):
            value.apply(step, gradient: gradient, velocity: &state.first)
        }
    }

    func move(
        _ rows: Tensor.RowStep, of value: inout Tensor, _ state: inout OptimizerState.State
    ) {
        switch self {
        case .adamW(let step):
            value.apply(step, to: rows, moment1: &state.first, moment2: &state.second)
        case .sgd(let step):
            value.apply(step, to: rows, velocity: &state.first)
        }
    }
}
