import Layers
import Tensor

// The ends of epochs, and of the run.
extension TrainingRun {
    /// The time that the current epoch has taken.
    var epochSeconds: Double {
        statistics.epochSeconds + (ContinuousClock.now - epochStart).inSeconds
    }

    /// Measures the model and decides whether to go on.
    func endEpoch(_ epoch: Int) throws -> EpochSummary<H.Metrics> {
        guard trained.allSatisfy({ $0.parameter.value.isFinite }) else {
            restoreBest()
            throw TrainingError.nonFiniteWeights(
                epoch: epoch, step: position.step, restored: best.best.name)
        }
        let metrics = try validation.map { try $0.metrics(of: model, cache: featureCache) }
        let (loss, weight) = (statistics.lossSum, statistics.lossWeight)
        let summary = EpochSummary(
            epoch: epoch, loss: weight > 0 ? loss / weight : 0, metrics: metrics,
            seconds: epochSeconds)
        summaries.append(summary)
        position.isInEpoch = false
        judge(metrics?.score, epoch: epoch)
        return summary
    }

    /// Keeps the weights if they are the best, and ends phase or run if they no longer improve.
    private func judge(_ score: Double?, epoch: Int) {
        let improvement = settings.earlyStopping?.minimumImprovement ?? 0
        if score.map({ best.isBetter($0, by: improvement) }) != false {
            best.consider(score: score, epoch: epoch)
            statistics.epochsWithoutBetter = 0
        } else {
            statistics.epochsWithoutBetter += 1
        }
        if case .untilStalled(let patience, let improvement, _) = phase.length, let score {
            let isBetter = statistics.phaseScore.map { $0.isNaN || score > $0 + improvement }
            if isBetter != false, !score.isNaN {
                (statistics.phaseScore, statistics.epochsWithoutBetterInPhase) = (score, 0)
            } else {
                statistics.epochsWithoutBetterInPhase += 1
            }
            position.phaseHasStalled = statistics.epochsWithoutBetterInPhase >= patience
        }
        if let stopping = settings.earlyStopping,
            statistics.epochsWithoutBetter >= stopping.patience
        {
            statistics.stopsEarly = hasEpochsLeft
        }
    }

    private var hasEpochsLeft: Bool {
        let isPhaseOver =
            position.phaseHasStalled || position.phaseEpoch == phaseLength.stepCounts.count
        return !isPhaseOver
            || length.phases[(position.phase + 1)...].contains { !$0.stepCounts.isEmpty }
    }

    /// What came of it.
    func finish() throws -> TrainingReport<H.Metrics> {
        var metrics = summaries.last?.metrics
        if settings.earlyStopping != nil, statistics.epochsWithoutBetter > 0 {
            restoreBest()
            metrics = nil
        }
        metrics = try metrics ?? validation?.metrics(of: model, cache: featureCache)
        let seconds = statistics.trainingSeconds
        return TrainingReport(
            plan: plan.name, trainingExamples: examples.items.count,
            validationExamples: validation?.items.count ?? 0,
            truncatedInputs: examples.truncatedCount + (validation?.truncatedCount ?? 0),
            epochs: summaries, metrics: metrics, stoppedEarly: statistics.stopsEarly,
            precision: .current, lacksPrecision: Tensor.Precision.current != settings.precision,
            trainingSeconds: seconds, waitingSeconds: statistics.waitingSeconds,
            examplesPerSecond: Double(statistics.seenExamples) / max(seconds, 1e-9),
            trainedParameters: lastTrained.reduce(0) { $0 + $1.value.elementCount },
            totalParameters: model.parameterCount,
            skippedSteps: statistics.skippedSteps, rollBacks: statistics.rollBacks,
            reusedFeatures: (featureCache?.reusedCount ?? 0) - reusedBefore,
            peakMemoryBytes: Tensor.Memory.peakProcessBytes, leftOut: leftOut)
    }

    /// What trained in the last phase that was come to, also where a run had ended before it was restored.
    private var lastTrained: [Parameter] {
        guard let last = plan.phases.prefix(position.phase + 1).last(where: { !$0.isEmpty }) else {
            return []
        }
        return model.assignment(of: last).trained.map(\.parameter)
    }

    /// What was left out of either dataset. The parts of one have it in common.
    private var leftOut: [LeftOutExample] {
        let known = Set(examples.leftOut)
        return examples.leftOut + (validation?.leftOut ?? []).filter { !known.contains($0) }
    }

    /// Gives the model its best weights back.
    func restoreBest() {
        best.dropCandidate()
        model.lock.writing { best.restore() }
    }
}
