public import Checkpoint

/// Examples that a run cannot use: which of those it was given, and what is wrong with them.
public struct ExamplesError: Error, CustomStringConvertible {
    /// What a run was given examples for.
    public enum Purpose: String, Sendable, Hashable {
        /// To learn from them.
        case training
        /// To measure the model on them.
        case validation
    }

    /// What the examples are for.
    public let purpose: Purpose
    /// What is wrong: the ``DataError``, ``HeadError`` or ``ModelError``, or an error of an app's
    /// own preparation or head. It counts examples from 0.
    public let reason: any Error

    /// Such as `validation examples: example 3 has the label 'x', which …`.
    public var description: String { "\(purpose.rawValue) examples: \(reason)" }
}

/// A run that cannot begin or go on.
public enum TrainingError: Error, Hashable, CustomStringConvertible {
    /// The loss or a gradient is infinite or not a number.
    case nonFiniteLoss(Double, epoch: Int, step: Int, restored: String)
    /// A step moved weights so far that they are infinite or not numbers.
    case nonFiniteWeights(epoch: Int, step: Int, restored: String)
    /// A run that was to go back after an error, to a snapshot that cannot be read.
    indirect case noWayBack(after: TrainingError, SnapshotError)
    /// Early stopping was asked for, but there is nothing to validate on.
    case nothingToValidate
    /// A phase lasts until validation stalls, but there is nothing to validate on.
    case phaseNeedsValidation(plan: String)
    /// Parameters that a phase trains take no part in the computation of the loss.
    case noGradient(parameters: [String], phase: Int, plan: String)
    /// A phase trains a parameter by a name that none of its stages has.
    case unknownParameter(String, phase: Int, plan: String)
    /// The state that is to go on belongs to another run.
    case unsuitableState(String)
    /// A plan without an epoch.
    case emptyPlan
    /// The plan trains an adapter, but the model has none that takes part in the computation.
    case noAdapter(plan: String)
    /// The plan trains the backbone under an adapter that stays as it is.
    case adapterLeftOut(plan: String)
    /// A setting that makes no sense.
    case unusableSetting(String)

    /// The last step whose weights had given a finite loss, if a number that is none ended the run.
    var lastSoundStep: Int? {
        switch self {
        // The loss of a step is that of the weights that the step before has left.
        case .nonFiniteLoss(_, _, let step, _): step - 2
        case .nonFiniteWeights(_, let step, _): step - 1
        default: nil
        }
    }

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .nonFiniteLoss(let loss, let epoch, let step, let restored):
            "the loss became \(loss) in epoch \(epoch), step \(step); the model has \(restored). "
                + "Use a smaller learning rate, or look for wrong numbers in the data"
        case .nonFiniteWeights(let epoch, let step, let restored):
            "weights became infinite or not numbers by epoch \(epoch), step \(step); the model has "
                + "\(restored). Use a smaller learning rate"
        case .noWayBack(let error, let failure):
            "\(error). The run cannot go back, since \(failure)"
        case .nothingToValidate:
            "early stopping needs examples to validate on: pass them as fit(on:validating:)"
        case .phaseNeedsValidation(let plan):
            "a phase of the plan '\(plan)' lasts until validation stalls: pass examples to validate "
                + "on as fit(on:validating:)"
        case .noGradient(let parameters, let phase, let plan):
            "phase \(phase) of the plan '\(plan)' trains \(named(parameters)), which received no "
                + "gradient in its first step: the loss does not depend on it. Leave it out of the "
                + "phase, or let the model use it"
        case .unknownParameter(let name, let phase, let plan):
            "phase \(phase) of the plan '\(plan)' trains the parameter '\(name)', which none of its "
                + "stages has; names are those of the model's checkpoint without the family's prefix"
        case .unsuitableState(let reason): "the training state does not fit: \(reason)"
        case .emptyPlan: "the plan has no epoch: there is nothing to do"
        case .noAdapter(let plan):
            "the plan '\(plan)' trains an adapter, but the model has none, or one that is merged; "
                + "make it with attaching(_:adapter:), or call unmergeAdapter()"
        case .adapterLeftOut(let plan):
            "the plan '\(plan)' trains the backbone, but not the adapter on it; use Plan.adapter(), "
                + "or give the phase an adapterRate"
        case .unusableSetting(let reason): reason
        }
    }
    private func named(_ parameters: [String]) -> String {
        let shown = parameters.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
        return parameters.count > 5 ? "\(shown) and \(parameters.count - 5) more" : shown
    }
}
