public import Autograd
public import Checkpoint
public import Layers
public import Tensor

/// The tags of a text's words.
public struct TokenClassification: Sendable, Hashable, CustomStringConvertible {
    /// The tag of each word, with the probabilities of all.
    public let words: [Classification]
    /// The spans that the tags form.
    public let spans: [TagSpan]

    /// The tag of each word.
    public var tags: [String] { words.map(\.label) }

    /// The tags, separated by spaces.
    public var description: String { tags.joined(separator: " ") }
}

/// Gives each word of a text one of several tags.
///
/// Its loss is the cross-entropy of the softmax over every word's tags. It needs a model of words, see
/// ``PretrainedModel/words(contentsOf:maximumLength:)``. What it saves, Transformers loads as a
/// `…ForTokenClassification`.
public struct TokenClassificationHead: Head {
    private let classifier: ClassificationHead
    /// What the tags mean together.
    public let scheme: TagScheme
    /// The width that the features must have; nil fits every backbone.
    public var featureSize: Int? { classifier.featureSize }

    /// A head for these tags.
    ///
    /// - Parameters:
    ///   - labels: The tags, in the order of the outputs.
    ///   - scheme: What they mean together. By default BIO if all tags are `O`, `B-…` or `I-…`, else
    ///     plain.
    ///   - classWeights: How much each tag counts in the loss; uniform by default.
    ///   - labelSmoothing: In `0 ..< 1`; see ``ClassificationHead``.
    ///   - featureSize: The width that the features must have; any by default.
    /// - Precondition: Weights are one for each label and not negative.
    public init(
        labels: [String], scheme: TagScheme? = nil,
        classWeights: ClassificationHead.ClassWeights = .uniform, labelSmoothing: Double = 0,
        featureSize: Int? = nil
    ) {
        classifier = ClassificationHead(
            labels: labels, classWeights: classWeights, labelSmoothing: labelSmoothing,
            featureSize: featureSize)
        self.scheme = scheme ?? (labels.allSatisfy(TagScheme.bio.allows) ? .bio : .plain())
    }

    /// The tags, in the order of the outputs.
    public var labelNames: [String] { classifier.labelNames }

    /// A word.
    public var rowKind: RowKind { .word }

    /// A dropout and a linear map to one output for each tag.
    public func makeNetwork(
        featureSize: Int, dropoutRate: Double, from source: ParameterSource
    ) throws -> LinearHead {
        if let tag = labelNames.first(where: { !scheme.allows($0) }) {
            throw HeadError.unusableTag(tag)
        }
        return try classifier.makeNetwork(
            featureSize: featureSize, dropoutRate: dropoutRate, from: source)
    }

    /// For each text the numbers of its words' tags.
    public func encoded(_ targets: [[String]]) throws -> [[Int]] {
        try targets.enumerated().map { example, tags in
            try tags.map { try classifier.labels.number(of: $0, example: example) }
        }
    }

    /// The number of tags.
    public func rowCount(of target: [Int]) -> Int { target.count }

    /// At least two tags must occur.
    public func checkTrainable(_ targets: [[Int]]) throws {
        try classifier.checkTrainable(targets.flatMap { $0 })
    }

    /// The classifier's loss of every word; see ``ClassificationHead``.
    public func loss(_ outputs: Variable, targets: [[Int]]) -> Variable {
        classifier.loss(outputs, targets: targets.flatMap { $0 })
    }

    /// The sum of the words' class weights.
    public func weight(of targets: [[Int]]) -> Double {
        classifier.weight(of: targets.flatMap { $0 })
    }

    /// The most probable tag of each word.
    public func predictions(from outputs: Tensor, rows: [Int]) -> [TokenClassification] {
        let words = outputs.shape[0] > 0 ? classifier.predictions(from: outputs) : []
        return divided(words, rows).map { words in
            TokenClassification(words: words, spans: scheme.spans(of: words.map(\.label)))
        }
    }

    /// Accuracy of words and whole texts, precision, recall and F1 of spans.
    public func metrics(outputs: Tensor, targets: [[Int]]) -> TokenClassificationMetrics {
        let best =
            outputs.shape[0] > 0 ? outputs.argmax().elements(as: Int32.self).map(Int.init) : []
        return TokenClassificationMetrics(
            predictions: divided(best, targets.map(\.count)), targets: targets,
            labels: labelNames, scheme: scheme)
    }

    /// The elements in parts of these lengths.
    private func divided<Element>(_ elements: [Element], _ lengths: [Int]) -> [[Element]] {
        var rest = elements[...]
        return lengths.map { length in
            defer { rest = rest.dropFirst(length) }
            return Array(rest.prefix(length))
        }
    }

    /// `id2label` and `label2id`, as Transformers writes them, and the scheme, for which it has no
    /// name.
    public var configuration: [(String, JSON)] {
        let scheme: [(String, JSON)] =
            switch scheme {
            case .bio: [("tag_scheme", "bio")]
            case .plain(nil): [("tag_scheme", "plain")]
            case .plain(let outside?):
                [("tag_scheme", "plain"), ("outside_tag", JSON(outside))]
            }
        return classifier.labels.configuration + scheme
    }

    /// The head of a `…ForTokenClassification` folder. Without a scheme, tags that are all `O`, `B-…`
    /// or `I-…` are BIO, others plain.
    public init(configuration: JSON) throws {
        let scheme: TagScheme? =
            switch configuration["tag_scheme"]?.string {
            case "bio": .bio
            case "plain": .plain(outside: configuration["outside_tag"]?.string)
            case nil: nil
            case let other?:
                throw HeadError.unusableConfiguration("its 'tag_scheme' is '\(other)'")
            }
        self.init(labels: try ClassLabels(configuration: configuration).names, scheme: scheme)
    }
}

extension TokenClassificationHead: SolvableHead {
    /// The weights that fit these words' features best; see ``ClassificationHead``.
    ///
    /// - Throws: ``HeadError/singleClass(_:)``, ``HeadSolverError``, `LinearAlgebraError`.
    public func solution(
        features: Tensor, targets: [[Int]], solver: ClassificationSolver
    ) throws -> LinearSolution {
        try classifier.solution(
            features: features, targets: targets.flatMap { $0 }, solver: solver)
    }
}
