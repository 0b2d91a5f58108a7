import Checkpoint
import Tensor

/// Takes the snapshots of a run when they are due, and remembers what came of each.
final class SnapshotKeeper {
    private let settings: SnapshotSettings
    private let store: SnapshotStore
    private(set) var report = SnapshotReport()
    private var writing: (job: BackgroundJob<Outcome>, step: Int, pause: Double)?
    /// What has come of snapshots since ``takeNews()``.
    private var news: [Result<WrittenSnapshot, SnapshotError>] = []
    private var lastTime = ContinuousClock.now
    /// What the newest snapshot that was taken holds.
    private var lastPosition: RunPosition?
    private var watchesSignals = false

    /// What has come of one that was written.
    private struct Outcome: Sendable {
        var written: Result<(name: String, byteCount: Int), SnapshotError>
        var pruning: SnapshotError?
    }

    /// - Throws: ``SnapshotError`` if the folder cannot be used: also if it holds snapshots, and the run
    ///   is to begin anew.
    init(_ settings: SnapshotSettings, resumes: Bool) throws(SnapshotError) {
        self.settings = settings
        store = try SnapshotStore(folder: settings.folder)
        if !resumes, let newest = try store.names().last {
            throw .folderHoldsSnapshots(settings.folder, newest: newest)
        }
        guard settings.stopsOnSignals else { return }
        StopSignals.begin()
        watchesSignals = true
    }

    deinit {
        if watchesSignals { StopSignals.end() }
    }

    /// The signal that is to end the run; nil if none came.
    var signal: Int32? { watchesSignals ? StopSignals.pending : nil }

    // MARK: Reading

    /// The state to go on from; nil if there is no snapshot yet.
    func resume() throws -> TrainingState? {
        guard let (content, name, damaged) = try store.newest() else { return nil }
        let state = try TrainingState(content)
        lastPosition = state.position
        let level = Tensor.cpuLevel
        report.resumption = Resumption(
            path: path(of: name), step: state.step, epoch: state.epoch, damaged: damaged,
            otherCPULevel: state.cpuLevel == level ? nil : state.cpuLevel)
        return state
    }

    /// The state of the newest snapshot with no more steps than these, for the run to go back to; nil if
    /// there is none. Newer ones no longer count.
    func goBack(upTo step: Int) throws -> TrainingState? {
        finishWriting()
        let found = try store.newest(where: { $0 <= step })
        try store.abandon(newerThan: found?.name)
        // The next one is to be written though it may stand where an abandoned one does.
        lastPosition = nil
        return try found.map { try TrainingState($0.content) }
    }

    // MARK: Writing

    /// Whether a snapshot is due where the run stands.
    ///
    /// - Parameters:
    ///   - position: Where.
    ///   - epochSteps: The steps of the epoch.
    ///   - isBest: Whether the epochs so far end with the best one.
    /// - Returns: Whether one is due.
    func isDue(at position: RunPosition, epochSteps: Int, isBest: Bool) -> Bool {
        if isBest, settings.keepsBest, !position.isInEpoch { return true }
        // What is computed during the writing is at stake, too. Of two in an interval, each waits for
        // the one before, so that it is never more than both halves.
        let parts = settings.writesInBackground ? 2 : 1
        switch settings.interval {
        case .steps(let count):
            let step = position.step
            return position.isInEpoch && parts * step / count > parts * (step - 1) / count
        case .minutes(let minutes):
            return (ContinuousClock.now - lastTime).inSeconds >= 60 * minutes / Double(parts)
        case .epochs(let count):
            guard parts == 2 else {
                return !position.isInEpoch && position.epoch.isMultiple(of: count)
            }
            return position.halfEpochs(epochSteps: epochSteps)?.isMultiple(of: count) == true
        }
    }

    /// Takes a snapshot. If the earlier one is not written yet, waits for it.
    func take(_ capture: () -> TrainingState?) {
        finishWriting()
        let start = ContinuousClock.now
        guard let state = capture() else { return }
        let content = state.snapshotContent(copiesWhatChanges: settings.writesInBackground)
        write(content, of: state, since: start)
        // A single step has no half.
        if !settings.writesInBackground || settings.interval == .steps(1) { finishWriting() }
        lastTime = .now
    }

    /// Takes the snapshot that a run ends with, unless the newest one is that already, and waits until
    /// the disk has it.
    ///
    /// - Throws: ``SnapshotError`` if it cannot be written.
    func takeLast(_ state: TrainingState) throws(SnapshotError) -> String {
        finishWriting()
        let start = ContinuousClock.now
        if lastPosition?.isAsFar(as: state.position) != true {
            write(state.snapshotContent(copiesWhatChanges: false), of: state, since: start)
            finishWriting()
            if case .failure(let error) = news.last { throw error }
        }
        return report.newest?.path ?? report.resumption?.path ?? settings.folder
    }

    private func write(
        _ content: SnapshotContent, of state: TrainingState, since start: ContinuousClock.Instant
    ) {
        lastPosition = state.position
        let (store, settings, step) = (store, settings, state.step)
        let job = BackgroundJob {
            // The other cores are the training's.
            Tensor.Threads.limited(to: 1) {
                Self.write(content, step: step, to: store, settings)
            }
        }
        writing = (job, step, (ContinuousClock.now - start).inSeconds)
    }

    private static func write(
        _ content: SnapshotContent, step: Int, to store: SnapshotStore, _ settings: SnapshotSettings
    ) -> Outcome {
        if let name = content.nonFiniteWeights {
            return Outcome(written: .failure(.nonFinite(tensor: name)))
        }
        do throws(SnapshotError) {
            var outcome = Outcome(written: .success(try store.write(content, step: step)))
            do throws(SnapshotError) {
                try store.prune(keeping: settings.kept, keepsBest: settings.keepsBest)
            } catch {
                outcome.pruning = error
            }
            return outcome
        } catch {
            return Outcome(written: .failure(error))
        }
    }

    /// Waits for the snapshot that is being written, if any.
    func finishWriting() {
        guard let (job, step, pause) = writing else { return }
        let start = ContinuousClock.now
        let outcome = job.wait()
        writing = nil
        let pauseSeconds = pause + (ContinuousClock.now - start).inSeconds
        report.pauseSeconds += pauseSeconds
        switch outcome.written {
        case .success(let (name, byteCount)):
            let snapshot = WrittenSnapshot(
                path: path(of: name), step: step, byteCount: byteCount, pauseSeconds: pauseSeconds)
            (report.newest, report.count) = (snapshot, report.count + 1)
            news.append(.success(snapshot))
            if let error = outcome.pruning { report.removalFailures.append(error) }
        case .failure(let error):
            // The next one is to be written though nothing has happened meanwhile.
            lastPosition = nil
            report.failures.append(error)
            news.append(.failure(error))
        }
    }

    /// Ends the work, and gives the folder back for another run.
    func close() {
        finishWriting()
        store.close()
    }

    /// What has come of snapshots since this was last asked.
    func takeNews() -> [Result<WrittenSnapshot, SnapshotError>] {
        if writing?.job.isDone == true { finishWriting() }
        defer { news = [] }
        return news
    }

    private func path(of name: String) -> String { settings.folder + "/" + name }
}
