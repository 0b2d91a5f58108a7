@testable import FineTune
import TestSupport
import Testing

/// The gradient that Newton's method brings to 0, against central differences of the value.
@Suite struct LogisticObjectiveTests {
    /// Rows, axes and classes.
    static let sizes = [[6, 1, 2], [12, 3, 3], [20, 5, 2], [30, 8, 4], [9, 17, 3]]

    private func objective(_ sizes: [Int]) -> LogisticObjective {
        let (rows, axes, classes) = (sizes[0], sizes[1], sizes[2])
        let scores = Samples.normal([rows, axes], seed: 1)
        let weights = Samples.uniform([rows, 1], in: 0.5..<2, seed: 2)
        let targets = Samples.normal([rows, classes], seed: 3).softmax() * weights
        return LogisticObjective(
            scores: scores, curvatures: doubles(scores.squared().sum(axis: 0)),
            targets: doubles(targets), classes: classes, penalty: 0.7)
    }

    private func value(_ objective: LogisticObjective, at values: [Double]) -> Double {
        let point = LogisticObjective.Point(values: values, classes: objective.classes)
        let squares = point.weights.reduce(0) { $0 + $1 * $1 }
        return objective.heldOutLoss(at: point, targets: objective.targets).loss
            + objective.penalty / 2 * squares
    }

    @Test(arguments: sizes)
    func theValueHasNoSlopeAtTheMinimum(_ sizes: [Int]) throws {
        let objective = objective(sizes)
        let minimum = try objective.minimum(from: nil, tolerance: 1e-10).values
        let step = 1e-5
        let slopes = minimum.indices.map { index in
            var (above, below) = (minimum, minimum)
            above[index] += step
            below[index] -= step
            return (value(objective, at: above) - value(objective, at: below)) / (2 * step)
        }
        #expect(
            mismatch(
                Tensor(slopes), [Double](repeating: 0, count: slopes.count),
                within: GradientCheck.tolerance) == nil)
        let origin = [Double](repeating: 0, count: minimum.count)
        #expect(value(objective, at: origin) > value(objective, at: minimum))
    }
}
