/// How well a model predicts a number for each example.
///
/// What the examples do not determine is defined as 0: the correlations if all predictions or all
/// targets are equal, everything if there is no example. A prediction that is not a number makes
/// every score so.
public struct RegressionMetrics: Sendable, Hashable {
    /// The number of examples.
    public let count: Int
    /// The mean of the squared differences.
    public let meanSquaredError: Double
    /// The mean of the absolute differences.
    public let meanAbsoluteError: Double
    /// The coefficient of determination: 1 for a perfect prediction, 0 for the targets' mean,
    /// below 0 for worse. If all targets are equal: 1 for a perfect prediction, else 0.
    public let rSquared: Double
    /// Pearson's linear correlation of predictions and targets, -1...1.
    public let pearsonCorrelation: Double
    /// Spearman's rank correlation of predictions and targets, -1...1; equal numbers share the
    /// mean of their ranks.
    public let spearmanCorrelation: Double

    /// Compares predicted with true numbers, position by position.
    ///
    /// - Precondition: There are as many predictions as targets.
    public init(predictions: [Double], targets: [Double]) {
        precondition(
            predictions.count == targets.count,
            "\(predictions.count) predictions do not match \(targets.count) targets")
        let differences = zip(predictions, targets).map { $0 - $1 }
        count = targets.count
        meanSquaredError = differences.map(\.squared).mean
        meanAbsoluteError = differences.map(\.magnitude).mean
        pearsonCorrelation = correlation(predictions, targets)
        spearmanCorrelation = correlation(predictions.ranks, targets.ranks)
        if targets.isConstant {
            let residual = differences.map(\.squared).mean
            rSquared = residual.isNaN ? .nan : residual == 0 && !targets.isEmpty ? 1 : 0
        } else {
            rSquared = 1 - meanSquaredError / targets.deviations.map(\.squared).mean
        }
    }
}

/// Pearson's correlation, or 0 if either sequence is constant.
private func correlation(_ left: [Double], _ right: [Double]) -> Double {
    let sum = left.reduce(0, +) + right.reduce(0, +)
    guard !sum.isNaN else { return .nan }
    guard !left.isConstant, !right.isConstant else { return 0 }
    let (a, b) = (left.deviations.normalized, right.deviations.normalized)
    return min(1, max(-1, zip(a, b).map { $0 * $1 }.reduce(0, +)))
}

extension [Double] {
    fileprivate var mean: Double { isEmpty ? 0 : reduce(0, +) / Double(count) }

    /// Whether all are equal. Deviations do not tell: rounding keeps them from being exactly 0.
    fileprivate var isConstant: Bool { allSatisfy { $0 == first } }

    fileprivate var deviations: [Double] {
        let mean = mean
        return map { $0 - mean }
    }

    /// Divided by the length; scaled first, so that no square overflows or vanishes.
    fileprivate var normalized: [Double] {
        let scale = map(\.magnitude).max() ?? 1
        let scaled = map { $0 / scale }
        let length = scaled.map(\.squared).reduce(0, +).squareRoot()
        return scaled.map { $0 / length }
    }

    /// The rank of each from 1, equal numbers sharing the mean of theirs. Without order among
    /// them, numbers that are not numbers make every rank so.
    fileprivate var ranks: [Double] {
        guard !contains(where: \.isNaN) else { return map { _ in .nan } }
        let order = indices.sorted { self[$0] < self[$1] }
        var ranks = self
        var start = 0
        while start < order.count {
            var end = start
            while end < order.count, self[order[end]] == self[order[start]] { end += 1 }
            for index in order[start..<end] { ranks[index] = Double(start + end + 1) / 2 }
            start = end
        }
        return ranks
    }
}
