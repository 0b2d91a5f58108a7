public import Autograd
public import Tensor

/// A named tensor of a model that training may change.
///
/// It has an identity: a tied weight is one parameter under two paths.
public final class Parameter: GradientSink {
    /// What a parameter is for. Decay and some plans treat them differently.
    public enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        /// The matrix of a linear map or convolution.
        case weight
        /// What is added to the result of one.
        case bias
        /// The scale of a normalisation.
        case normalization
        /// The shift of a normalisation: what it adds, as a bias does.
        case normalizationShift
        /// A table of vectors.
        case embedding
        /// A factor of an adapter's low-rank update.
        case lowRank
        /// An adapter's factors for rows or activations.
        case scale
        /// What is measured rather than trained, such as a running mean. It is saved with the
        /// others, but never has a gradient.
        case statistic

        /// Whether it belongs to an adapter rather than to the model itself.
        public var isAdapter: Bool { self == .lowRank || self == .scale }
        /// Whether it is added to something: what BitFit trains (arXiv:2106.10199), which counts the
        /// shifts of normalisations among the biases.
        public var isBias: Bool { self == .bias || self == .normalizationShift }
        /// Whether it belongs to a normalisation.
        public var isNormalization: Bool { self == .normalization || self == .normalizationShift }
        /// Whether weight decay draws it towards 0. It spares biases and normalisations (BERT's
        /// recipe, arXiv:1810.04805, as published with its code), and factors, which begin at other
        /// values than 0.
        public var decays: Bool { self == .weight || self == .embedding || self == .lowRank }
    }

    /// What ``accumulate(_:)`` and ``accumulate(_:at:)`` have received.
    public enum Gradient {
        /// For every element; shape of the value.
        case dense(Tensor)
        /// For some rows of a table; the others have none.
        case rows(RowGradient)
    }

    /// Its name: the publisher's, without the prefix that some checkpoints put before all names.
    public let path: String
    /// What it is for.
    public let kind: Kind
    /// Its sizes.
    public let shape: Tensor.Shape
    /// The number and, for a table, the decay that some of its rows still wait for. Behind a lock,
    /// because reading may catch up on it.
    private let content: Locked<(value: Tensor, postponed: PostponedDecay?)>
    /// What was received since ``clearGradient()``.
    public private(set) var receivedGradient: Gradient?
    /// Whether a gradient is computed for it. Frozen at first: a plan says what trains.
    ///
    /// Stays false for a statistic.
    public var isTrainable: Bool {
        get { trains }
        set { trains = newValue && kind != .statistic }
    }
    private var trains = false

    /// A frozen parameter.
    public init(path: String, kind: Kind, value: Tensor) {
        (self.path, self.kind, shape) = (path, kind, value.shape)
        content = Locked((value, nil))
    }

    // MARK: Value

    /// The numbers now. While it is frozen they may lie in the checkpoint's mapped file.
    public var value: Tensor {
        get {
            content.withLock {
                $0.postponed?.settle(&$0.value)
                $0.postponed = nil
                return $0.value
            }
        }
        set { content.withLock { $0 = (newValue, nil) } }
    }

    /// Changes the numbers in place.
    public func update(_ body: (inout Tensor) -> Void) {
        content.withLock {
            $0.postponed?.settle(&$0.value)
            $0.postponed = nil
            body(&$0.value)
        }
    }

    /// The parameter as part of a pass: a leaf if it is trainable and the pass records gradients,
    /// else a constant.
    public func variable(in pass: Pass) -> Variable {
        isTrainable && pass.recordsGradients
            ? Variable(value, gradientTo: self) : Variable(value)
    }

    // MARK: Gradient

    /// The gradient received since ``clearGradient()``, same shape as the value.
    public var gradient: Tensor? {
        switch receivedGradient {
        case nil: nil
        case .dense(let gradient): gradient
        case .rows(let gradient): gradient.dense(count: shape[0])
        }
    }

    /// Adds a gradient to what was received before.
    public func accumulate(_ part: Tensor) {
        require(
            part.shape == shape,
            "a gradient of shape \(part.shape) came for '\(path)' of shape \(shape)")
        guard var sum = gradient else { return receivedGradient = .dense(part) }
        receivedGradient = nil
        sum.accumulate(part)
        receivedGradient = .dense(sum)
    }

    /// Adds a gradient for some rows of a table.
    ///
    /// - Parameters:
    ///   - part: Shape `[indices.count, width]`.
    ///   - indices: The rows that it is for; one may come several times.
    public func accumulate(_ part: Tensor, at indices: [Int32]) {
        let part = RowGradient([(part, indices)])
        switch receivedGradient {
        case nil: receivedGradient = .rows(part)
        case .rows(let known): receivedGradient = .rows(known.adding(part))
        case .dense: accumulate(part.dense(count: shape[0]))
        }
    }

    /// Forgets the gradient.
    public func clearGradient() { receivedGradient = nil }

    // MARK: Rows

    /// Rows of a table as part of a pass; see ``variable(in:)``.
    ///
    /// - Returns: Shape `[indices.count, width]`.
    /// - Precondition: Every index is a row.
    public func rows(_ indices: [Int32], in pass: Pass) -> Variable {
        let rows = content.withLock {
            let rows = $0.value.gatheringRows(indices)
            return $0.postponed?.settled(rows, at: indices) ?? rows
        }
        return isTrainable && pass.recordsGradients
            ? Variable(rows, gradientTo: RowSink(parameter: self, indices: indices))
            : Variable(rows)
    }

    /// Changes some rows in place, and multiplies the others by `decay`: those that were never
    /// changed only when they are next read, but to the same bits.
    ///
    /// - Parameters:
    ///   - changed: The rows that `body` changes; once named, a row has to be named every time.
    ///   - decay: What the other rows are multiplied by.
    ///   - body: Gets the whole table.
    public func updateRows(
        _ changed: [Int32], multiplyingOthersBy decay: Double, _ body: (inout Tensor) -> Void
    ) {
        content.withLock {
            if $0.postponed == nil, decay != 1 { $0.postponed = PostponedDecay(rows: shape[0]) }
            $0.postponed?.settle(&$0.value, at: changed)
            body(&$0.value)
            if decay != 1 { $0.postponed?.factors.append(decay) }
        }
    }

    private final class RowSink: GradientSink {
        private let parameter: Parameter
        private let indices: [Int32]

        init(parameter: Parameter, indices: [Int32]) {
            (self.parameter, self.indices) = (parameter, indices)
        }

        func accumulate(_ gradient: Tensor) { parameter.accumulate(gradient, at: indices) }
    }
}

/// Factors that rows of a table still have to be multiplied by.
private struct PostponedDecay {
    /// In order. All rows that wait, wait for all of them.
    var factors: [Double] = []
    private var waits: [Bool]

    /// All rows wait.
    init(rows: Int) { waits = [Bool](repeating: true, count: rows) }

    /// Multiplies these rows, which wait no longer.
    mutating func settle(_ table: inout Tensor, at indices: [Int32]) {
        let waiting = indices.filter { waits[Int($0)] }
        for index in waiting { waits[Int(index)] = false }
        table.multiplyRows(waiting, by: factors)
    }

    /// Multiplies all rows that wait.
    func settle(_ table: inout Tensor) {
        table.multiplyRows(waits.indices.lazy.filter { waits[$0] }.map(Int32.init), by: factors)
    }

    /// Copies of the rows `indices` as they will be.
    func settled(_ rows: Tensor, at indices: [Int32]) -> Tensor {
        var rows = rows
        let waiting = indices.indices.filter { waits[Int(indices[$0])] }.map(Int32.init)
        rows.multiplyRows(waiting, by: factors)
        return rows
    }
}
