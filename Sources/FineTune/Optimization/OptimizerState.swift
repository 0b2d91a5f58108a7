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
    private var memories: [ObjectIdentifier: Memory] = [:]

    /// What is remembered of one parameter.
    struct Memory: Sendable {
        /// The steps that have moved it.
        var steps = 0
        /// The first moment, or the velocity.
        var first: Tensor
        /// The second moment; without elements where there is none.
        var second: Tensor
        /// The rows that have had a gradient; nil if all elements move in every step.
        var touched: TouchedRows?
        /// Whether rows that have had none have decayed meanwhile.
        var hasDecayed = false
    }

    init(_ optimizer: Optimizer) { self.optimizer = optimizer }

    /// Moves `parameter` by its gradient, and forgets the gradient. Without one, nothing happens.
    ///
    /// - Parameters:
    ///   - parameter: What moves.
    ///   - learningRate: The rate of this parameter in this step, schedule included.
    ///   - gradientScale: Multiplies the gradient first: clipping.
    ///   - weightDecay: In place of the optimizer's.
    func update(
        _ parameter: Parameter, learningRate: Double, gradientScale: Double,
        weightDecay: Double? = nil
    ) {
        guard let received = parameter.receivedGradient else { return }
        let key = ObjectIdentifier(parameter)
        // Taken out while it changes, so that its tensors have one holder and change in place.
        var memory = memories.removeValue(forKey: key) ?? Memory(of: parameter, optimizer, received)
        memory.steps += 1
        let step = OptimizerStep(
            optimizer, weightDecay: parameter.kind.decays ? weightDecay : 0,
            learningRate: learningRate, gradientScale: gradientScale, number: memory.steps)
        if case .rows(let gradient) = received, let rows = memory.touched?.step(by: gradient) {
            memory.hasDecayed = memory.hasDecayed || step.decay != 1
            parameter.updateRows(rows.rows, multiplyingOthersBy: step.decay) {
                step.move(rows, of: &$0, &memory)
            }
        } else if let gradient = parameter.gradient {
            memory.touched = nil
            parameter.update { step.move(&$0, by: gradient, &memory) }
        }
        memories[key] = memory
        parameter.clearGradient()
    }

    /// What is remembered of a parameter; nil before its first step.
    subscript(parameter: Parameter) -> Memory? {
        get { memories[ObjectIdentifier(parameter)] }
        set { memories[ObjectIdentifier(parameter)] = newValue }
    }

    /// The rows of a table that may have moved so far, if its gradient is for rows and others have
    /// not even decayed; nil for everything.
    func movedRows(of parameter: Parameter) -> [Int32]? {
        guard case .rows = parameter.receivedGradient else { return nil }
        guard let memory = self[parameter] else { return [] }
        return memory.hasDecayed ? nil : memory.touched?.rows
    }
}

extension OptimizerState.Memory {
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
struct TouchedRows: Sendable {
    private(set) var rows: [Int32] = []
    private var positions: [Int32: Int] = [:]

    init() {}

    /// These rows.
    init(rows: [Int32]) {
        for row in rows where positions[row] == nil {
            positions[row] = self.rows.count
            self.rows.append(row)
        }
    }

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
