import Layers
import Tensor

/// What a phase does with each parameter of a model.
struct PhaseAssignment {
    /// A stage, its adapter or the head: what has one rate.
    struct Part {
        /// What it is called in tables.
        let name: String
        /// Which of the model's stages it belongs to; nil for the head.
        let stage: Int?
        let parameters: [Parameter]
        /// The rates of the parameters; nil for a frozen one.
        let rates: [Double?]
    }

    /// From the bottom to the top.
    let parts: [Part]

    /// What trains, from the bottom to the top, each parameter once.
    var trained: [(parameter: Parameter, rate: Double)] {
        var seen: Set<ObjectIdentifier> = []
        return parts.flatMap { part in
            zip(part.parameters, part.rates).compactMap { parameter, rate in
                rate.map { (parameter: parameter, rate: $0) }
            }
        }.filter { seen.insert(ObjectIdentifier($0.parameter)).inserted }
    }

    /// The lowest stage in which something trains; nil if only the head does.
    var firstTrainedStage: Int? {
        parts.first { part in part.stage != nil && part.rates.contains { $0 != nil } }?.stage ?? nil
    }
}

extension FineTunedModel {
    /// What a phase does with each parameter.
    func assignment(of phase: Plan.Phase) -> PhaseAssignment {
        let stageRates = phase.rates(stages: stages.count { $0.isCounted })
        var parts: [PhaseAssignment.Part] = []
        func add(_ name: String, _ stage: Int?, _ parameters: [Parameter], _ rates: [Double?]) {
            guard !parameters.isEmpty else { return }
            parts.append(
                PhaseAssignment.Part(
                    name: name, stage: stage, parameters: parameters, rates: rates))
        }
        for (index, counted) in countedStages.enumerated() {
            let stage = stages[index]
            // What has no pretrained weights belongs to the task like the head.
            let fresh = initializedStages.contains(index) ? phase.headRate : nil
            let own = stage.parameters.filter { !$0.kind.isAdapter && $0.kind != .statistic }
            add(
                stage.name, index, own,
                own.map { phase.parameters.contains($0) ? stageRates[counted] ?? fresh : fresh })
            let adapted = stage.parameters.filter(\.kind.isAdapter)
            add("\(stage.name) adapter", index, adapted, adapted.map { _ in phase.adapterRate })
        }
        let head = network.parameters.filter { $0.kind != .statistic }
        add("head", nil, head, head.map { _ in phase.headRate })
        return PhaseAssignment(parts: parts)
    }

    /// For each stage its number as plans count them: that of the stage below for a pooler.
    private var countedStages: [Int] {
        var counted = -1
        return stages.map { stage in
            counted += stage.isCounted ? 1 : 0
            return max(counted, 0)
        }
    }

    /// The model's own parameters of the stages that a plan chooses, with those that go with them.
    func parameters(ofStages chosen: Plan.Phase.Stages) -> [Parameter] {
        let indices = chosen.indices(of: stages.count { $0.isCounted })
        return zip(stages, countedStages).filter { indices.contains($0.1) }
            .flatMap(\.0.parameters).filter { !$0.kind.isAdapter && $0.kind != .statistic }
    }

    /// What a phase gives new random weights.
    func reinitializedParameters(of phase: Plan.Phase) -> [Parameter] {
        phase.reinitializedStages > 0 ? parameters(ofStages: .top(phase.reinitializedStages)) : []
    }

    /// Everything that a plan may change, from the bottom to the top, each parameter once.
    func parameters(changedBy plan: Plan) -> [Parameter] {
        var changed: Set<ObjectIdentifier> = []
        // Plans repeat themselves; a phase of another length changes the same.
        var seen: Set<Plan.Phase> = []
        for var phase in plan.phases where !phase.isEmpty {
            phase.length = .epochs(1)
            guard seen.insert(phase).inserted else { continue }
            let assignment = assignment(of: phase)
            let parameters =
                assignment.trained.map(\.parameter) + reinitializedParameters(of: phase)
                + statistics(movedBy: assignment)
            changed.formUnion(parameters.map { ObjectIdentifier($0) })
        }
        // The statistics of a batch normalisation move while something beside them trains.
        for stage in stages
        where stage.parameters.contains(where: { changed.contains(ObjectIdentifier($0)) }) {
            let statistics = stage.parameters.filter { $0.kind == .statistic }
            changed.formUnion(statistics.map { ObjectIdentifier($0) })
        }
        return parameters.filter { changed.remove(ObjectIdentifier($0)) != nil }
    }

    /// What normalisations of the stages in which something trains may measure anew.
    private func statistics(movedBy assignment: PhaseAssignment) -> [Parameter] {
        let trained = assignment.parts.filter { part in part.rates.contains { $0 != nil } }
        return trained.flatMap { part in
            part.stage.map { stages[$0].parameters } ?? network.parameters
        }.filter { $0.kind == .statistic }
    }
}

extension Parameter {
    /// A new value as BERT begins (arXiv:1810.04805, as published with its code): weights normal with
    /// deviation 0.02, what is added 0, what is multiplied 1, and what is measured stays. It depends
    /// on the seed and the name alone.
    func reinitialized(seed: UInt64) -> Tensor {
        let dtype = value.dtype
        switch kind {
        case .weight, .embedding, .lowRank:
            var stream = RandomStream(seed: seed, stream: stableHash("reinitialized." + path))
            return Tensor(
                normal: shape, standardDeviation: 0.02, dtype: dtype, using: &stream)
        case .bias, .normalizationShift: return Tensor(zeros: shape, dtype: dtype)
        case .normalization, .scale: return Tensor(repeating: 1, shape: shape, dtype: dtype)
        case .statistic: return value
        }
    }
}
