public import Tensor

/// How the linear map of a ``RegressionHead`` is computed from features.
public enum RegressionSolver: Sendable, Hashable, CustomStringConvertible {
    /// Ridge regression on standardised features: scikit-learn's `Ridge`.
    case ridge(penalty: RidgePenalty = .leaveOneOut())

    /// `ridge regression`
    public var description: String { "ridge regression" }
}

extension RegressionHead: SolvableHead {
    /// The weights that fit these features best.
    ///
    /// - Throws: ``HeadSolverError``, `LinearAlgebraError`.
    public func solution(
        features: Tensor, targets: [Double], solver: RegressionSolver
    ) throws -> LinearSolution {
        try checkFinite(features)
        let scaling = FeatureScaling(features)
        let ridge = try RidgeRegression(
            scaling.standardized(features),
            targets: Tensor(targets, shape: [targets.count, 1]), rowWeights: nil)
        return switch solver {
        case .ridge(let penalty): scaling.unscaled(try ridge.solution(penalty))
        }
    }
}
