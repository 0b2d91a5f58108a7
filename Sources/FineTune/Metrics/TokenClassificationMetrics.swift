/// How well words are tagged and spans found.
///
/// A predicted span is right if a true one has the same label and the same words. Counts are those
/// of `seqeval` and of the evaluation of CoNLL-2000. Every quotient whose denominator is 0 is 0.
public struct TokenClassificationMetrics: Sendable, Hashable {
    /// How well the tags of single words are predicted.
    public let words: ClassificationMetrics
    /// How well each kind of span is found, in the order of the tags.
    public let spans: [ClassScores]
    /// Precision, recall and F1 of all spans together.
    public let micro: PrecisionRecallF1
    /// The mean over the kinds of spans that occur in targets or predictions, each counting the same.
    public let macro: PrecisionRecallF1
    /// The mean over the kinds of spans, each weighing as many as its targets.
    public let weighted: PrecisionRecallF1
    /// The part of the texts in which every word is right.
    public let exactAccuracy: Double
    /// The number of texts.
    public let count: Int

    /// Compares predicted with true tags, text by text and word by word.
    ///
    /// - Parameters:
    ///   - predictions: The predicted tag of each word of each text, as a position in `labels`.
    ///   - targets: The true tags, alike.
    ///   - labels: The tags.
    ///   - scheme: What tags mean together.
    /// - Precondition: There is a prediction for each target, all positions in `labels`.
    public init(
        predictions: [[Int]], targets: [[Int]], labels: [String], scheme: TagScheme
    ) {
        precondition(
            predictions.map(\.count) == targets.map(\.count),
            "the predictions are not for the words of the targets")
        words = ClassificationMetrics(
            predictions: predictions.flatMap { $0 }, targets: targets.flatMap { $0 },
            labels: labels)
        let kinds = labels.reduce(into: [String]()) { kinds, tag in
            if let label = scheme.parts(of: tag).label, !kinds.contains(label) {
                kinds.append(label)
            }
        }
        let numbers = ClassLabels(kinds)
        var outcomes = [OutcomeCounts](repeating: OutcomeCounts(), count: kinds.count)
        func number(_ span: TagSpan) -> Int? { try? numbers.number(of: span.label, example: 0) }
        var exact = 0
        for (prediction, target) in zip(predictions, targets) {
            let found = scheme.spans(of: prediction.map { labels[$0] })
            let wanted = Set(scheme.spans(of: target.map { labels[$0] }))
            for span in found {
                guard let kind = number(span) else { continue }
                outcomes[kind].predictions += 1
                outcomes[kind].hits += wanted.contains(span) ? 1 : 0
            }
            for span in wanted {
                if let kind = number(span) { outcomes[kind].targets += 1 }
            }
            exact += prediction == target ? 1 : 0
        }
        count = targets.count
        exactAccuracy = ratio(exact, count)
        spans = zip(outcomes, kinds).map { $0.scores(of: $1) }
        micro = outcomes.reduce(OutcomeCounts(), +).scores
        macro = PrecisionRecallF1(of: spans, weights: spans.map { $0.isPresent ? 1 : 0 })
        weighted = PrecisionRecallF1(of: spans, weights: spans.map { Double($0.targetCount) })
    }

    /// F1 of all spans together.
    public var spanF1: Double { micro.f1 }

    /// The part of the words whose tag is right.
    public var wordAccuracy: Double { words.accuracy }
}

extension TokenClassificationMetrics: HeadMetrics {
    /// F1 of all spans together.
    public var score: Double { spanF1 }
    /// `span F1`
    public static var scoreName: String { "span F1" }
}
