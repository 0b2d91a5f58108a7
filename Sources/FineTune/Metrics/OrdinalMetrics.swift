/// How well a model predicts levels that have an order.
public struct OrdinalMetrics: Sendable, Hashable, CustomStringConvertible {
    /// The levels as classes without an order.
    public let classification: ClassificationMetrics
    /// The mean distance of predicted and true level.
    public let meanAbsoluteError: Double
    /// The agreement beyond chance, a mistake weighing as the square of its distance: Cohen, "Weighted
    /// kappa" (Psychological Bulletin 1968). 1 is perfect, 0 what chance gives; 0 if all predictions
    /// and targets are one level.
    public let quadraticWeightedKappa: Double

    /// Compares predicted with true levels, position by position.
    ///
    /// - Parameters:
    ///   - predictions: The predicted level of each example, as a position in `labels`.
    ///   - targets: The true level of each example, as a position in `labels`.
    ///   - labels: The names of the levels, from the lowest to the highest.
    /// - Precondition: There are as many predictions as targets, all positions in `labels`.
    public init(predictions: [Int], targets: [Int], labels: [String]) {
        classification = ClassificationMetrics(
            predictions: predictions, targets: targets, labels: labels)
        let distances = zip(predictions, targets).map { abs($0 - $1) }
        meanAbsoluteError = ratio(distances.reduce(0, +), distances.count)
        let rows = classification.classes.map(\.targetCount)
        let columns = classification.classes.map(\.predictionCount)
        var (observed, expected) = (0.0, 0.0)
        for cell in classification.confusions {
            observed += Double(cell.target - cell.prediction).squared * Double(cell.count)
        }
        for row in labels.indices where rows[row] > 0 {
            for column in labels.indices where columns[column] > 0 {
                let weight = Double(row - column).squared
                expected += weight * Double(rows[row]) * Double(columns[column])
            }
        }
        let count = Double(targets.count)
        quadraticWeightedKappa = expected > 0 ? 1 - observed * count / expected : 0
    }

    /// The part of the levels that is right.
    public var accuracy: Double { classification.accuracy }

    /// The scores in one line, and a table of the levels.
    public var description: String {
        "mean absolute error \(meanAbsoluteError.formatted(decimals: 3)), quadratic weighted kappa "
            + "\(quadraticWeightedKappa.formatted(decimals: 3))\n\(classification)"
    }
}

extension OrdinalMetrics: HeadMetrics {
    /// The negated mean absolute error: the higher, the better.
    public var score: Double { -meanAbsoluteError }
    /// `−MAE`
    public static var scoreName: String { "−MAE" }
}
