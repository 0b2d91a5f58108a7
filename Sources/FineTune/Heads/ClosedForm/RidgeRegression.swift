import Tensor

/// How strongly ridge regression holds weights back.
public enum RidgePenalty: Sendable, Hashable {
    /// This one: `alpha` of scikit-learn's `Ridge`, for standardised features.
    case fixed(Double)
    /// The one with the smallest squared error on examples that are left out one at a time, which for
    /// ridge regression costs no more than a fit (Allen's PRESS, Technometrics 1974). By default
    /// chosen among 33, four to a decade, from 10⁻⁶ to 100 times the number of examples.
    case leaveOneOut(among: [Double]? = nil)
}

/// Minimises `Σ w ‖y − x Wᵀ − b‖² + penalty ‖W‖²` (Hoerl and Kennard, Technometrics 1970). The bias
/// is not penalised.
struct RidgeRegression {
    private let axes: PrincipalAxes
    /// `√w (y − mean)`, shape `[rows, outputs]`.
    private let targets: Tensor
    private let featureMean: Tensor
    private let targetMean: Tensor
    /// `w / Σ w`: what the bias contributes to the leverage of an example. Shape `[rows]`.
    private let shares: Tensor
    private let totalWeight: Double
    /// `Zᵀ Y` with the scores Z, shape `[axes, outputs]`.
    private let products: Tensor

    /// What every penalty needs.
    ///
    /// - Parameters:
    ///   - x: Standardised features, shape `[rows, width]`.
    ///   - targets: Shape `[rows, outputs]`.
    ///   - rowWeights: How much each row counts, all positive; nil for all the same.
    /// - Throws: `LinearAlgebraError`.
    init(_ x: Tensor, targets: Tensor, rowWeights: [Double]?) throws(LinearAlgebraError) {
        let rows = x.shape[0]
        let weights = rowWeights ?? [Double](repeating: 1, count: rows)
        totalWeight = weights.reduce(0, +)
        shares = Tensor(weights) / totalWeight
        let share = shares.reshaped([rows, 1])
        featureMean = (x * share).sum(axis: 0)
        targetMean = (targets * share).sum(axis: 0)
        let roots = Tensor(weights).squareRoot().reshaped([rows, 1])
        self.targets = (targets - targetMean) * roots
        axes = try PrincipalAxes((x - featureMean) * roots)
        products = Tensor.matmul(axes.scores, self.targets, transposingA: true)
    }

    /// The solution with the penalty that `choice` says.
    func solution(_ choice: RidgePenalty) throws(HeadSolverError) -> LinearSolution {
        switch choice {
        case .fixed(let penalty):
            return solution(penalty: try checked(penalty), trials: [])
        case .leaveOneOut(let candidates):
            let steps = (0...32).map { totalWeight * decimalPower(2 - Double($0) / 4) }
            var penalties: [Double] = []
            for candidate in candidates ?? steps { penalties.append(try checked(candidate)) }
            let trials = penalties.sorted(by: >).map {
                PenaltyTrial(penalty: $0, loss: leaveOneOutError(penalty: $0))
            }
            guard let best = trials.best else { throw .noPenalty }
            return solution(penalty: best.penalty, trials: trials)
        }
    }

    private func solution(penalty: Double, trials: [PenaltyTrial]) -> LinearSolution {
        let weight = axes.featureWeights(scoreWeights(penalty: penalty).transposed().contiguous())
        let shift = Tensor.matmul(weight, featureMean.reshaped([featureMean.elementCount, 1]))
        let bias = zip(targetMean.elements(as: Double.self), shift.elements(as: Double.self)).map {
            $0 - $1
        }
        return LinearSolution(weight: weight, bias: bias, penalty: penalty, trials: trials)
    }

    /// `(Λ + penalty)⁻¹ Zᵀ Y`, shape `[axes, outputs]`.
    private func scoreWeights(penalty: Double) -> Tensor {
        products * shrinking(penalty).reshaped([axes.values.count, 1])
    }

    private func shrinking(_ penalty: Double) -> Tensor {
        Tensor(axes.values.map { 1 / ($0 + penalty) })
    }

    /// The mean squared error of each example by the solution that all others give: its residual
    /// divided by `1 − h`, where h is its leverage. Exact, the bias included; the scales of the
    /// features are those of all examples.
    private func leaveOneOutError(penalty: Double) -> Double {
        let fitted = Tensor.matmul(axes.scores, scoreWeights(penalty: penalty))
        let squares = (targets - fitted).squared().sum(axis: 1).elements(as: Double.self)
        let variances = Tensor.matmul(
            axes.scores.squared(), shrinking(penalty).reshaped([axes.values.count, 1]))
        let leverages = (variances.reshaped([squares.count]) + shares).elements(as: Double.self)
        var sum = 0.0
        for (square, leverage) in zip(squares, leverages) {
            // An example that alone decides its fit says nothing about others.
            guard 1 - leverage > 1e-10 else { return .infinity }
            sum += square / ((1 - leverage) * (1 - leverage))
        }
        return sum / (totalWeight * Double(targets.shape[1]))
    }
}

func checked(_ penalty: Double) throws(HeadSolverError) -> Double {
    guard penalty > 0, penalty.isFinite else { throw .unusablePenalty(penalty) }
    return penalty
}
