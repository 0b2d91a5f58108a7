/// Where a run stands.
struct RunPosition: Sendable, Hashable {
    /// The number of the phase, from 0.
    var phase = 0
    /// The epochs of the phase that have begun.
    var phaseEpoch = 0
    /// The steps of the phase that were taken.
    var phaseStep = 0
    /// The epochs of the run that have begun.
    var epoch = 0
    /// The steps of the epoch that were taken.
    var epochStep = 0
    /// The steps of the run that were taken.
    var step = 0
    /// The passes with gradients, which give dropout its masks.
    var passes: UInt32 = 0
    /// Whether the epoch has begun and not ended.
    var isInEpoch = false
    /// Whether the phase ends before its time.
    var phaseHasStalled = false
    /// Whether every parameter of the phase has been seen to get a gradient.
    var hasSeenGradients = false
    /// The epochs and steps that phases which ended before their time have left out.
    var skippedEpochs = 0, skippedSteps = 0

    /// Whether as much was done in both; the next phase need not have been entered.
    func isAsFar(as other: RunPosition) -> Bool {
        (step, epoch, isInEpoch) == (other.step, other.epoch, other.isInEpoch)
    }

    /// The number of half epochs that are over, where one ends just here; nil elsewhere. The middle of an
    /// epoch is between two of its steps, or after its only one.
    func halfEpochs(epochSteps: Int) -> Int? {
        guard isInEpoch else { return 2 * epoch }
        return epochStep == (epochSteps + 1) / 2 ? 2 * epoch - 1 : nil
    }

    /// Goes on to the next phase.
    mutating func enterNextPhase(after length: RunLength.PhaseLength) {
        skippedEpochs += length.stepCounts.count - phaseEpoch
        skippedSteps += length.stepCount - phaseStep
        phase += 1
        (phaseEpoch, phaseStep, phaseHasStalled, hasSeenGradients) = (0, 0, false, false)
    }
}

/// What a run has seen so far.
struct RunStatistics: Sendable {
    /// The loss of the epoch, summed over its examples, and their weight.
    var lossSum = 0.0, lossWeight = 0.0
    /// The examples of all steps.
    var seenExamples = 0
    /// The epochs since the best one of the run.
    var epochsWithoutBetter = 0
    /// The best score of the phase, and the epochs since.
    var phaseScore: Double?
    var epochsWithoutBetterInPhase = 0
    /// Whether the run is to end early.
    var stopsEarly = false
    /// The steps that moved nothing because a number was none, and how many of them came last in a row.
    var skippedSteps = 0, skippedInARow = 0
    /// How often the run went back to a snapshot, and what all rates are multiplied with since.
    var rollBacks = 0, rateScale = 1.0
    /// The time in steps, and the time that the epoch took before the run was restored.
    var trainingSeconds = 0.0, epochSeconds = 0.0
    /// The time that steps waited for their inputs.
    var waitingSeconds = 0.0
}
