/// How well a model predicts any number of labels for each example.
///
/// Every quotient whose denominator is 0 is defined as 0, so that no score is ever not a number.
public struct MultiLabelMetrics: Sendable, Hashable {
    /// The names of the labels.
    public let labels: [String]
    /// How well each label is predicted, in the order of ``labels``.
    public let classes: [ClassScores]
    /// The number of examples.
    public let count: Int
    /// The part of the examples all of whose labels are predicted right.
    public let subsetAccuracy: Double
    /// The scores of all decisions together.
    public let micro: PrecisionRecallF1
    /// The mean over the labels, each counting the same. A label that is neither a target nor a
    /// prediction counts 0, as scikit-learn does for an indicator matrix.
    public let macro: PrecisionRecallF1
    /// The mean over the labels, each weighing as many as its targets.
    public let weighted: PrecisionRecallF1

    /// Compares predicted with true labels, position by position.
    ///
    /// - Parameters:
    ///   - predictions: For each example, whether each label is predicted: `[examples][labels]`.
    ///   - targets: For each example, whether each label is true: `[examples][labels]`.
    ///   - labels: The names of the labels.
    /// - Precondition: There are as many predictions as targets, each with a value for each label.
    public init(predictions: [[Bool]], targets: [[Bool]], labels: [String]) {
        precondition(
            predictions.count == targets.count,
            "\(predictions.count) predictions do not match \(targets.count) targets")
        var outcomes = [OutcomeCounts](repeating: OutcomeCounts(), count: labels.count)
        var exact = 0
        for (prediction, target) in zip(predictions, targets) {
            precondition(
                prediction.count == labels.count && target.count == labels.count,
                "\(prediction.count) predictions of \(target.count) targets do not fit "
                    + "\(labels.count) labels")
            for index in labels.indices {
                outcomes[index].hits += prediction[index] && target[index] ? 1 : 0
                outcomes[index].predictions += prediction[index] ? 1 : 0
                outcomes[index].targets += target[index] ? 1 : 0
            }
            exact += prediction == target ? 1 : 0
        }
        self.labels = labels
        classes = zip(outcomes, labels).map { $0.scores(of: $1) }
        count = targets.count
        subsetAccuracy = ratio(exact, targets.count)
        micro = outcomes.reduce(OutcomeCounts(), +).scores
        macro = PrecisionRecallF1(of: classes, weights: classes.map { _ in 1 })
        weighted = PrecisionRecallF1(of: classes, weights: classes.map { Double($0.targetCount) })
    }

    /// F1, each label counting the same.
    public var macroF1: Double { macro.f1 }

    /// F1 of all decisions together.
    public var microF1: Double { micro.f1 }
}
