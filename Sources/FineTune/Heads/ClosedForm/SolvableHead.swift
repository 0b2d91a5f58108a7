import Layers
public import Tensor

/// A head whose best linear map can be computed from the features at once, without epochs.
///
/// Which ways there are depends on the task, so each head says it by a type: a classification head
/// knows ``ClassificationSolver``, a regression head ``RegressionSolver``.
public protocol SolvableHead: Head where Network == LinearHead {
    /// The ways to solve it.
    associatedtype Solver: Sendable, CustomStringConvertible

    /// The weights that fit these features best.
    ///
    /// - Parameters:
    ///   - features: What the backbone makes of the examples, `float64` of shape `[rows, width]`.
    ///   - targets: One for each row.
    ///   - solver: How.
    /// - Returns: A weight `[outputs, width]` and a bias for the features as they are.
    /// - Throws: ``HeadError``, ``HeadSolverError`` and `LinearAlgebraError` if there is no solution.
    func solution(
        features: Tensor, targets: [EncodedTarget], solver: Solver
    ) throws -> LinearSolution
}

/// A linear map that was computed from features: `y = x Wᵀ + b`.
public struct LinearSolution: Sendable {
    /// `float64`, shape `[outputs, width]`.
    public let weight: Tensor
    /// One for each output.
    public let bias: [Double]
    /// The penalty or shrinkage that it was computed with; nil if there is none.
    public let penalty: Double?
    /// The penalties that were compared, from the strongest to the weakest; empty if it was given.
    public let trials: [PenaltyTrial]

    /// A solution of these parts.
    public init(weight: Tensor, bias: [Double], penalty: Double?, trials: [PenaltyTrial] = []) {
        (self.weight, self.bias, self.penalty, self.trials) = (weight, bias, penalty, trials)
    }
}

/// How well one penalty did on examples that it was not fitted to.
public struct PenaltyTrial: Sendable, Hashable {
    /// The penalty.
    public let penalty: Double
    /// The mean loss on left-out examples: the squared error of ridge regression, the cross-entropy
    /// of logistic regression. Infinite if it is not defined.
    public let loss: Double
}

extension Sequence<PenaltyTrial> {
    /// The trial of the smallest loss; of equal ones the first, which has the strongest penalty.
    var best: PenaltyTrial? {
        reduce(nil) { best, trial in
            if let best, !(trial.loss < best.loss) { best } else { trial }
        }
    }
}

/// A head that cannot be solved as asked.
public enum HeadSolverError: Error, Hashable, CustomStringConvertible {
    /// A penalty that is not a positive number, or a shrinkage outside `0 ... 1`.
    case unusablePenalty(Double)
    /// No penalty to choose from.
    case noPenalty
    /// Fewer than two folds.
    case unusableFolds(Int)
    /// The backbone gives no finite features for an example.
    case nonFiniteFeatures(example: Int)
    /// Class weights leave fewer than two of the classes that occur.
    case unweightedClasses
    /// Newton's method stopped far from the minimum.
    case didNotConverge(penalty: Double)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .unusablePenalty(let penalty):
            "a penalty of \(penalty) cannot be used: penalties are positive and finite, and a "
                + "shrinkage lies between 0 and 1"
        case .noPenalty: "there is no penalty to choose from; give at least one"
        case .unusableFolds(let folds):
            "\(folds) folds leave nothing to learn from or to test on; use 2 or more"
        case .nonFiniteFeatures(let example):
            "the backbone's features of example \(example) are not all finite numbers; look at the "
                + "example, or begin from the pretrained weights again"
        case .unweightedClasses:
            "the class weights leave fewer than two of the classes that occur in the examples; "
                + "give at least two of them a weight above 0"
        case .didNotConverge(let penalty):
            "logistic regression with the penalty \(penalty) did not converge; use a larger penalty"
        }
    }
}
