import Tensor

/// How strongly logistic regression holds weights back.
public enum LogisticPenalty: Sendable, Hashable {
    /// This one: `1 / C` of scikit-learn's `LogisticRegression`, for standardised features.
    case fixed(Double)
    /// The one with the smallest cross-entropy on the parts of a stratified cross-validation. By
    /// default tried from the number of examples downwards, two to a decade, until the loss has risen
    /// twice or 10⁻⁶ of it is reached.
    case crossValidation(folds: Int = 5, among: [Double]? = nil, seed: UInt64 = 0)
}

/// Minimises the cross-entropy of the softmax `+ penalty / 2 ‖W‖²`, the bias not penalised, which is
/// scikit-learn's objective divided by C. Two classes are one logistic function, as there.
///
/// The minimum is found by Newton's method, on the principal axes of the features.
struct LogisticRegression {
    private let axes: PrincipalAxes
    /// Shape `[rows, classes]`; a row sums to the weight of its example.
    private let targets: [Double]
    private let classes: Int
    private let rows: Int

    /// What every penalty needs.
    ///
    /// - Parameters:
    ///   - axes: Those of the standardised features.
    ///   - targets: How much of each row belongs to each class, row after row; every class has a
    ///     part.
    ///   - classes: The number of classes.
    init(_ axes: PrincipalAxes, targets: [Double], classes: Int) {
        (self.axes, self.targets, self.classes) = (axes, targets, classes)
        rows = axes.scores.shape[0]
    }

    /// The solution with the penalty that `choice` says.
    ///
    /// - Parameters:
    ///   - choice: The penalty.
    ///   - strata: The class of each row, by which folds are made alike.
    /// - Returns: Weights of the standardised features, the biases summing to 0.
    /// - Throws: ``HeadSolverError``, `CancellationError`.
    func solution(_ choice: LogisticPenalty, strata: [Int]) throws -> LinearSolution {
        switch choice {
        case .fixed(let penalty):
            return try solution(penalty: try checked(penalty), trials: [])
        case .crossValidation(let folds, let candidates, let seed):
            guard folds >= 2 else { throw HeadSolverError.unusableFolds(folds) }
            let steps = (0...12).map { Double(rows) * decimalPower(-Double($0) / 2) }
            let penalties = try (candidates ?? steps).map(checked).sorted(by: >)
            let parts = stratifiedFolds(of: strata, count: folds, seed: seed)
            let trials = try losses(penalties, parts: parts)
            guard let best = trials.best else { throw HeadSolverError.noPenalty }
            return try solution(penalty: best.penalty, trials: trials)
        }
    }

    private func solution(penalty: Double, trials: [PenaltyTrial]) throws -> LinearSolution {
        let minimum = try objective(targets: targets, penalty: penalty).minimum(
            from: nil, tolerance: 1e-10)
        let weights = Tensor(minimum.weights, shape: [classes, axes.values.count])
        // Adding a number to every bias changes nothing; the mean is 0 by convention.
        let mean = minimum.biases.reduce(0, +) / Double(classes)
        return LinearSolution(
            weight: axes.featureWeights(weights), bias: minimum.biases.map { $0 - mean },
            penalty: penalty, trials: trials)
    }

    /// As two functions w and −w, a logistic function of weights 2w has twice the squared length that
    /// the softmax sees.
    private func objective(targets: [Double], penalty: Double) -> LogisticObjective {
        LogisticObjective(
            scores: axes.scores, curvatures: axes.values, targets: targets, classes: classes,
            penalty: classes == 2 ? 2 * penalty : penalty)
    }

    // MARK: Cross-validation

    /// The loss of each penalty on the left-out parts, from strong to weak, each beginning where the
    /// one before ended.
    private func losses(_ penalties: [Double], parts: [Int]) throws -> [PenaltyTrial] {
        let folds = Set(parts).sorted()
        var minima = [LogisticObjective.Point?](repeating: nil, count: folds.count)
        var trials: [PenaltyTrial] = []
        for penalty in penalties {
            var (loss, weight) = (0.0, 0.0)
            for (index, fold) in folds.enumerated() {
                try Task.checkCancellation()
                // A left-out example is one of weight 0: the principal axes stay the same. Made anew
                // for each penalty, since there may be as many folds as examples.
                let kept = targetsWithout(fold, parts)
                let objective = objective(targets: kept, penalty: penalty)
                let minimum = try objective.minimum(from: minima[index], tolerance: 1e-3)
                minima[index] = minimum
                let measured = objective.heldOutLoss(
                    at: minimum, targets: heldOut(fold, parts, kept: kept))
                loss += measured.loss
                weight += measured.weight
            }
            trials.append(
                PenaltyTrial(penalty: penalty, loss: weight > 0 ? loss / weight : .infinity))
            if hasRisenTwice(trials) { break }
        }
        return trials
    }

    private func hasRisenTwice(_ trials: [PenaltyTrial]) -> Bool {
        let last = trials.suffix(3).map(\.loss)
        return last.count == 3 && last[0] < last[1] && last[1] < last[2]
    }

    private func targetsWithout(_ fold: Int, _ parts: [Int]) -> [Double] {
        targets.indices.map { parts[$0 / classes] == fold ? 0 : targets[$0] }
    }

    /// The targets of a fold, without those of classes that occur nowhere else: nothing could be
    /// learned about them.
    private func heldOut(_ fold: Int, _ parts: [Int], kept: [Double]) -> [Double] {
        var isKnown = [Bool](repeating: false, count: classes)
        for index in kept.indices where kept[index] > 0 { isKnown[index % classes] = true }
        return targets.indices.map {
            parts[$0 / classes] == fold && isKnown[$0 % classes] ? targets[$0] : 0
        }
    }
}

/// Which fold each element belongs to, so that each class is spread evenly over the folds.
///
/// - Parameters:
///   - classes: The class of each element.
///   - count: How many folds; fewer if there are fewer elements.
///   - seed: Decides which of a class go where.
/// - Returns: Numbers in `0 ..< count`.
func stratifiedFolds(of classes: [Int], count: Int, seed: UInt64) -> [Int] {
    var generator = SplitMix64(seed: seed)
    var order = Array(classes.indices)
    generator.shuffle(&order)
    // One class after the other goes round the folds, so that the folds are also equally large.
    order = order.enumerated().sorted {
        (classes[$0.element], $0.offset) < (classes[$1.element], $1.offset)
    }.map(\.element)
    var folds = [Int](repeating: 0, count: classes.count)
    for (rank, position) in order.enumerated() { folds[position] = rank % count }
    return folds
}
