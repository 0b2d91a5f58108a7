public import Checkpoint

/// A snapshot that is on the disk.
public struct WrittenSnapshot: Sendable, Hashable, CustomStringConvertible {
    /// Its folder.
    public let path: String
    /// The steps that were taken before it.
    public let step: Int
    /// The bytes of its files.
    public let byteCount: Int
    /// How long training stood still for it: for a copy in memory, and where an earlier snapshot was not
    /// on the disk yet, or the settings say so, for the disk.
    public let pauseSeconds: Double

    /// Such as `snapshot trec-run/000012-step-3400, 364 MB`.
    public var description: String { "snapshot \(path), \(byteCount.formattedAsBytes)" }
}

/// Where a run goes on.
public struct Resumption: Sendable, Hashable, CustomStringConvertible {
    /// The folder of the snapshot.
    public let path: String
    /// The steps that lie before it.
    public let step: Int
    /// The epochs that had begun.
    public let epoch: Int
    /// What is wrong with newer snapshots, which were passed over; empty if the newest was whole.
    public let damaged: [SnapshotError]
    /// The CPU level that the snapshot was made with, if it is not that of this process. The results are
    /// as good then, but not the same bits.
    public let otherCPULevel: String?

    /// Such as `goes on from trec-run/000012-step-3400: step 3400, in epoch 2`.
    public var description: String {
        var lines = damaged.map { "passed over: \($0)" }
        lines.append("goes on from \(path): step \(step), in epoch \(epoch)")
        if let otherCPULevel {
            lines.append(
                "it was made with the kernels of another CPU level (\(otherCPULevel)): the bits of the "
                    + "result may be others than without the interruption")
        }
        return lines.joined(separator: "\n")
    }
}

/// What snapshots came of a run.
public struct SnapshotReport: Sendable, Hashable, CustomStringConvertible {
    /// Where the run went on; nil if it began anew.
    public internal(set) var resumption: Resumption?
    /// How many were written by this process.
    public internal(set) var count = 0
    /// The newest of them.
    public internal(set) var newest: WrittenSnapshot?
    /// Why others could not be written. The run went on without.
    public internal(set) var failures: [SnapshotError] = []
    /// Why old ones could not be removed.
    public internal(set) var removalFailures: [SnapshotError] = []
    /// How long training stood still for them in all.
    public internal(set) var pauseSeconds = 0.0

    /// The report as a person reads it.
    public var description: String {
        var lines = resumption.map { ["\($0)"] } ?? []
        if let newest {
            lines.append(
                "\(count) snapshots written, the newest \(newest.path) "
                    + "(\(newest.byteCount.formattedAsBytes)); training paused for "
                    + "\(pauseSeconds.formattedAsSeconds) in all")
        }
        lines += failures.map { "no snapshot: \($0)" }
        lines += removalFailures.map { "more snapshots are kept than wanted: \($0)" }
        return lines.joined(separator: "\n")
    }
}

/// A signal has ended a run, after a snapshot was written.
public struct TrainingInterruption: Error, Hashable, CustomStringConvertible {
    /// The signal: `SIGINT` or `SIGTERM`.
    public let signal: Int32
    /// The steps that were taken.
    public let step: Int
    /// The folder of the snapshot.
    public let snapshot: String

    /// What happened and what to do.
    public var description: String {
        "signal \(signal) ended the run after step \(step); '\(snapshot)' holds all of it: go on by "
            + "Trainer(resuming:)"
    }
}
