import Layers

extension Plan {
    /// Far more epochs than anyone waits for; a number beyond it is a mistake.
    static let mostEpochs = 1_000_000
    fileprivate static let mostSteps = 10_000_000

    /// Checks that the phases make sense, whatever the model.
    func check() throws(TrainingError) {
        for (index, phase) in phases.enumerated() {
            if let mistake = phase.mistake {
                throw .unusableSetting("phase \(index + 1) of the plan \(mistake)")
            }
        }
        guard phases.contains(where: { !$0.isEmpty }) else { throw .emptyPlan }
    }

    /// Checks that the plan suits a model: that it trains an adapter if and only if it can and
    /// should, and that the model has the parameters that it names.
    func check<P: Preparation, H: Head>(
        for model: FineTunedModel<P, H>
    ) throws(TrainingError) {
        if model.hasActiveAdapter {
            guard phases.allSatisfy({ $0.stages == .none || $0.adapterRate != nil }) else {
                throw .adapterLeftOut(plan: name)
            }
            guard phases.allSatisfy({ $0.reinitializedStages == 0 }) else {
                throw .unusableSetting(
                    "the plan '\(name)' gives stages new weights under an adapter that was made for "
                        + "the old ones; attach a model without an adapter")
            }
        } else if phases.contains(where: { $0.adapterRate != nil }) {
            throw .noAdapter(plan: name)
        }
        for (index, phase) in phases.enumerated() {
            guard case .names(let names) = phase.parameters else { continue }
            let known = model.parameters(ofStages: phase.stages).map(\.path)
            if let unknown = names.subtracting(known).min() {
                throw .unknownParameter(unknown, phase: index + 1, plan: name)
            }
        }
    }
}

extension Plan.Phase {
    /// Whether it is over before it begins.
    var isEmpty: Bool {
        switch length {
        case .epochs(let count), .steps(let count), .untilStalled(_, _, atMost: let count):
            count == 0
        }
    }

    /// What is wrong with it, as the rest of a sentence; nil if nothing.
    fileprivate var mistake: String? {
        switch length {
        case .epochs(let count), .untilStalled(_, _, atMost: let count):
            if !(0...Plan.mostEpochs).contains(count) {
                return "has \(count) epochs; give it 0 to \(Plan.mostEpochs)"
            }
        case .steps(let count):
            if !(0...Plan.mostSteps).contains(count) {
                return "has \(count) steps; give it 0 to \(Plan.mostSteps)"
            }
        }
        if case .untilStalled(let patience, let improvement, _) = length,
            patience < 1 || improvement.isNaN
        {
            return
                "waits \(patience) epochs for an improvement of \(improvement); give it at least "
                + "one epoch and a number"
        }
        if case .topShare(let share) = stages, share.isNaN {
            return "trains a share of \(share) of the stages; give one in 0 ... 1"
        }
        let rates = [headRate, stageRate, decay] + stageRates + (adapterRate.map { [$0] } ?? [])
        if let rate = rates.first(where: { !$0.isFinite || $0 < 0 }) {
            return "has a rate or decay of \(rate); give one that is not negative"
        }
        if let share = schedule?.warmup.share, share.isNaN {
            return "has a warm-up of \(share) of its steps, which is none"
        }
        if let decay = weightDecay, !decay.isFinite || decay < 0 {
            return "has a weight decay of \(decay); give one that is not negative"
        }
        if let penalty = startingPointPenalty,
            ![penalty.alpha, penalty.beta].allSatisfy({ $0.isFinite && $0 >= 0 })
        {
            return
                "has a penalty of \(penalty.alpha) and \(penalty.beta); give numbers that are not "
                + "negative"
        }
        return reinitializedStages < 0
            ? "gives \(reinitializedStages) stages new weights, which is fewer than none" : nil
    }
}

extension Schedule.Warmup {
    /// The share of the steps, if it is one.
    var share: Double? {
        if case .share(let share) = self { share } else { nil }
    }
}
