import Checkpoint
import Tensor

// How a run is kept, and goes on.
extension Trainer {
    /// A signal came. It becomes a ``TrainingInterruption`` when the snapshot is written.
    private struct StopBySignal: Error {
        let signal: Int32
    }

    /// An example could not be loaded. Nothing of the step, or of the end of the epoch, has been done.
    private struct StopByInput: Error {
        let error: any Error
        /// Where the run stood; nil where it still does.
        var state: TrainingState?
    }

    // MARK: Beginning and ending

    /// Opens the folder of the snapshots, before any work is done.
    func openSnapshots(from state: TrainingState?) throws {
        guard let snapshots else {
            if case .rollBack = settings.nonFinite {
                throw TrainingError.unusableSetting(
                    "a run can go back only to its snapshots: give the trainer SnapshotSettings")
            }
            return
        }
        try snapshots.check()
        guard state == nil || !resumes else {
            throw TrainingError.unusableSetting(
                "a run goes on either from a state or from a folder of snapshots, not from both")
        }
        keeper = try SnapshotKeeper(snapshots, resumes: resumes)
    }

    func closeSnapshots() {
        keeper?.close()
        (keeper, beginning) = (nil, nil)
    }

    /// Takes the run to where it is to go on: from the state, or the newest snapshot, or nowhere else
    /// than where it is.
    func goOn(from state: TrainingState?) throws {
        if let state { try restore(state) }
        // Whoever goes on from a snapshot can go as far back as if there had been no interruption.
        if case .rollBack = settings.nonFinite { beginning = captureState() }
        guard resumes, let keeper, let found = try keeper.resume() else { return }
        do {
            try restore(found)
        } catch TrainingError.unsuitableState(let reason) {
            let path = keeper.report.resumption?.path ?? ""
            throw TrainingError.unsuitableState("\(reason) (snapshot '\(path)')")
        }
        if let resumption = keeper.report.resumption { send(.resumed(resumption)) }
    }

    private func restore(_ state: TrainingState) throws {
        guard let run else { return }
        try run.restore(state)
        try watch?.restore(state.forgetting, of: run.changing)
    }

    /// Keeps the run that an error has ended, if it can go on from there.
    ///
    /// - Returns: What `fit` throws.
    /// - Throws: ``SnapshotError`` if the run could not be kept.
    func keepRun(endedBy error: any Error) throws -> any Error {
        let input = error as? StopByInput
        let thrown = input?.error ?? error
        guard input != nil || error is CancellationError || error is StopBySignal, let keeper,
            let state = input?.state ?? captureState()
        else { return thrown }
        defer { tellNews() }
        if input != nil {
            // What is wrong with the example comes first; that nothing was kept, the listeners hear.
            _ = try? keeper.takeLast(state)
            return thrown
        }
        let path = try keeper.takeLast(state)
        guard let stop = error as? StopBySignal else { return error }
        return TrainingInterruption(signal: stop.signal, step: state.step, snapshot: path)
    }

    /// Keeps the run as its last epoch has left it. Where that fails the report says so; what was
    /// learned is in the model.
    ///
    /// - Returns: What `fit` throws if a signal comes before it has ended; nil if nothing was kept.
    func keepFinishedRun() -> ((_ signal: Int32) -> TrainingInterruption)? {
        guard let keeper, let state = captureState() else { return nil }
        defer { tellNews() }
        guard let path = try? keeper.takeLast(state) else { return nil }
        return { TrainingInterruption(signal: $0, step: state.step, snapshot: path) }
    }

    // MARK: Between two steps

    /// - Throws: `CancellationError`, or that a signal came.
    func checkForStop() throws {
        try Task.checkCancellation()
        if let signal = keeper?.signal { throw StopBySignal(signal: signal) }
    }

    /// Loads what the next step needs.
    nonisolated(nonsending) func load(_ run: TrainingRun<P, H>) async throws {
        do {
            try await run.loadStep()
        } catch let error as CancellationError {
            throw error
        } catch {
            throw StopByInput(error: error)
        }
    }

    /// Measures what an epoch has come to.
    func endEpoch(_ epoch: Int, of run: TrainingRun<P, H>) throws -> EpochSummary<H.Metrics> {
        // A guard measures when the epoch is over.
        let state = watch == nil || keeper == nil ? nil : captureState()
        do {
            var summary = try limited { try run.endEpoch(epoch) }
            try limited { try watch?.measure(after: &summary) }
            return summary
        } catch let error as TrainingError {
            throw error
        } catch {
            throw StopByInput(error: error, state: state)
        }
    }

    func tell(of step: TrainingProgress) {
        send(.step(step))
        if !step.loss.isFinite { send(.recovered(.skippedStep(step.step, loss: step.loss))) }
    }

    /// Takes a snapshot if one is due, and tells of those that are written by now.
    func keepSnapshot() {
        guard let keeper, let run else { return }
        let isBest = run.statistics.epochsWithoutBetter == 0 && run.summaries.last?.score != nil
        let epochSteps = run.phaseLength.stepCounts[run.position.phaseEpoch - 1]
        if keeper.isDue(at: run.position, epochSteps: epochSteps, isBest: isBest) {
            limited { keeper.take { captureState() } }
        }
        tellNews()
    }

    private func tellNews() {
        for news in keeper?.takeNews() ?? [] {
            switch news {
            case .success(let snapshot): send(.snapshot(snapshot))
            case .failure(let error): send(.snapshotFailed(error))
            }
        }
    }

    /// Takes the run back to the newest snapshot that is known to be sound, with smaller rates, if the
    /// settings say so.
    ///
    /// - Throws: The error itself if they do not, or if the run went back too often;
    ///   ``TrainingError/noWayBack(after:_:)``.
    func goBack(after error: TrainingError) throws {
        guard case .rollBack(let factor, let most) = settings.nonFinite, let keeper, let run,
            let step = error.lastSoundStep, run.statistics.rollBacks < most
        else { throw error }
        let (count, scale) = (run.statistics.rollBacks + 1, run.statistics.rateScale * factor)
        let found: TrainingState?
        do {
            found = try keeper.goBack(upTo: step) ?? beginning
        } catch let failure as SnapshotError {
            throw TrainingError.noWayBack(after: error, failure)
        }
        guard let state = found else { throw error }
        try restore(state)
        (run.statistics.rollBacks, run.statistics.rateScale) = (count, scale)
        tellNews()
        send(.recovered(.wentBack(toStep: state.step, rateFactor: scale, because: error)))
    }
}
