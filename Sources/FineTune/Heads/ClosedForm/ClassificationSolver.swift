public import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How the linear map of a ``ClassificationHead`` is computed from features. All standardise the
/// features first and give weights for features as they are.
public enum ClassificationSolver: Sendable, Hashable, CustomStringConvertible {
    /// Ridge regression to 1 for the class of an example and −1 for the others: scikit-learn's
    /// `RidgeClassifier`. The fastest; its outputs are no log probabilities, so the
    /// probabilities of its predictions are vague until ``FineTunedModel/calibrate(on:binCount:)``.
    case ridge(penalty: RidgePenalty = .leaveOneOut())
    /// The head's own loss with a penalty on the squared weights: scikit-learn's
    /// `LogisticRegression`. The most accurate where there are many examples.
    case logisticRegression(penalty: LogisticPenalty = .crossValidation())
    /// Normal distributions of one covariance: scikit-learn's `LinearDiscriminantAnalysis`. Class
    /// weights count as how probable the classes are.
    case linearDiscriminant(shrinkage: CovarianceShrinkage = .ledoitWolf)

    /// Such as `ridge regression`.
    public var description: String {
        switch self {
        case .ridge: "ridge regression"
        case .logisticRegression: "logistic regression"
        case .linearDiscriminant: "linear discriminant analysis"
        }
    }
}

extension ClassificationHead: SolvableHead {
    /// The weights that fit these features best.
    ///
    /// Class weights count as in the loss; label smoothing only in logistic regression, spread over
    /// the classes that occur. A class without examples, or of weight 0, gets weights of 0 and a
    /// bias with which it is less probable for every example than one in twice their number.
    ///
    /// - Throws: ``HeadError/singleClass(_:)``, ``HeadSolverError``, `LinearAlgebraError`.
    public func solution(
        features: Tensor, targets: [Int], solver: ClassificationSolver
    ) throws -> LinearSolution {
        try checkTrainable(targets)
        try checkFinite(features)
        let problem = ClassProblem(features, targets: targets, head: self)
        guard problem.present.count >= 2 else { throw HeadSolverError.unweightedClasses }
        let solution =
            switch solver {
            case .ridge(let penalty): try problem.ridge(penalty)
            case .logisticRegression(let penalty): try problem.logisticRegression(penalty)
            case .linearDiscriminant(let shrinkage): try problem.linearDiscriminant(shrinkage)
            }
        return problem.scaling.unscaled(problem.withAbsentClasses(solution))
    }
}

/// What a classification head has to solve: standardised features of the examples that count, and
/// the classes that occur among them, numbered anew.
private struct ClassProblem {
    let scaling: FeatureScaling
    /// The head's numbers of the classes that occur with a weight.
    let present: [Int]
    private let labelCount: Int
    private let smoothing: Double
    /// Shape `[rows, width]`.
    private let x: Tensor
    /// The class of each row, as a position in `present`.
    private let classes: [Int]
    /// The weight of each class that is present.
    private let weights: [Double]

    init(_ features: Tensor, targets: [Int], head: ClassificationHead) {
        labelCount = head.labelNames.count
        smoothing = head.labelSmoothing
        let allWeights: [Double] =
            if case .perLabel(let given) = head.classWeights { given } else {
                [Double](repeating: 1, count: labelCount)
            }
        let occurring = Set(targets)
        present = occurring.filter { allWeights[$0] > 0 }.sorted()
        weights = present.map { allWeights[$0] }
        var places = [Int?](repeating: nil, count: labelCount)
        for (place, label) in present.enumerated() { places[label] = place }
        classes = targets.compactMap { places[$0] }
        let kept = targets.indices.filter { places[targets[$0]] != nil }
        let rows =
            kept.count == targets.count
            ? features : features.gatheringRows(kept.map(Int32.init))
        scaling = FeatureScaling(rows)
        x = scaling.standardized(rows)
    }

    func ridge(_ penalty: RidgePenalty) throws -> LinearSolution {
        var targets = [Double](repeating: -1, count: classes.count * present.count)
        for (row, label) in classes.enumerated() { targets[row * present.count + label] = 1 }
        let isUniform = weights.allSatisfy { $0 == 1 }
        return try RidgeRegression(
            x, targets: Tensor(targets, shape: [classes.count, present.count]),
            rowWeights: isUniform ? nil : classes.map { weights[$0] }
        ).solution(penalty)
    }

    func logisticRegression(_ penalty: LogisticPenalty) throws -> LinearSolution {
        let count = present.count
        var targets = [Double](repeating: 0, count: classes.count * count)
        for (row, label) in classes.enumerated() {
            for other in 0..<count {
                targets[row * count + other] = weights[other] * smoothing / Double(count)
            }
            targets[row * count + label] += weights[label] * (1 - smoothing)
        }
        return try LogisticRegression(PrincipalAxes(x), targets: targets, classes: count)
            .solution(penalty, strata: classes)
    }

    func linearDiscriminant(_ shrinkage: CovarianceShrinkage) throws -> LinearSolution {
        var priors = [Double](repeating: 0, count: present.count)
        for label in classes { priors[label] += weights[label] }
        let total = priors.reduce(0, +)
        return try LinearDiscriminantAnalysis(shrinkage: shrinkage).solution(
            x, classes: classes, priors: priors.map { $0 / total })
    }

    /// The solution for all labels of the head.
    func withAbsentClasses(_ solution: LinearSolution) -> LinearSolution {
        guard present.count < labelCount else { return solution }
        let outputs =
            Tensor.matmul(x, solution.weight, transposingB: true) + Tensor(solution.bias)
        let values = outputs.elements(as: Double.self)
        let largest = (0..<classes.count).map { row in
            values[row * present.count..<(row + 1) * present.count].max() ?? 0
        }
        let absent = (largest.min() ?? 0) - log(2 * Double(classes.count))
        var weight = Tensor(zeros: [labelCount, x.shape[1]], dtype: .float64)
        weight.scatterAdd(solution.weight, at: present.map(Int32.init))
        var bias = [Double](repeating: absent, count: labelCount)
        for (place, label) in present.enumerated() { bias[label] = solution.bias[place] }
        return LinearSolution(
            weight: weight, bias: bias, penalty: solution.penalty, trials: solution.trials)
    }
}
