import Autograd
import Layers
import Tensor

/// One run of a trainer: what it has prepared, where it stands and what it has seen.
final class TrainingRun<P: Preparation, H: Head> {
    let model: FineTunedModel<P, H>
    private let plan: Plan
    private let settings: TrainingSettings
    private let examples: PreparedExamples<P, H>
    private let validation: PreparedExamples<P, H>?
    /// The batches of an epoch, which is counted from 0, each the positions of its examples.
    private let batches: (_ epoch: Int) -> [[Int]]
    private let optimizer: OptimizerState
    private let featureCache: FeatureCache<P>?
    /// How many features the cache had given before this run.
    private let reusedBefore: Int
    private let totalSteps: Int

    /// The phase of each epoch.
    private let phases: [Plan.Phase]
    private var trained: [(parameter: Parameter, rate: Double)] = []
    /// The batches of each step that is left in the epoch, the next one last.
    private var pending: [[[Int]]] = []
    private var epoch = 0
    private var step = 0
    private var passes: UInt32 = 0
    private var lossSum = 0.0
    private var lossWeight = 0.0
    private var seenExamples = 0
    private var summaries: [EpochSummary<H.Metrics>] = []
    private var best: Snapshot
    /// What will be the best once a loss has shown that it is sound.
    private var candidate: Snapshot?
    private var epochsWithoutBetter = 0
    private var stopsEarly = false
    private var trainingTime = Duration.zero
    private var epochStart = ContinuousClock.now
    /// The length of the gradient of the last step, before clipping.
    private(set) var gradientLength = 0.0

    /// The weights of a moment; they cost memory only where training has changed them since.
    private struct Snapshot {
        var weights: [(Parameter, Tensor)]
        var score: Double?
        var name: String
    }

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
        if settings.earlyStopping != nil, validation == nil {
            throw TrainingError.nothingToValidate
        }
        try plan.check(for: model)
        (self.model, self.plan, self.settings) = (model, plan, settings)
        self.featureCache = featureCache
        reusedBefore = featureCache?.reusedCount ?? 0
        examples = try PreparedExamples(data, for: model, purpose: .training)
        try model.head.checkTrainable(examples.targets)
        self.validation = try validation.map {
            try PreparedExamples($0, for: model, purpose: .validation)
        }
        let order = BatchOrder(
            sizes: examples.items.map { model.preparation.size(of: $0) }, limit: settings.batch,
            seed: settings.seed)
        let batches = batches ?? { order.batches(epoch: $0) }
        self.batches = batches
        optimizer = OptimizerState(settings.optimizer)
        phases = plan.phases.flatMap { [Plan.Phase](repeating: $0, count: $0.epochs) }
        let perStep = settings.accumulation
        totalSteps = phases.indices.reduce(0) {
            $0 + (batches($1).count + perStep - 1) / perStep
        }
        best = Snapshot(
            weights: model.parameters.map { ($0, $0.value) }, score: nil,
            name: "its weights of before the run")
    }

    // MARK: Epochs and steps

    /// Prepares the next epoch and returns its number, from 1; nil if the run is over.
    func beginEpoch() -> Int? {
        guard epoch < phases.count, !stopsEarly else { return nil }
        apply(phases[epoch])
        featureCache?.keepsNew = staysFrozen(after: epoch)
        let batches = batches(epoch)
        pending = stride(from: 0, to: batches.count, by: settings.accumulation).map {
            Array(batches[$0..<min($0 + settings.accumulation, batches.count)])
        }.reversed()
        epoch += 1
        (lossSum, lossWeight, epochStart) = (0, 0, .now)
        return epoch
    }

    var hasStep: Bool { !pending.isEmpty }

    /// Computes the gradients of the next batches and moves the weights.
    func takeStep() throws -> TrainingProgress {
        let batches = pending.removeLast()
        let start = ContinuousClock.now
        let factor = settings.schedule.factor(step: step, of: totalSteps)
        step += 1
        let loss = try computeGradients(of: batches)
        gradientLength = trained.reduce(0.0) {
            $0 + ($1.parameter.receivedGradient?.sumOfSquares ?? 0)
        }.squareRoot()
        guard gradientLength.isFinite else { throw failed(gradientLength) }
        let scale = clippingScale(length: gradientLength, limit: settings.gradientClipping)
        confirmCandidate()
        model.lock.writing {
            for (parameter, rate) in trained {
                optimizer.update(parameter, learningRate: rate * factor, gradientScale: scale)
            }
        }
        seenExamples += batches.reduce(0) { $0 + $1.count }
        trainingTime += ContinuousClock.now - start
        let rate = Double(seenExamples) / max(trainingTime.inSeconds, 1e-9)
        return TrainingProgress(
            phase: plan.name, epoch: epoch, epochs: phases.count, step: step, steps: totalSteps,
            loss: loss, learningRate: (trained.last?.rate ?? 0) * factor, examplesPerSecond: rate,
            secondsLeft: trainingTime.inSeconds / Double(step) * Double(totalSteps - step))
    }

    /// Adds the gradients of all batches, as if they were one, and returns the mean loss.
    func computeGradients(of batches: [[Int]]) throws -> Double {
        let weight = model.head.weight(of: batches.joined().map { examples.targets[$0] })
        var total = 0.0
        for (index, batch) in batches.enumerated() {
            let targets = batch.map { examples.targets[$0] }
            let pass = Pass.training(seed: settings.seed, step: passes)
            let features = model.headFeatures(
                batch.map { examples.items[$0] },
                before: { upcomingItems(in: batches[(index + 1)...], room: $0) }, in: pass,
                cache: featureCache)
            let outputs = model.network(features, in: pass)
            passes &+= 1
            let loss = model.head.loss(outputs, targets: targets)
            total += loss.value.scalar
            guard total.isFinite else { throw failed(total) }
            // Examples that all have the weight 0 teach nothing.
            if weight > 0 { (loss * (1 / weight)).backward() }
        }
        lossSum += total
        lossWeight += weight
        return weight > 0 ? total / weight : 0
    }

    /// The items of the batches that are left in this step and of those that follow, as long as
    /// their sizes together do not exceed `room`.
    private func upcomingItems(in rest: ArraySlice<[Int]>, room: Int) -> [P.Item] {
        var items: [P.Item] = []
        var size = 0
        for batches in [Array(rest)] + pending.reversed() {
            for position in batches.joined() {
                size += model.preparation.size(of: examples.items[position])
                guard size <= room else { return items }
                items.append(examples.items[position])
            }
        }
        return items
    }

    private func failed(_ number: Double) -> TrainingError {
        candidate = nil
        restoreBest()
        return .nonFiniteLoss(number, epoch: epoch, step: step, restored: best.name)
    }

    /// Measures the model and decides whether to go on.
    func endEpoch(_ epoch: Int) throws -> EpochSummary<H.Metrics> {
        guard trained.allSatisfy({ $0.parameter.value.isFinite }) else {
            candidate = nil
            restoreBest()
            throw TrainingError.nonFiniteWeights(epoch: epoch, step: step, restored: best.name)
        }
        let metrics = validation.map { $0.metrics(of: model, cache: featureCache) }
        let summary = EpochSummary(
            epoch: epoch, loss: lossWeight > 0 ? lossSum / lossWeight : 0, metrics: metrics,
            seconds: (ContinuousClock.now - epochStart).inSeconds)
        summaries.append(summary)
        let threshold =
            (best.score ?? -.infinity) + (settings.earlyStopping?.minimumImprovement ?? 0)
        if metrics.map({ $0.score > threshold || best.score == nil }) != false {
            candidate = Snapshot(
                weights: model.parameters.map { ($0, $0.value) }, score: metrics?.score,
                name: "the weights of the end of epoch \(epoch)")
            epochsWithoutBetter = 0
        } else {
            epochsWithoutBetter += 1
        }
        if let stopping = settings.earlyStopping, epochsWithoutBetter >= stopping.patience {
            stopsEarly = epoch < phases.count
        }
        return summary
    }

    /// What came of it.
    func finish() throws -> TrainingReport<H.Metrics> {
        var metrics = summaries.last?.metrics
        if settings.earlyStopping != nil, epochsWithoutBetter > 0 {
            restoreBest()
            metrics = validation?.metrics(of: model, cache: featureCache)
        }
        return TrainingReport(
            plan: plan.name, trainingExamples: examples.items.count,
            validationExamples: validation?.items.count ?? 0,
            truncatedInputs: examples.truncatedCount + (validation?.truncatedCount ?? 0),
            epochs: summaries, metrics: metrics, stoppedEarly: stopsEarly,
            precision: .current, lacksPrecision: Tensor.Precision.current != settings.precision,
            trainingSeconds: trainingTime.inSeconds,
            examplesPerSecond: Double(seenExamples) / max(trainingTime.inSeconds, 1e-9),
            trainedParameters: trained.reduce(0) { $0 + $1.parameter.value.elementCount },
            totalParameters: model.parameterCount,
            reusedFeatures: (featureCache?.reusedCount ?? 0) - reusedBefore,
            peakMemoryBytes: Tensor.Memory.peakProcessBytes)
    }

    // MARK: The plan

    /// Says which parameters train, and at which rates.
    private func apply(_ phase: Plan.Phase) {
        trained = []
        let rates = phase.rates(stages: model.stages.count { $0.isCounted })
        model.lock.writing {
            var counted = 0
            for (index, stage) in model.stages.enumerated() {
                counted += stage.isCounted ? 1 : 0
                // What has no pretrained weights belongs to the task like the head.
                let fresh = model.initializedStages.contains(index) ? phase.headRate : nil
                let adapted = stage.parameters.filter(\.kind.isAdapter)
                set(
                    stage.parameters.filter { !$0.kind.isAdapter },
                    rate: rates[max(counted, 1) - 1] ?? fresh)
                set(adapted, rate: phase.adapterRate)
            }
            set(model.network.parameters, rate: phase.headRate)
        }
    }

    private func set(_ parameters: [Parameter], rate: Double?) {
        for parameter in parameters {
            parameter.isTrainable = rate != nil
            parameter.clearGradient()
            if let rate, parameter.isTrainable { trained.append((parameter, rate)) }
        }
    }

    /// Whether the same stages are frozen in the epoch after this one, counted from 0. The last one
    /// may be followed by another run.
    private func staysFrozen(after epoch: Int) -> Bool {
        guard epoch + 1 < phases.count else { return true }
        let count = model.stages.count { $0.isCounted }
        return phases[epoch].stages.count(of: count) == phases[epoch + 1].stages.count(of: count)
    }

    /// Ends the training of every parameter.
    func freezeAll() {
        model.lock.writing { set(model.parameters, rate: nil) }
    }

    /// Weights count as good when the model has a finite loss with them, not before: a step that
    /// was too large shows only in the next pass.
    private func confirmCandidate() {
        if let candidate { best = candidate }
        candidate = nil
    }

    private func restoreBest() {
        model.lock.writing {
            for (parameter, value) in best.weights { parameter.value = value }
        }
    }
}

/// Examples as the model takes them: inputs prepared once, targets encoded.
struct PreparedExamples<P: Preparation, H: Head> {
    let items: [P.Item]
    let targets: [H.EncodedTarget]
    let truncatedCount: Int

    /// - Throws: ``ExamplesError``.
    init(
        _ data: Dataset<P.Input, H.Target>, for model: FineTunedModel<P, H>,
        purpose: ExamplesError.Purpose
    ) throws {
        let preparation = model.preparation
        do {
            guard !data.isEmpty else { throw DataError(.noExamples) }
            items = try data.inputs.map { try preparation.prepared($0) }
            for (position, item) in items.enumerated() where preparation.isEmpty(item) {
                throw ModelError.emptyText(position: position)
            }
            targets = try model.head.encoded(data.targets)
            try model.checkRows(of: items, targets)
        } catch {
            throw ExamplesError(purpose: purpose, reason: error)
        }
        truncatedCount = items.count { preparation.isTruncated($0) }
    }

    func metrics(
        of model: FineTunedModel<P, H>, cache: FeatureCache<P>?
    ) -> H.Metrics {
        model.head.metrics(outputs: model.outputs(for: items, cache: cache), targets: targets)
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
