import Checkpoint
import Layers

// Plans and settings as JSON, for a run's state to say whose it is. Equal values have equal JSON.
extension Plan {
    var fields: JSON {
        ["name": JSON(name), "phases": .array(phases.map(\.fields))]
    }
}

extension Plan.Phase {
    fileprivate var fields: JSON {
        var object: JSON.Object = [
            "name": JSON(name), "stages": JSON("\(stages)"), "parameters": parameters.fields,
            "headRate": JSON(headRate), "stageRate": JSON(stageRate), "decay": JSON(decay),
        ]
        switch length {
        case .epochs(let count): object["epochs"] = JSON(count)
        case .steps(let count): object["steps"] = JSON(count)
        case .untilStalled(let patience, let improvement, let most):
            object["untilStalled"] = [
                "patience": JSON(patience), "minimumImprovement": JSON(improvement),
                "atMost": JSON(most),
            ]
        }
        if !stageRates.isEmpty { object["stageRates"] = .array(stageRates.map { JSON($0) }) }
        if let adapterRate { object["adapterRate"] = JSON(adapterRate) }
        if let schedule { object["schedule"] = schedule.fields }
        if let weightDecay { object["weightDecay"] = JSON(weightDecay) }
        if let penalty = startingPointPenalty {
            object["startingPointPenalty"] = [
                "alpha": JSON(penalty.alpha), "beta": JSON(penalty.beta),
            ]
        }
        if reinitializedStages > 0 { object["reinitializedStages"] = JSON(reinitializedStages) }
        return .object(object)
    }
}

extension Plan.Phase.Parameters {
    fileprivate var fields: JSON {
        switch self {
        case .all: "all"
        case .kinds(let kinds): ["kinds": .array(kinds.map(\.rawValue).sorted().map { JSON($0) })]
        case .names(let names): ["names": .array(names.sorted().map { JSON($0) })]
        }
    }
}

extension Plan.Phase.Stages: CustomStringConvertible {
    /// Such as `top 2`.
    public var description: String {
        switch self {
        case .none: "none"
        case .top(let count): "top \(count)"
        case .topShare(let share): "top \(share) of all"
        case .range(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .all: "all"
        }
    }
}

extension Schedule {
    fileprivate var fields: JSON {
        let warmup: JSON =
            switch warmup {
            case .share(let share): ["share": JSON(share)]
            case .steps(let steps): ["steps": JSON(steps)]
            }
        return ["decay": JSON(decay.rawValue), "warmup": warmup]
    }
}

extension TrainingSettings {
    /// What decides the result: everything but threads and the feature cache.
    var fields: JSON {
        var object: JSON.Object = [
            "optimizer": optimizer.fields, "schedule": schedule.fields,
            "accumulation": JSON(accumulation), "seed": JSON(seed),
            "precision": JSON(precision.rawValue), "nonFinite": JSON(describing: nonFinite),
        ]
        switch batch {
        case .examples(let count): object["examples"] = JSON(count)
        case .tokens(let count): object["tokens"] = JSON(count)
        }
        if let gradientClipping { object["gradientClipping"] = JSON(gradientClipping) }
        if let stopping = earlyStopping {
            object["earlyStopping"] = [
                "patience": JSON(stopping.patience),
                "minimumImprovement": JSON(stopping.minimumImprovement),
            ]
        }
        return .object(object)
    }
}

extension Optimizer {
    fileprivate var fields: JSON {
        switch self {
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            [
                "name": "AdamW", "beta1": JSON(beta1), "beta2": JSON(beta2),
                "epsilon": JSON(epsilon), "weightDecay": JSON(weightDecay),
            ]
        case .sgd(let momentum, let weightDecay):
            ["name": "SGD", "momentum": JSON(momentum), "weightDecay": JSON(weightDecay)]
        }
    }
}
