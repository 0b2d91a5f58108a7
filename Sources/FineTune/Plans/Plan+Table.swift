import Layers

extension Plan {
    /// The plan as a table for each phase: what of each stage of a model trains, and at which rate
    /// before the schedule.
    ///
    /// ```text
    /// plan top1: 1 phase
    ///
    /// phase 1, 3 epochs: 1,923,846 of 22,566,150 parameters train
    /// stage       trains       parameters      rate
    /// …
    /// ```
    ///
    /// - Parameter model: What it is to train.
    /// - Returns: Lines for a terminal or a log.
    public func description<P: Preparation, H: Head>(for model: FineTunedModel<P, H>) -> String {
        let count = phases.count == 1 ? "1 phase" : "\(phases.count) phases"
        let blocks = phases.enumerated().map { index, phase in
            block(of: phase, number: index + 1, for: model)
        }
        return (["plan \(name): \(count)"] + blocks).joined(separator: "\n\n")
    }

    private func block<P: Preparation, H: Head>(
        of phase: Phase, number: Int, for model: FineTunedModel<P, H>
    ) -> String {
        let assignment = model.assignment(of: phase)
        var table = TextTable(header: ["stage", "trains", "parameters", "rate"])
        for part in assignment.parts {
            let rates = part.rates.compactMap { $0 }
            table.append([
                part.name, part.trainsInWords, part.parameterCount.grouped,
                rates.first.map { $0.formattedScientific(decimals: 2) } ?? "",
            ])
        }
        let trained = assignment.trained.reduce(0) { $0 + $1.parameter.shape.elementCount }
        let title =
            ["phase \(number)" + (phase.name.isEmpty ? "" : " (\(phase.name))")]
            + ["\(phase.length)"] + phase.remarks
        return
            ([
                title.joined(separator: ", ")
                    + ": \(trained.grouped) of \(model.parameterCount.grouped) parameters train"
            ] + table.lines).joined(separator: "\n")
    }
}

extension PhaseAssignment.Part {
    fileprivate var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.elementCount } }

    fileprivate var trainsInWords: String {
        let trained = zip(parameters, rates).filter { $0.1 != nil }
            .reduce(0) { $0 + $1.0.shape.elementCount }
        return trained == 0 ? "no" : trained == parameterCount ? "yes" : trained.grouped
    }
}

extension Plan.Phase {
    /// What else there is to say of it.
    fileprivate var remarks: [String] {
        var remarks: [String] = []
        if let schedule { remarks.append("its own \(schedule.decay.rawValue) schedule") }
        if let weightDecay { remarks.append("weight decay \(weightDecay)") }
        if let penalty = startingPointPenalty {
            remarks.append("L2-SP with α \(penalty.alpha) and β \(penalty.beta)")
        }
        if reinitializedStages > 0 {
            remarks.append("top \(reinitializedStages) begin anew")
        }
        return remarks
    }
}

extension Plan.Phase.Length: CustomStringConvertible {
    /// Such as `3 epochs`.
    public var description: String {
        switch self {
        case .epochs(let count): count == 1 ? "1 epoch" : "\(count) epochs"
        case .steps(let count): count == 1 ? "1 step" : "\(count) steps"
        case .untilStalled(let patience, _, let most):
            "until \(patience) epochs bring nothing better, at most \(most)"
        }
    }
}
