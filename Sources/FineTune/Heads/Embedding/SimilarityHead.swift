public import Autograd
public import Checkpoint
public import Layers
public import Tensor

/// Says how similar two texts are, by the cosine of their vectors: a bi-encoder.
///
/// Its loss is the squared difference of the cosine and the target (Reimers and Gurevych 2019,
/// Sentence-BERT, arXiv:1908.10084, section 3). An input is a group of two texts; the model is made
/// with ``PretrainedModel/groups()``.
public struct SimilarityHead: Head {
    /// The width that the features must have; nil fits every backbone.
    public let featureSize: Int?

    /// A head for similarities.
    ///
    /// - Parameter featureSize: The width that the features must have; any by default.
    public init(featureSize: Int? = nil) { self.featureSize = featureSize }

    /// A text.
    public var rowKind: RowKind { .text }

    /// Two texts.
    public func rowCount(of target: Double) -> Int { 2 }

    /// No layers.
    public func makeNetwork(
        featureSize: Int, dropoutRate: Double, from source: ParameterSource
    ) throws -> EmbeddingNetwork { EmbeddingNetwork() }

    /// The similarities themselves, from −1 to 1.
    public func encoded(_ targets: [Double]) throws -> [Double] {
        for (example, target) in targets.enumerated() where !(-1...1).contains(target) {
            throw HeadError.impossibleSimilarity(target, example: example)
        }
        return targets
    }

    /// Any similarities can be learned from.
    public func checkTrainable(_ targets: [Double]) throws {}

    /// The sum of the squared differences.
    public func loss(_ outputs: Variable, targets: [Double]) -> Variable {
        outputs.rows(from: 0, every: 2).rowCosines(with: outputs.rows(from: 1, every: 2))
            .squaredError(targets: Tensor(targets))
    }

    /// The number of targets.
    public func weight(of targets: [Double]) -> Double { Double(targets.count) }

    /// The cosines.
    public func predictions(from outputs: Tensor, rows: [Int]) -> [Double] {
        var place = 0
        return rows.map { count in
            defer { place += count }
            guard count == 2 else { return .nan }
            let pair = outputs.sliced(place..<place + 2).converted(to: .float64)
            let lengths = pair[0].sumOfSquares() * pair[1].sumOfSquares()
            return lengths > 0 ? pair[0].dot(pair[1]) / lengths.squareRoot() : 0
        }
    }

    /// Correlations and errors.
    public func metrics(outputs: Tensor, targets: [Double]) -> SimilarityMetrics {
        let rows = [Int](repeating: 2, count: targets.count)
        return SimilarityMetrics(
            RegressionMetrics(
                predictions: predictions(from: outputs, rows: rows), targets: targets))
    }

    /// The problem type, for which Transformers has no name.
    public var configuration: [(String, JSON)] { [("problem_type", "similarity")] }

    /// The head of a folder whose problem type is `similarity`.
    public init(configuration: JSON) throws {
        guard configuration["problem_type"]?.string == "similarity" else {
            throw HeadError.unusableConfiguration("its 'problem_type' is not 'similarity'")
        }
        self.init()
    }
}

/// How well similarities are predicted: only their order is asked for, as is usual for embeddings.
public struct SimilarityMetrics: HeadMetrics, Hashable {
    /// Errors and correlations.
    public let regression: RegressionMetrics

    /// The same measures, compared by the correlation of ranks.
    public init(_ regression: RegressionMetrics) { self.regression = regression }

    /// Spearman's correlation of ranks.
    public var score: Double { regression.spearmanCorrelation }
    /// `Spearman`
    public static var scoreName: String { "Spearman" }
    /// The scores, one a line.
    public var description: String { regression.description }
}
