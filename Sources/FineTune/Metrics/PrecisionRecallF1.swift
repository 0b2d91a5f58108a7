/// Precision, recall and their harmonic mean, of one class or averaged over several.
public struct PrecisionRecallF1: Sendable, Hashable {
    /// The part of the predictions of the class that are right; 0 if it is never predicted.
    public let precision: Double
    /// The part of the targets of the class that are found; 0 if it is never a target.
    public let recall: Double
    /// The harmonic mean of precision and recall; 0 if the class is neither predicted nor a
    /// target.
    public let f1: Double
}

/// How well one class is predicted.
public struct ClassScores: Sendable, Hashable {
    /// The name of the class.
    public let label: String
    /// Its precision, recall and F1.
    public let scores: PrecisionRecallF1
    /// How many examples are of the class (scikit-learn's "support").
    public let targetCount: Int
    /// How many examples are predicted to be of the class.
    public let predictionCount: Int

    /// Whether the class is a target or a prediction of any example.
    public var isPresent: Bool { targetCount > 0 || predictionCount > 0 }
}

/// The counts that precision, recall and F1 are made of.
struct OutcomeCounts {
    /// Predicted and true.
    var hits = 0
    var predictions = 0
    var targets = 0

    var scores: PrecisionRecallF1 {
        PrecisionRecallF1(
            precision: ratio(hits, predictions), recall: ratio(hits, targets),
            f1: ratio(2 * hits, predictions + targets))
    }

    func scores(of label: String) -> ClassScores {
        ClassScores(
            label: label, scores: scores, targetCount: targets, predictionCount: predictions)
    }

    static func + (left: Self, right: Self) -> Self {
        OutcomeCounts(
            hits: left.hits + right.hits, predictions: left.predictions + right.predictions,
            targets: left.targets + right.targets)
    }
}

extension PrecisionRecallF1 {
    /// The mean of the classes' scores under these weights; 0 if the weights sum to 0.
    init(of classes: [ClassScores], weights: [Double]) {
        let total = weights.reduce(0, +)
        func mean(_ value: (PrecisionRecallF1) -> Double) -> Double {
            guard total > 0 else { return 0 }
            return zip(classes, weights).map { value($0.scores) * $1 }.reduce(0, +) / total
        }
        self.init(precision: mean(\.precision), recall: mean(\.recall), f1: mean(\.f1))
    }
}

/// The quotient, or 0 if nothing can be divided by.
func ratio(_ numerator: Int, _ denominator: Int) -> Double {
    denominator == 0 ? 0 : Double(numerator) / Double(denominator)
}
