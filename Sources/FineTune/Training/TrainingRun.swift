import Autograd
import Layers
import Tensor

/// One run of a trainer: what it has prepared, where it stands and what it has seen.
final class TrainingRun<P: Preparation, H: Head> {
    let model: FineTunedModel<P, H>
    let plan: Plan
    let settings: TrainingSettings
    let data: Dataset<P.Input, H.Target>
    let validationData: Dataset<P.Input, H.Target>?
    let examples: PreparedExamples<P, H>
    let validation: PreparedExamples<P, H>?
    let order: EpochOrder
    let length: RunLength
    let optimizer: OptimizerState
    let featureCache: FeatureCache<P>?
    /// How many features the cache had given before this run.
    let reusedBefore: Int
    /// Everything that the plan may change.
    let changing: [Parameter]
    /// What a guard says of itself; null without one.
    var guarded = JSON.null
    /// What makes it the run that it is.
    private(set) lazy var identity = makeIdentity()

    var position = RunPosition()
    var statistics = RunStatistics()
    var best: BestWeights
    /// What penalties pull back to; nil if the plan has none.
    var start: StartingPoint?
    var summaries: [EpochSummary<H.Metrics>] = []
    var trained: [(parameter: Parameter, rate: Double)] = []
    /// The batches of each step that is left in the epoch, the next one last.
    var pending: [[[Int]]] = []
    /// Loads what the next steps learn from, where that takes time.
    private(set) var loader: ItemLoader<P>?
    /// The items of the next step in the order of its batches, if they were loaded for it.
    var loadedItems: [P.Item] = []
    /// Whether the run was restored within an epoch, which goes on.
    var isRestored = false
    var epochStart = ContinuousClock.now
    /// The length of the gradient of the last step, before clipping.
    var gradientLength = 0.0

    /// A run that is ready to begin: inputs prepared, targets encoded.
    ///
    /// - Parameters:
    ///   - model: What is trained.
    ///   - plan: What trains, in which order and at which rates.
    ///   - settings: How.
    ///   - data: What to learn from.
    ///   - validation: What to measure the model on after every epoch.
    ///   - featureCache: What keeps the features of frozen stages; nil keeps none.
    ///   - batches: The batches of each epoch, counted from 0; by default what `settings` say.
    /// - Throws: What is wrong with the data or the settings.
    init(
        model: FineTunedModel<P, H>, plan: Plan, settings: TrainingSettings,
        data: Dataset<P.Input, H.Target>, validation: Dataset<P.Input, H.Target>?,
        featureCache: FeatureCache<P>? = nil,
        batches: ((_ epoch: Int) -> [[Int]])? = nil
    ) throws {
        if validation == nil {
            if settings.earlyStopping != nil { throw TrainingError.nothingToValidate }
            if plan.waitsForValidation {
                throw TrainingError.phaseNeedsValidation(plan: plan.name)
            }
        }
        try plan.check(for: model)
        (self.model, self.plan, self.settings) = (model, plan, settings)
        (self.data, validationData) = (data, validation)
        self.featureCache = featureCache
        reusedBefore = featureCache?.reusedCount ?? 0
        examples = try PreparedExamples(data, for: model, purpose: .training)
        try model.head.checkTrainable(examples.targets)
        self.validation = try validation.map {
            try PreparedExamples($0, for: model, purpose: .validation)
        }
        let sizes = examples.items.map { model.preparation.size(of: $0) }
        order =
            batches.map { EpochOrder(batches: $0, accumulation: settings.accumulation) }
            ?? EpochOrder(
                BatchOrder(sizes: sizes, limit: settings.batch, seed: settings.seed),
                accumulation: settings.accumulation)
        length = RunLength(plan, order: order)
        if model.preparation.loadsItems {
            loader = ItemLoader(
                model.preparation, threads: settings.threads ?? Tensor.Threads.count)
        }
        optimizer = OptimizerState(settings.optimizer)
        changing = model.parameters(changedBy: plan)
        best = BestWeights(changing)
        if plan.phases.contains(where: { $0.startingPointPenalty != nil }) {
            start = StartingPoint(changing.filter { !model.isNew($0) })
        }
    }

    // MARK: Epochs

    var phase: Plan.Phase { plan.phases[position.phase] }
    var phaseLength: RunLength.PhaseLength { length.phases[position.phase] }

    /// Prepares the next epoch and returns its number, from 1; nil if the run is over.
    func beginEpoch() -> Int? {
        if isRestored, position.isInEpoch {
            enterEpoch()
            return position.epoch
        }
        guard !statistics.stopsEarly, moveToNextEpoch() else { return nil }
        if position.phaseEpoch == 0 { beginPhase() }
        position.phaseEpoch += 1
        position.epoch += 1
        (position.epochStep, position.isInEpoch) = (0, true)
        (statistics.lossSum, statistics.lossWeight, statistics.epochSeconds) = (0, 0, 0)
        enterEpoch()
        return position.epoch
    }

    /// Moves to the phase of the next epoch; false if there is none.
    private func moveToNextEpoch() -> Bool {
        while position.phase < plan.phases.count {
            let count = phaseLength.stepCounts.count
            if position.phaseEpoch < count, !position.phaseHasStalled { return true }
            position.enterNextPhase(after: phaseLength)
        }
        return false
    }

    /// Sets up what is computed anew in every epoch: what trains, and the steps that are left.
    private func enterEpoch() {
        isRestored = false
        apply(phase)
        featureCache?.keepsNew = keepsBoundary
        let steps = order.steps(ofEpoch: phaseLength.firstEpoch + position.phaseEpoch - 1)
        let count = phaseLength.stepCounts[position.phaseEpoch - 1]
        loader?.cancel()
        pending = steps.prefix(count).dropFirst(position.epochStep).reversed()
        epochStart = .now
    }

    /// The number of epochs of the run, and of steps, less those that were left out.
    var epochCount: Int { length.epochCount - position.skippedEpochs }
    var stepCount: Int { length.stepCount - position.skippedSteps }

    // MARK: The plan

    /// What happens once, at the beginning of a phase.
    func beginPhase() {
        (statistics.phaseScore, statistics.epochsWithoutBetterInPhase) = (nil, 0)
        let fresh = model.reinitializedParameters(of: phase)
        guard !fresh.isEmpty else { return }
        model.lock.writing {
            for parameter in fresh {
                parameter.value = parameter.reinitialized(seed: settings.seed)
                optimizer[parameter] = nil
                start?[parameter] = nil
            }
        }
    }

    /// Says which parameters train, and at which rates.
    func apply(_ phase: Plan.Phase) {
        trained = model.assignment(of: phase).trained
        model.lock.writing {
            freeze(model.parameters)
            for (parameter, _) in trained { parameter.isTrainable = true }
        }
    }

    /// Whether the same stages are frozen in the epoch after this one. The last one may be followed
    /// by another run.
    var keepsBoundary: Bool {
        guard position.phaseEpoch == phaseLength.stepCounts.count,
            let next = plan.phases[(position.phase + 1)...].first(where: { !$0.isEmpty })
        else { return true }
        return model.assignment(of: phase).firstTrainedStage
            == model.assignment(of: next).firstTrainedStage
    }

    /// Ends the training of every parameter.
    func freezeAll() {
        loader?.cancel()
        model.lock.writing { freeze(model.parameters) }
    }

    private func freeze(_ parameters: [Parameter]) {
        for parameter in parameters {
            parameter.isTrainable = false
            parameter.clearGradient()
        }
    }
}

extension FineTunedModel {
    /// Whether a parameter began at random for the task, or belongs to an adapter.
    func isNew(_ parameter: Parameter) -> Bool {
        parameter.kind.isAdapter || initializedPaths.contains(parameter.path)
            || network.parameters.contains { $0 === parameter }
    }
}

extension Plan {
    /// Whether the length of a phase is a matter of validation.
    var waitsForValidation: Bool {
        phases.contains { if case .untilStalled = $0.length { !$0.isEmpty } else { false } }
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
