public import Autograd
public import Checkpoint
public import Layers
public import Tensor

/// What the vectors of a group of texts should be like.
public enum ContrastiveLoss: Sendable, Hashable {
    /// The second text of a group fits the first better than the second texts of all other groups of
    /// the batch do, and better than further texts of any group, which are hard negatives (Henderson
    /// et al. 2017, arXiv:1705.00652, section 4.4). `scale` multiplies the cosines: 20, as in
    /// sentence-transformers. Larger batches teach more; in a batch, no text should fit two firsts.
    case multipleNegatives(scale: Double = 20)
    /// The second text of a group is nearer to the first than the third is, by `margin`: 1
    /// (Sentence-BERT, arXiv:1908.10084, section 3.1).
    case triplet(margin: Double = 1)

    fileprivate var isUsable: Bool {
        switch self {
        case .multipleNegatives(let number), .triplet(let number): number > 0 && number.isFinite
        }
    }
}

/// What a head that learns from its inputs alone is told beside them.
public struct NoTarget: Sendable, Hashable {
    /// Nothing.
    public init() {}
}

/// Trains the vectors of texts, from groups of texts that belong together or do not.
///
/// An input is a group: a text, one that fits it, and perhaps some that do not, the same number in
/// every group. The model is made with ``PretrainedModel/groups()``; see ``TextGroups`` for data.
public struct ContrastiveHead: Head {
    /// What the vectors should be like.
    public let contrast: ContrastiveLoss
    /// How many texts a group has.
    public let groupSize: Int
    /// The width that the features must have; nil fits every backbone.
    public let featureSize: Int?

    /// A head for groups.
    ///
    /// - Parameters:
    ///   - contrast: What the vectors should be like.
    ///   - groupSize: How many texts a group has: by default 3 for triplets, else 2.
    ///   - featureSize: The width that the features must have; any by default.
    /// - Precondition: A group has 3 texts for triplets, else at least 2; scale and margin are positive.
    public init(
        _ contrast: ContrastiveLoss = .multipleNegatives(), groupSize: Int? = nil,
        featureSize: Int? = nil
    ) {
        let isTriplet = if case .triplet = contrast { true } else { false }
        let size = groupSize ?? (isTriplet ? 3 : 2)
        require(isTriplet ? size == 3 : size >= 2, "a group of \(size) texts has no contrast")
        require(contrast.isUsable, "\(contrast) has a number that is not positive")
        (self.contrast, self.groupSize, self.featureSize) = (contrast, size, featureSize)
    }

    /// A text.
    public var rowKind: RowKind { .text }

    /// The size of a group.
    public func rowCount(of target: NoTarget) -> Int { groupSize }

    /// No layers.
    public func makeNetwork(
        featureSize: Int, dropoutRate: Double, from source: ParameterSource
    ) throws -> EmbeddingNetwork { EmbeddingNetwork() }

    /// Nothing.
    public func encoded(_ targets: [NoTarget]) throws -> [NoTarget] { targets }

    /// A single group has no other to differ from.
    public func checkTrainable(_ targets: [NoTarget]) throws {
        if case .multipleNegatives = contrast, groupSize == 2, targets.count < 2 {
            throw HeadError.nothingToContrast
        }
    }

    /// The sum over the groups.
    public func loss(_ outputs: Variable, targets: [NoTarget]) -> Variable {
        let anchors = outputs.rows(from: 0, every: groupSize)
        switch contrast {
        case .multipleNegatives(let scale):
            let count = targets.count
            let others = (1..<groupSize).flatMap { text in
                (0..<count).map { Int32($0 * groupSize + text) }
            }
            return multipleNegatives(anchors, outputs.gatheringRows(others), scale: scale)
        case .triplet(let margin):
            let near = anchors.rowDistances(to: outputs.rows(from: 1, every: 3))
            let far = anchors.rowDistances(to: outputs.rows(from: 2, every: 3))
            return (near - far + outputs.constant(margin)).activated(.relu).sum()
        }
    }

    /// `− Σ log softmax(scale · cos(anchor i, others))` at row i of the others.
    ///
    /// - Parameters:
    ///   - anchors: The first texts, shape `[groups, width]`.
    ///   - others: All second texts, then all third ones, and so on.
    ///   - scale: Multiplies the cosines.
    /// - Returns: Shape `[]`.
    private func multipleNegatives(
        _ anchors: Variable, _ others: Variable, scale: Double
    ) -> Variable {
        let (count, columns) = (anchors.shape[0], others.shape[0])
        let cosines = Variable.matmul(
            anchors.rowsNormalized(), others.rowsNormalized().transposed())
        var wanted = [Double](repeating: 0, count: count * columns)
        for row in 0..<count { wanted[row * columns + row] = 1 }
        return (cosines * scale).softmaxCrossEntropy(
            targets: Tensor(wanted, shape: [count, columns]))
    }

    /// The number of groups.
    public func weight(of targets: [NoTarget]) -> Double { Double(targets.count) }

    /// The vectors of each group's texts.
    public func predictions(from outputs: Tensor, rows: [Int]) -> [[[Float]]] {
        var place = 0
        return rows.map { count in
            defer { place += count }
            return (place..<place + count).map {
                outputs[$0].converted(to: .float32).elements(as: Float.self)
            }
        }
    }

    /// How often the right text is found.
    public func metrics(outputs: Tensor, targets: [NoTarget]) -> RetrievalMetrics {
        let groups = targets.count
        let vectors = outputs.reshaped([groups, groupSize, groups > 0 ? outputs.shape[1] : 0])
        return RetrievalMetrics(
            queries: vectors.sliced(0..<1, axis: 1),
            candidates: (1..<groupSize).map { vectors.sliced($0..<$0 + 1, axis: 1) })
    }

    /// The problem type and its numbers, for which Transformers has no name.
    public var configuration: [(String, JSON)] {
        let loss: [(String, JSON)] =
            switch contrast {
            case .multipleNegatives(let scale):
                [("problem_type", "multiple_negatives"), ("scale", JSON(scale))]
            case .triplet(let margin):
                [("problem_type", "triplet"), ("margin", JSON(margin))]
            }
        return loss + [("group_size", JSON(groupSize))]
    }

    /// The head of a folder whose problem type is `multiple_negatives` or `triplet`.
    public init(configuration: JSON) throws {
        let size = configuration["group_size"]?.int
        let contrast: ContrastiveLoss? =
            switch (configuration["problem_type"]?.string, size ?? 0) {
            case ("multiple_negatives", 2...1024):
                .multipleNegatives(scale: configuration["scale"]?.double ?? 20)
            case ("triplet", 3): .triplet(margin: configuration["margin"]?.double ?? 1)
            default: nil
            }
        guard let contrast, contrast.isUsable else {
            throw HeadError.unusableConfiguration(
                "its 'problem_type' is neither 'multiple_negatives' nor 'triplet', or its "
                    + "'group_size', 'scale' or 'margin' does not fit")
        }
        self.init(contrast, groupSize: size)
    }
}
