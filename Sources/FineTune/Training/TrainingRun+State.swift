import Layers
import Tensor

extension TrainingRun {
    /// Where the run stands, between two steps.
    var state: TrainingState {
        var statistics = statistics
        if position.isInEpoch { statistics.epochSeconds = epochSeconds }
        let memories = changing.compactMap { parameter in
            optimizer[parameter].map { (parameter.path, $0) }
        }
        return TrainingState(
            identity: identity, cpuLevel: Tensor.cpuLevel, position: position,
            statistics: statistics,
            epochs: summaries.map {
                TrainingState.Epoch(
                    epoch: $0.epoch, loss: $0.loss, score: $0.score, seconds: $0.seconds)
            },
            weights: named(changing.map { ($0, $0.value) }),
            memories: Dictionary(memories, uniquingKeysWith: { $1 }),
            best: named(best.best), candidate: best.candidate.map { named($0) },
            start: start.map { start in
                named(changing.compactMap { parameter in start[parameter].map { (parameter, $0) } })
            })
    }

    /// Takes the run to where another one stood.
    ///
    /// - Throws: ``TrainingError/unsuitableState(_:)``; the model is then as it was.
    func restore(_ state: TrainingState) throws(TrainingError) {
        if let difference = state.identity.difference(from: identity) {
            throw .unsuitableState(difference)
        }
        guard length.contains(state.position) else {
            throw .unsuitableState("the run has no such step as its \(state.step)")
        }
        guard (start == nil) == (state.start == nil) else {
            throw .unsuitableState("the weights that the run began with are not in it")
        }
        let weights = try values(state.weights)
        let best = try snapshot(state.best)
        let candidate = try state.candidate.map { (saved) throws(TrainingError) in
            try snapshot(saved)
        }
        for parameter in changing { optimizer[parameter] = nil }
        for (path, memory) in state.memories {
            guard let parameter = changing.first(where: { $0.path == path }),
                memory.first.shape == parameter.shape,
                memory.first.dtype == parameter.value.dtype,
                memory.second.shape == (usesSecondMoment ? parameter.shape : [0])
            else { throw .unsuitableState("the model has no such parameter as its '\(path)'") }
            optimizer[parameter] = memory
        }
        if let saved = state.start { start = try startingPoint(saved) }
        (position, statistics) = (state.position, state.statistics)
        summaries = state.epochs.map { EpochSummary($0) }
        self.best = BestWeights(best: best, candidate: candidate)
        model.lock.writing { for (parameter, value) in weights { parameter.value = value } }
        isRestored = true
    }

    private func startingPoint(
        _ saved: TrainingState.Weights
    ) throws(TrainingError) -> StartingPoint {
        var start = StartingPoint([])
        let anew = plan.phases.flatMap { model.reinitializedParameters(of: $0) }
        for parameter in changing where !model.isNew(parameter) {
            if let value = saved[parameter.path], value.shape == parameter.shape,
                value.dtype == parameter.value.dtype
            {
                start[parameter] = value
            } else if saved[parameter.path] != nil || !anew.contains(where: { $0 === parameter }) {
                throw .unsuitableState("what '\(parameter.path)' began with is not in it")
            }
        }
        return start
    }

    private var usesSecondMoment: Bool {
        if case .adamW = settings.optimizer { true } else { false }
    }

    private func named(_ weights: [(Parameter, Tensor)]) -> TrainingState.Weights {
        Dictionary(weights.map { ($0.path, $1) }, uniquingKeysWith: { $1 })
    }

    private func named(_ snapshot: BestWeights.Snapshot) -> TrainingState.Best {
        TrainingState.Best(
            weights: named(snapshot.weights.map { ($0.parameter, $0.value) }),
            score: snapshot.score, name: snapshot.name)
    }

    private func snapshot(
        _ best: TrainingState.Best
    ) throws(TrainingError) -> BestWeights.Snapshot {
        BestWeights.Snapshot(
            weights: try values(best.weights), score: best.score, name: best.name)
    }

    /// A value for each parameter that the plan may change.
    private func values(
        _ weights: TrainingState.Weights
    ) throws(TrainingError) -> [(parameter: Parameter, value: Tensor)] {
        var values: [(parameter: Parameter, value: Tensor)] = []
        for parameter in changing {
            guard let value = weights[parameter.path], value.shape == parameter.shape,
                value.dtype == parameter.value.dtype
            else {
                throw .unsuitableState(
                    "the model's '\(parameter.path)' of shape \(parameter.shape) is not in it")
            }
            values.append((parameter, value))
        }
        return values
    }
}
