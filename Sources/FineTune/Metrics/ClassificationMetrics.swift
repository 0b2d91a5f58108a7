/// How well a model predicts one class for each example.
///
/// Every quotient whose denominator is 0 is defined as 0, so that no score is ever not a number.
public struct ClassificationMetrics: Sendable, Hashable {
    /// The names of the classes.
    public let labels: [String]
    /// How often a class was predicted to be another one, or itself.
    struct Confusion: Sendable, Hashable {
        let target, prediction, count: Int
    }

    /// What the confusion matrix holds beside zeros, row by row: never more than there are examples,
    /// where the whole of many classes would not fit in memory.
    let confusions: [Confusion]
    /// How well each class is predicted, in the order of ``labels``.
    public let classes: [ClassScores]
    /// The number of examples.
    public let count: Int
    /// The part of the examples that are predicted right.
    public let accuracy: Double
    /// The mean over the classes that are present, each counting the same. A class that is neither
    /// a target nor a prediction is left out, as scikit-learn does by default.
    public let macro: PrecisionRecallF1
    /// The mean over the classes, each weighing as many as its targets.
    public let weighted: PrecisionRecallF1
    /// The correlation of predictions and targets, -1...1, of any number of classes: Gorodkin,
    /// "Comparing two K-category assignments by a K-category correlation coefficient" (2004). 0 if
    /// all predictions or all targets are one class.
    public let matthewsCorrelation: Double

    /// Compares predicted with true classes, position by position.
    ///
    /// - Parameters:
    ///   - predictions: The predicted class of each example, as a position in `labels`.
    ///   - targets: The true class of each example, as a position in `labels`.
    ///   - labels: The names of the classes.
    /// - Precondition: There are as many predictions as targets, all positions in `labels`.
    public init(predictions: [Int], targets: [Int], labels: [String]) {
        precondition(
            predictions.count == targets.count,
            "\(predictions.count) predictions do not match \(targets.count) targets")
        var outcomes = [OutcomeCounts](repeating: OutcomeCounts(), count: labels.count)
        var counts: [Int: Int] = [:]
        for (prediction, target) in zip(predictions, targets) {
            precondition(
                labels.indices.contains(prediction) && labels.indices.contains(target),
                "prediction \(prediction) of target \(target) is none of \(labels.count) classes")
            outcomes[target].targets += 1
            outcomes[prediction].predictions += 1
            outcomes[target].hits += prediction == target ? 1 : 0
            counts[target * labels.count + prediction, default: 0] += 1
        }
        self.labels = labels
        confusions = counts.sorted { $0.key < $1.key }.map { cell in
            Confusion(
                target: cell.key / labels.count, prediction: cell.key % labels.count,
                count: cell.value)
        }
        classes = zip(outcomes, labels).map { $0.scores(of: $1) }
        let total = outcomes.reduce(OutcomeCounts(), +)
        count = total.targets
        accuracy = ratio(total.hits, total.targets)
        macro = PrecisionRecallF1(of: classes, weights: classes.map { $0.isPresent ? 1 : 0 })
        weighted = PrecisionRecallF1(of: classes, weights: classes.map { Double($0.targetCount) })
        matthewsCorrelation = Self.matthewsCorrelation(of: outcomes, total: total)
    }

    /// How often each class (row) was predicted to be each class (column). It is made when it is asked
    /// for, and takes memory for the square of the number of classes.
    public var confusionMatrix: [[Int]] {
        var matrix = [[Int]](
            repeating: [Int](repeating: 0, count: labels.count), count: labels.count)
        for cell in confusions { matrix[cell.target][cell.prediction] = cell.count }
        return matrix
    }

    /// The mean over the examples; for one class each, all three scores equal the accuracy.
    public var micro: PrecisionRecallF1 {
        PrecisionRecallF1(precision: accuracy, recall: accuracy, f1: accuracy)
    }

    /// F1, each class that is present counting the same.
    public var macroF1: Double { macro.f1 }

    private static func matthewsCorrelation(
        of outcomes: [OutcomeCounts], total: OutcomeCounts
    ) -> Double {
        let (count, hits) = (Double(total.targets), Double(total.hits))
        func sum(_ term: (OutcomeCounts) -> Double) -> Double { outcomes.map(term).reduce(0, +) }
        let covariance = hits * count - sum { Double($0.predictions) * Double($0.targets) }
        let predictionVariance = count * count - sum { Double($0.predictions).squared }
        let targetVariance = count * count - sum { Double($0.targets).squared }
        guard predictionVariance > 0, targetVariance > 0 else { return 0 }
        return covariance / (predictionVariance.squareRoot() * targetVariance.squareRoot())
    }
}

extension Double {
    var squared: Double { self * self }
}
