import Autograd
import Layers
import Tensor

/// Fine-tunes a model by a plan.
///
/// Not for several threads at once; the model that it trains may be asked from any thread
/// meanwhile. The same seed gives the same weights, bit for bit, whatever the number of threads.
public final class Trainer<P: Preparation, H: Head> {
    /// What is trained.
    public let model: FineTunedModel<P, H>
    /// What trains, in which order and at which rates.
    public let plan: Plan
    /// How.
    public let settings: TrainingSettings
    /// Where snapshots of the run are kept; nil keeps none.
    public let snapshots: SnapshotSettings?
    /// Whether a run goes on from the newest of them.
    let resumes: Bool
    private var listeners: [(TrainingEvent<H.Metrics>) -> Void] = []
    /// The run that is under way.
    var run: TrainingRun<P, H>?
    /// What watches over it.
    var watch: ForgettingWatch<P, H>?
    /// What takes its snapshots.
    var keeper: SnapshotKeeper?
    /// Where it began, to go back to.
    var beginning: TrainingState?
    /// What frozen stages gave. It outlives a run, for the next one.
    let featureCache: FeatureCache<P>?
    /// What the model should not forget meanwhile; nil, the default, watches over nothing.
    public var forgettingGuard: ForgettingGuard<P>?

    /// A trainer whose runs begin anew.
    ///
    /// - Parameters:
    ///   - model: What is trained.
    ///   - plan: Everything for three epochs by default.
    ///   - settings: What the literature recommends by default.
    ///   - snapshots: Where the run keeps snapshots of itself; none by default. A folder that holds some
    ///     is refused, so that nothing is lost by mistake: see
    ///     ``init(resuming:_:plan:settings:)``.
    public convenience init(
        _ model: FineTunedModel<P, H>, plan: Plan = .full(),
        settings: TrainingSettings = TrainingSettings(), snapshots: SnapshotSettings? = nil
    ) {
        self.init(model, plan, settings, snapshots, resumes: false)
    }

    /// A trainer that goes on from the newest snapshot in a folder, to the same bits as a run that was
    /// never interrupted, and keeps further snapshots there. If there is none yet, the run begins anew,
    /// so that a program can be started again as it is.
    ///
    /// A snapshot that is damaged is passed over for the one before, and
    /// ``TrainingEvent/resumed(_:)`` says so.
    ///
    /// - Parameters:
    ///   - snapshots: Where they are, and how further ones are kept.
    ///   - model: The model as it was before the run. What trains gets the snapshot's weights; the rest is
    ///     compared by its fingerprint.
    ///   - plan: That of the run.
    ///   - settings: Those of the run; threads and feature cache may be others. Its
    ///     ``forgettingGuard``, if it had one, is to be set as well.
    public convenience init(
        resuming snapshots: SnapshotSettings, _ model: FineTunedModel<P, H>, plan: Plan = .full(),
        settings: TrainingSettings = TrainingSettings()
    ) {
        self.init(model, plan, settings, snapshots, resumes: true)
    }

    private init(
        _ model: FineTunedModel<P, H>, _ plan: Plan, _ settings: TrainingSettings,
        _ snapshots: SnapshotSettings?, resumes: Bool
    ) {
        (self.model, self.plan, self.settings) = (model, plan, settings)
        (self.snapshots, self.resumes) = (snapshots, resumes)
        featureCache = settings.featureCache.map { FeatureCache($0) }
    }

    /// Calls `listener` with everything that happens: a progress bar, a log.
    public func listen(_ listener: @escaping (TrainingEvent<H.Metrics>) -> Void) {
        listeners.append(listener)
    }

    var isRunning: Bool { run != nil }

    /// The plan as a table for each phase: what of each stage trains, and at which rate.
    public var planTable: String { plan.description(for: model) }

    /// The state of the run that is under way, to go on from later; nil if there is none.
    ///
    /// To be asked from a listener: between two steps, or two epochs. Weights and moments cost memory
    /// only where training changes them afterwards.
    public func captureState() -> TrainingState? {
        guard let run else { return nil }
        var state = run.state
        state.forgetting = watch?.state(of: run.changing)
        return state
    }

    /// Trains the model.
    ///
    /// Runs on the caller's actor, checks for cancellation before every step and gives way after
    /// it. A cancelled run throws `CancellationError` and leaves the model as its last step did; with
    /// snapshots, the last of them holds that. So it does where an example can no longer be loaded.
    ///
    /// - Parameters:
    ///   - data: What to learn from.
    ///   - validation: What to measure the model on after every epoch.
    ///   - state: Where an earlier run with the same plan, settings and data stood
    ///     (``captureState()``). The weights of the model become those of then, and training goes on
    ///     to the same bits as if it had never stopped. Nil begins anew, or goes on from a snapshot.
    /// - Returns: What came of it, to print or to read.
    /// - Throws: ``ExamplesError`` for an example that is wrong, ``HeadError`` for examples that
    ///   nothing can be learned from, ``TrainingError`` for settings that make no sense, a state of
    ///   another run, and if the run cannot go on, ``ForgettingError`` for a guard of another model,
    ///   ``SnapshotError`` for a folder that cannot be used, and if a run that is cancelled could not be
    ///   kept; ``TrainingInterruption`` after a signal.
    @discardableResult
    public nonisolated(nonsending) func fit(
        on data: Dataset<P.Input, H.Target>,
        validating validation: Dataset<P.Input, H.Target>? = nil,
        from state: TrainingState? = nil
    ) async throws -> TrainingReport<H.Metrics> {
        try settings.check()
        try plan.check()
        try openSnapshots(from: state)
        defer { closeSnapshots() }
        let run = try TrainingRun(
            model: model, plan: plan, settings: settings, data: data, validation: validation,
            featureCache: featureCache == nil ? nil : model.sharedFeatures ?? featureCache)
        run.guarded = forgettingGuard?.identity ?? .null
        self.run = run
        defer {
            run.freezeAll()
            (self.run, watch) = (nil, nil)
        }
        watch = try forgettingGuard.map {
            try ForgettingWatch($0, of: model, keepsBest: settings.earlyStopping != nil)
        }
        try goOn(from: state)
        do {
            try await train(run)
        } catch {
            throw try keepRun(endedBy: error)
        }
        let interruption = keepFinishedRun()
        var report = try limited { try run.finish() }
        try limited { try watch?.complete(&report, validation: validation) }
        report.snapshots = keeper?.report
        if let signal = keeper?.signal, let interruption { throw interruption(signal) }
        send(.finished(report))
        // Listeners may have taken their time.
        if let signal = keeper?.signal, let interruption { throw interruption(signal) }
        return report
    }

    /// Takes the steps that are left of a run.
    private nonisolated(nonsending) func train(_ run: TrainingRun<P, H>) async throws {
        while watch?.exceedsLimit != true, let epoch = run.beginEpoch() {
            do {
                while run.hasStep {
                    try checkForStop()
                    try await load(run)
                    tell(of: try limited { try run.takeStep() })
                    keepSnapshot()
                    await Task.yield()
                }
                send(.epoch(try endEpoch(epoch, of: run)))
                keepSnapshot()
            } catch let error as TrainingError {
                try goBack(after: error)
            }
        }
    }

    func send(_ event: TrainingEvent<H.Metrics>) {
        for listener in listeners { listener(event) }
    }

    /// Computes on the threads and in the precision of the settings.
    func limited<Result>(_ body: () throws -> Result) rethrows -> Result {
        try settings.precision.applied {
            try Tensor.Threads.limited(to: settings.threads ?? Tensor.Threads.count, body)
        }
    }
}

extension TrainingSettings {
    func check() throws(TrainingError) {
        let size =
            switch batch {
            case .examples(let count), .tokens(let count): count
            }
        guard size > 0 else { throw .unusableSetting("a batch of \(size) holds nothing") }
        guard accumulation > 0 else {
            throw .unusableSetting("a step of \(accumulation) batches does nothing")
        }
        if let clipping = gradientClipping, !(clipping > 0) {
            throw .unusableSetting("gradients cannot be clipped to a length of \(clipping)")
        }
        if let stopping = earlyStopping,
            stopping.patience < 1
                || !(stopping.minimumImprovement >= 0 && stopping.minimumImprovement.isFinite)
        {
            throw .unusableSetting(
                "early stopping cannot wait \(stopping.patience) epochs for an improvement of "
                    + "\(stopping.minimumImprovement); give it at least one epoch, and an improvement "
                    + "that is not negative")
        }
        if let threads, threads < 1 {
            throw .unusableSetting("\(threads) threads cannot compute anything")
        }
        if case .share(let share) = schedule.warmup, share.isNaN {
            throw .unusableSetting("a warm-up of \(share) of the steps is none")
        }
        if let cache = featureCache, min(cache.memoryBytes, cache.fileBytes) < 0 {
            throw .unusableSetting(
                "features cannot be kept in \(min(cache.memoryBytes, cache.fileBytes)) bytes")
        }
        switch nonFinite {
        case .skip(let most) where most < 1, .rollBack(_, let most) where most < 1:
            throw .unusableSetting("what is done at most \(most) times is never done: use .stop")
        case .rollBack(let factor, _) where !(factor > 0 && factor < 1):
            throw .unusableSetting(
                "a run that goes back does not get slower by a factor of \(factor); give one between "
                    + "0 and 1")
        default: break
        }
    }
}
