public import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How the linear map of a ``MultiLabelHead`` is computed from features, on which each label is
/// solved by itself.
public enum MultiLabelSolver: Sendable, Hashable, CustomStringConvertible {
    /// Ridge regression to 1 for a label that is given and −1 for one that is not, with one penalty
    /// for all labels.
    case ridge(penalty: RidgePenalty = .leaveOneOut())
    /// Logistic regression, with a penalty for each label.
    case logisticRegression(penalty: LogisticPenalty = .crossValidation())

    /// Such as `ridge regression`.
    public var description: String {
        switch self {
        case .ridge: "ridge regression"
        case .logisticRegression: "logistic regression"
        }
    }
}

extension MultiLabelHead: SolvableHead {
    /// The weights that fit these features best.
    ///
    /// In logistic regression, a label that all examples have, or none, gets weights of 0 and a bias
    /// by which one example in twice their number would be otherwise.
    ///
    /// - Throws: ``HeadError/singleClass(_:)``, ``HeadSolverError``, `LinearAlgebraError`.
    public func solution(
        features: Tensor, targets: [[Int]], solver: MultiLabelSolver
    ) throws -> LinearSolution {
        try checkTrainable(targets)
        try checkFinite(features)
        let scaling = FeatureScaling(features)
        let x = scaling.standardized(features)
        let solution =
            switch solver {
            case .ridge(let penalty): try ridge(x, targets, penalty)
            case .logisticRegression(let penalty): try logisticRegression(x, targets, penalty)
            }
        return scaling.unscaled(solution)
    }

    private func ridge(
        _ x: Tensor, _ targets: [[Int]], _ penalty: RidgePenalty
    ) throws -> LinearSolution {
        let count = labelNames.count
        var wanted = [Double](repeating: -1, count: targets.count * count)
        for (row, labels) in targets.enumerated() {
            for label in labels { wanted[row * count + label] = 1 }
        }
        return try RidgeRegression(
            x, targets: Tensor(wanted, shape: [targets.count, count]), rowWeights: nil
        ).solution(penalty)
    }

    private func logisticRegression(
        _ x: Tensor, _ targets: [[Int]], _ penalty: LogisticPenalty
    ) throws -> LinearSolution {
        let (axes, width) = (try PrincipalAxes(x), x.shape[1])
        var (weights, biases): ([Double], [Double]) = ([], [])
        for label in labelNames.indices {
            let answers = targets.map { $0.contains(label) ? 1 : 0 }
            guard Set(answers).count == 2 else {
                weights += [Double](repeating: 0, count: width)
                let odds = log(2 * Double(answers.count) - 1)
                biases.append(answers[0] == 1 ? odds : -odds)
                continue
            }
            let solution = try LogisticRegression(
                axes, targets: answers.flatMap { [Double(1 - $0), Double($0)] }, classes: 2
            ).solution(penalty, strata: answers)
            weights += (solution.weight[1] - solution.weight[0]).elements(as: Double.self)
            biases.append(solution.bias[1] - solution.bias[0])
        }
        return LinearSolution(
            weight: Tensor(weights, shape: [biases.count, width]), bias: biases, penalty: nil)
    }
}
