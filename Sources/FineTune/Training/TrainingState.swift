import Tensor

/// Where a run stands between two steps: everything that it takes to go on to the same bits.
///
/// ``Trainer/captureState()`` gives it, ``Trainer/fit(on:validating:from:)`` goes on from it: with the
/// same plan, settings and data, on a model of the same backbone and head. Threads and the feature
/// cache may be others, as the result does not depend on them. ``SnapshotSettings`` keep states in files. Examples and kept features are not part
/// of it; dropout masks and the order of examples follow from the seed and the position.
///
/// It is made of named tensors and numbers, see ``tensors`` and ``fields``.
public struct TrainingState: Sendable {
    /// The steps that were taken.
    public var step: Int { position.step }
    /// The epochs that were begun.
    public var epoch: Int { position.epoch }
    /// The number of the phase, from 0.
    public var phase: Int { position.phase }

    /// Weights by their parameters' paths.
    typealias Weights = [String: Tensor]

    /// An epoch that is over.
    struct Epoch: Sendable, Hashable {
        let epoch: Int
        let loss: Double
        let score: Double?
        let seconds: Double
    }

    /// Weights that were the best of a run.
    struct Best: Sendable {
        var weights: Weights
        var score: Double?
        var name: String
    }

    /// What a ``ForgettingGuard`` has seen.
    struct Forgetting: Sendable {
        /// After each epoch.
        var amounts: [Double]
        /// The weights to go back to: after which epoch, and how good.
        var epoch: Int
        var score: Double?
        var weights: Weights
    }

    /// What the run trains on what and how.
    var identity: RunIdentity
    /// The CPU level (``Tensor/Tensor/cpuLevel``) of the process that took it.
    var cpuLevel: String
    var position: RunPosition
    var statistics: RunStatistics
    var epochs: [Epoch]
    /// What the plan may change, as it is now.
    var weights: Weights
    /// What the optimizer remembers.
    var memories: [String: OptimizerState.Memory]
    var best: Best
    var candidate: Best?
    /// What penalties pull back to; nil if the plan has none.
    var start: Weights?
    /// Nil without a guard.
    var forgetting: Forgetting?
}
