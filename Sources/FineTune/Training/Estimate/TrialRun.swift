import Layers
import Tensor

/// Steps that are taken to see what they take. They move no weight: their rate is 0.
struct TrialRun<P: Preparation, H: Head> {
    let run: TrainingRun<P, H>
    /// What kept features take in memory beside those that trials have kept: of all phases so far, since
    /// the pool keeps what a phase leaves behind.
    private var missingFeatureBytes = 0

    init(_ run: TrainingRun<P, H>) { self.run = run }

    private var model: FineTunedModel<P, H> { run.model }

    /// What phase `index` will take.
    mutating func estimate(ofPhase index: Int) throws -> TrainingEstimate.Phase {
        let (phase, length) = (run.plan.phases[index], run.length.phases[index])
        // What an earlier phase has moved is kept as the best while this one moves on.
        if run.position.step > 0 { run.best.consider(score: nil, epoch: 0) }
        run.position = RunPosition()
        run.position.phase = index
        run.beginPhase()
        run.apply(phase)
        run.position.phaseEpoch = length.stepCounts.count
        let keepsFeatures = length.stepCounts.count > 1 || run.keepsBoundary
        run.featureCache?.keepsNew = true
        run.featureCache?.prepare(for: model.frozenPrefix)
        let steps = run.order.steps(ofEpoch: length.firstEpoch)
        let prefix = try measurePrefix(steps)
        try warmUp(steps)
        // From the second epoch on, the best weights are kept beside the current ones.
        if length.stepCounts.count > 1 { run.best.consider(score: nil, epoch: 0) }
        let cost = try measureSteps(steps)
        let share = Double(length.stepCount) / Double(max(1, steps.count))
        let epochs = length.stepCounts.count
        let validation = try measureValidation()
        if let cache = run.featureCache, keepsFeatures {
            missingFeatureBytes += max(
                0, min(prefix.featureBytes, cache.limits.memoryBytes) - cache.memoryUsed)
        }
        let seconds =
            steps.reduce(0) { $0 + cost.seconds(for: size(of: $1)) } * share
            + prefix.seconds * (1 + validation.shareOfExamples)
            + validation.seconds * Double(epochs)
        return TrainingEstimate.Phase(
            name: phase.name.isEmpty ? "phase \(index + 1)" : phase.name,
            trainableParameters: run.trained.reduce(0) { $0 + $1.parameter.shape.elementCount },
            steps: length.stepCount,
            operations: operations(passes: share, epochs: epochs, isKept: prefix.isKept),
            peakMemoryBytes: Tensor.Memory.processBytes + missingFeatureBytes, seconds: seconds)
    }

    // MARK: Steps

    /// Takes the steps of an epoch that need buffers which are not there yet: a buffer serves for what
    /// takes more than half of it.
    private func warmUp(_ steps: [[[Int]]]) throws {
        var taken: [Int] = []
        for (index, step) in steps.enumerated() {
            let size = step.map { tokens(of: $0) }.max() ?? 0
            guard !taken.contains(where: { size <= $0 && $0 < 2 * size }) else { continue }
            taken.append(size)
            // Frozen stages compute ahead for the steps that follow.
            run.pending = steps[(index + 1)...].reversed()
            try take(step)
        }
        run.pending = []
    }

    /// A time for the step and one for each token.
    private struct StepCost {
        var perStep, perToken: Double

        func seconds(for tokens: Int) -> Double { perStep + perToken * Double(tokens) }
    }

    /// Times a step of middle size and the largest one.
    private func measureSteps(_ steps: [[[Int]]]) throws -> StepCost {
        let sorted = steps.sorted { size(of: $0) < size(of: $1) }
        guard let largest = sorted.last else { return StepCost(perStep: 0, perToken: 0) }
        let middle = sorted[sorted.count / 2]
        // Once before, so that frozen stages have computed their examples.
        for step in [middle, largest] { try take(step) }
        let times = (try seconds(of: middle), try seconds(of: largest))
        let sizes = (Double(size(of: middle)), Double(size(of: largest)))
        guard sizes.1 > 1.1 * sizes.0, times.1 > times.0 else {
            return StepCost(perStep: 0, perToken: times.0 / max(1, sizes.0))
        }
        let perToken = min((times.1 - times.0) / (sizes.1 - sizes.0), times.0 / sizes.0)
        return StepCost(perStep: times.0 - perToken * sizes.0, perToken: perToken)
    }

    /// The time of a step; the median of several if it is short.
    private func seconds(of step: [[Int]]) throws -> Double {
        var times: [Double] = []
        repeat {
            let start = ContinuousClock.now
            try take(step)
            times.append((ContinuousClock.now - start).inSeconds)
        } while times.count < 5 && times.reduce(0, +) < 0.2
        return times.sorted()[times.count / 2]
    }

    private func take(_ step: [[Int]]) throws {
        try Task.checkCancellation()
        _ = try run.move(by: step, factor: 0)
    }

    private func tokens(of batch: [Int]) -> Int {
        batch.reduce(0) { $0 + model.preparation.size(of: run.examples.items[$1]) }
    }

    private func size(of step: [[Int]]) -> Int { step.reduce(0) { $0 + tokens(of: $1) } }

    // MARK: Frozen stages and validation

    /// What the frozen stages at the bottom take that compute each example once.
    private struct PrefixCost {
        /// Whether there are any, and their results are kept.
        var isKept = false
        /// For all training examples.
        var seconds = 0.0
        /// What the features of all examples take.
        var featureBytes = 0
    }

    private func measurePrefix(_ steps: [[[Int]]]) throws -> PrefixCost {
        guard run.featureCache != nil, let prefix = model.frozenPrefix else { return PrefixCost() }
        let all = run.examples.items + (run.validation?.items ?? [])
        // As many in the order of the epoch as go through the stages together.
        var items: [P.Item] = []
        for position in steps.joined().joined() {
            guard size(of: items) < inferencePassSize else { break }
            items.append(run.examples.items[position])
        }
        if items.count > 1, size(of: items) > inferencePassSize { items.removeLast() }
        var (bytes, seconds) = (0, 0.0)
        for _ in 0..<2 {
            try Task.checkCancellation()
            let start = ContinuousClock.now
            let features = model.features(
                try model.preparation.loadedBatch(items), through: 0..<prefix.stageCount,
                in: .inference)
            seconds = (ContinuousClock.now - start).inSeconds
            bytes = features.value.value.byteCount
        }
        let scale = { (other: [P.Item]) in Double(size(of: other)) / Double(size(of: items)) }
        return PrefixCost(
            isKept: true, seconds: seconds * scale(run.examples.items),
            featureBytes: Int(Double(bytes) * scale(all)))
    }

    /// The time to measure the model after an epoch, and how many examples that is for each of
    /// training.
    private func measureValidation() throws -> (seconds: Double, shareOfExamples: Double) {
        guard let items = run.validation?.items else { return (0, 0) }
        let some = portion(of: items)
        var seconds = 0.0
        for _ in 0..<2 {
            let start = ContinuousClock.now
            _ = try model.outputs(for: some, cache: run.featureCache)
            seconds = (ContinuousClock.now - start).inSeconds
        }
        return (
            seconds * Double(size(of: items)) / Double(size(of: some)),
            Double(size(of: items)) / Double(size(of: run.examples.items))
        )
    }

    /// The largest items, as many as a pass without gradients takes.
    private func portion(of items: [P.Item]) -> [P.Item] {
        let order = BatchOrder(
            sizes: items.map { model.preparation.size(of: $0) }, limit: .tokens(inferencePassSize),
            seed: 0)
        return order.evaluationBatches.first?.map { items[$0] } ?? []
    }

    private func size(of items: [P.Item]) -> Int {
        items.reduce(0) { $0 + model.preparation.size(of: $1) }
    }

    private func operations(passes: Double, epochs: Int, isKept: Bool) -> Double {
        let training = model.operations(for: run.examples.items)
        let measuring = run.validation.map { model.operations(for: $0.items) }
        let prefix = training.prefix * (isKept ? 1 : passes)
        let validationPrefix = (measuring?.prefix ?? 0) * (isKept ? 1 : Double(epochs))
        return prefix + validationPrefix + (training.forward + training.backward) * passes
            + (measuring?.forward ?? 0) * Double(epochs)
    }
}
