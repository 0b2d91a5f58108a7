public import Checkpoint
public import Tensor

/// What a trainer tells while it works.
public enum TrainingEvent<Metrics: HeadMetrics>: Sendable {
    /// A step was done.
    case step(TrainingProgress)
    /// An epoch was done.
    case epoch(EpochSummary<Metrics>)
    /// The run does not begin anew, but goes on from a snapshot.
    case resumed(Resumption)
    /// A snapshot is on the disk.
    case snapshot(WrittenSnapshot)
    /// A snapshot could not be written. Training goes on; the next one is tried when it is due.
    case snapshotFailed(SnapshotError)
    /// The run met a number that is none, and goes on.
    case recovered(Recovery)
    /// The run is over.
    case finished(TrainingReport<Metrics>)
}

/// One epoch of a run.
public struct EpochSummary<Metrics: HeadMetrics>: Sendable {
    /// The epoch, from 1.
    public let epoch: Int
    /// The mean loss of the training examples, as they were seen.
    public let loss: Double
    /// How good the model was on the validation examples afterwards; nil without any, and of epochs
    /// that lie before the state that a run went on from.
    public let metrics: Metrics?
    /// The score of the metrics, also where they are gone; nil without validation examples.
    public let score: Double?
    /// How long the epoch took, validation included.
    public let seconds: Double
    /// What the model had forgotten afterwards; nil without a ``ForgettingGuard``.
    public internal(set) var forgotten: Double?

    init(epoch: Int, loss: Double, metrics: Metrics?, seconds: Double) {
        (self.epoch, self.loss, self.seconds) = (epoch, loss, seconds)
        (self.metrics, score) = (metrics, metrics?.score)
    }

    /// An epoch of which the numbers are known.
    init(_ record: TrainingState.Epoch) {
        (epoch, loss, seconds) = (record.epoch, record.loss, record.seconds)
        (metrics, score) = (nil, record.score)
    }
}

/// What came of a run.
public struct TrainingReport<Metrics: HeadMetrics>: Sendable, CustomStringConvertible {
    /// The plan's name.
    public let plan: String
    /// The number of training examples.
    public let trainingExamples: Int
    /// The number of validation examples.
    public let validationExamples: Int
    /// How many inputs were cut to the most that the model takes.
    public let truncatedInputs: Int
    /// The epochs, in order.
    public internal(set) var epochs: [EpochSummary<Metrics>]
    /// How good the model is on the validation examples, as it is now; nil without any.
    public internal(set) var metrics: Metrics?
    /// Whether the run ended early because it no longer improved.
    public let stoppedEarly: Bool
    /// The run ended because too much was forgotten.
    var forgettingStop: StopReason?
    /// What snapshots came of it; nil if none were asked for.
    public internal(set) var snapshots: SnapshotReport?
    /// How exact the operands of matrix products were.
    public let precision: Tensor.Precision
    /// Whether ``precision`` is another than was asked for, for want of the CPU's support.
    public let lacksPrecision: Bool
    /// The time spent in training steps, without validation.
    public let trainingSeconds: Double
    /// The time that steps waited, beyond that, until their inputs were read and prepared; 0 for inputs
    /// that are prepared before the run.
    public let waitingSeconds: Double
    /// Training examples in a second of training.
    public let examplesPerSecond: Double
    /// The weights that trained in the last phase.
    public let trainedParameters: Int
    /// All weights of the model.
    public let totalParameters: Int
    /// The steps that were left out because a loss or gradient was infinite or not a number.
    public let skippedSteps: Int
    /// How often the run went back to a snapshot for the same reason.
    public let rollBacks: Int
    /// How often the features of an example, for training or validation, were taken from the
    /// feature cache rather than computed by the frozen stages.
    public let reusedFeatures: Int
    /// The most memory that the process has held so far.
    public let peakMemoryBytes: Int

    /// What was left out when the training examples and the validation examples were read, because it
    /// could not be used.
    public let leftOut: [LeftOutExample]

    /// The part of the time in steps, from 0 to 1, that was spent waiting for inputs.
    public var waitingShare: Double {
        waitingSeconds > 0 ? waitingSeconds / (waitingSeconds + trainingSeconds) : 0
    }

    /// Why the run ended before its plan did; nil if it did not.
    public var stopReason: StopReason? { forgettingStop ?? (stoppedEarly ? .noImprovement : nil) }

    /// The report as a person reads it.
    public var description: String {
        var lines = [
            "plan \(plan): \(trainedParameters) of \(totalParameters) weights trained"
        ]
        for epoch in epochs {
            let score = epoch.score.map {
                ", \(Metrics.scoreName) \($0.formatted(decimals: 4))"
            }
            lines.append(
                "epoch \(epoch.epoch): loss \(epoch.loss.formatted(decimals: 4))\(score ?? "")"
                    + ", \(epoch.seconds.formattedAsSeconds)")
        }
        let forgotten = epochs.compactMap(\.forgotten).map { $0.formatted(decimals: 4) }
        if !forgotten.isEmpty {
            lines.append("forgotten after each epoch: \(forgotten.joined(separator: ", "))")
        }
        if let forgettingStop {
            lines.append("stopped early: \(forgettingStop)")
        } else if stoppedEarly {
            lines.append("stopped early; the best weights are restored")
        }
        if let metrics { lines += ["", "\(metrics)", ""] }
        lines.append(
            "\(trainingExamples) examples trained in \(trainingSeconds.formattedAsSeconds) "
                + "(\(examplesPerSecond.formatted(decimals: 0)) examples/s), "
                + "peak memory \(peakMemoryBytes.formattedAsBytes)")
        if waitingSeconds > 0 {
            lines.append(
                "steps waited for their inputs for \((100 * waitingShare).formatted(decimals: 1))% of "
                    + "the time")
        }
        if lacksPrecision {
            lines.append(
                "this CPU has no bfloat16 products; the run computed in \(precision.rawValue)")
        }
        if reusedFeatures > 0 {
            lines.append("features of frozen stages were reused \(reusedFeatures) times")
        }
        if skippedSteps > 0 {
            lines.append(
                "\(skippedSteps) steps were left out: their loss or gradient was no number")
        }
        if rollBacks > 0 {
            lines.append(
                "the run went back to a snapshot \(rollBacks) times, each time to smaller rates: a "
                    + "loss, gradient or weight was no number")
        }
        if let text = snapshots?.description, !text.isEmpty { lines.append(text) }
        if truncatedInputs > 0 {
            lines.append("\(truncatedInputs) inputs were longer than the model takes and were cut")
        }
        if !leftOut.isEmpty { lines.append(leftOut.listed) }
        return lines.joined(separator: "\n")
    }
}
