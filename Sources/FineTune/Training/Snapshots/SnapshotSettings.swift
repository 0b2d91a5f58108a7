/// Where, how often and how many snapshots of a run are kept, so that no interruption loses more than a
/// little of it.
///
/// ```swift
/// let snapshots = SnapshotSettings(folder: "trec-run", every: .minutes(5))
/// let trainer = Trainer(resuming: snapshots, model, plan: plan, settings: settings)
/// let report = try await trainer.fit(on: train, validating: test)
/// ```
///
/// The same program, started again after whatever ended it, goes on where the newest snapshot stands.
public struct SnapshotSettings: Sendable, Hashable {
    /// How much an interruption may cost at most.
    public enum Interval: Sendable, Hashable {
        /// Every so many steps, counted from the beginning of the run.
        case steps(Int)
        /// As soon as so many minutes have passed; the steps in which their halves end are done first, and
        /// so is a validation.
        case minutes(Double)
        /// At the end of every so many epochs.
        case epochs(Int)
    }

    /// The folder of the snapshots, made if it is missing. It belongs to one run; a second one that is
    /// to keep its own there meanwhile is refused.
    public var folder: String
    /// How often, which is also the most that is lost when the process is killed. Where snapshots are
    /// written in the background there is another one halfway, so that this holds although training goes
    /// on meanwhile: see ``writesInBackground``. There is also one when the run ends or is cancelled.
    public var interval: Interval
    /// How many of the newest are kept, at least 2: the one before the newest is there for the case that
    /// the newest is damaged. Where all of these are of the same step, as at the end of an epoch, one of
    /// an earlier step is kept, too.
    public var kept: Int
    /// Whether every epoch that is better than all before, by its validation score, ends with a snapshot,
    /// and the best of them is kept whatever its age.
    public var keepsBest: Bool
    /// Whether training goes on while a snapshot is written. Each then costs the time of a copy in memory,
    /// and as much memory as the snapshot is large, and there are two in an interval; training waits only
    /// where the disk takes half of an interval and more. If not, training waits for the disk every time.
    public var writesInBackground: Bool
    /// Whether SIGINT (control-C) and SIGTERM end the run by a snapshot and a
    /// ``TrainingInterruption``. A second one, of either kind, ends the process at once.
    public var stopsOnSignals: Bool

    /// Settings for snapshots in a folder.
    ///
    /// - Parameters:
    ///   - folder: Where; see ``folder``.
    ///   - interval: 5 minutes by default: what most people do not mind to compute again.
    ///   - kept: 2 by default, since a snapshot takes up to four times the bytes of the weights that
    ///     train.
    ///   - keepsBest: Yes by default.
    ///   - writesInBackground: Yes by default.
    ///   - stopsOnSignals: No by default: how signals are met is the app's decision.
    public init(
        folder: String, every interval: Interval = .minutes(5), keeping kept: Int = 2,
        keepsBest: Bool = true, writesInBackground: Bool = true, stopsOnSignals: Bool = false
    ) {
        (self.folder, self.interval, self.kept) = (folder, interval, kept)
        (self.keepsBest, self.writesInBackground) = (keepsBest, writesInBackground)
        self.stopsOnSignals = stopsOnSignals
    }

    func check() throws(TrainingError) {
        let isPositive =
            switch interval {
            case .steps(let count), .epochs(let count): count > 0
            case .minutes(let minutes): minutes > 0
            }
        guard isPositive else {
            throw .unusableSetting("no snapshots can be taken every \(interval)")
        }
        guard kept >= 2 else {
            throw .unusableSetting(
                "\(kept) snapshots are too few: keep 2, one for the case that the other is damaged")
        }
    }
}

extension SnapshotSettings.Interval: CustomStringConvertible {
    /// Such as `100 steps`.
    public var description: String {
        switch self {
        case .steps(let count): "\(count) steps"
        case .minutes(let count): "\(count) minutes"
        case .epochs(let count): "\(count) epochs"
        }
    }
}
