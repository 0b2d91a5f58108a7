import Layers
import Tensor

extension FineTunedModel {
    /// A model whose adapter is a weighted combination of others' (task arithmetic, Ilharco et al.
    /// 2023, arXiv:2212.04089).
    ///
    /// It moves every weight of the base by the weighted sum of what the others move it by. A negative
    /// weight takes away what an adapter has learned. The layers of the task, which no base has, become
    /// the weighted mean. The result can be asked, trained and saved like any other; it shares the
    /// base's memory with them.
    ///
    /// Low-rank adapters give one whose rank is the sum of theirs: a DoRA if one of them is, else a
    /// LoRA. (IA)³ combines with (IA)³ only.
    ///
    /// - Parameter parts: Models with adapters on the same base, with the same head and pooling.
    /// - Throws: ``AdapterError/notCombinable(_:)``.
    public convenience init(combining parts: [(model: FineTunedModel, weight: Double)]) throws {
        let adaptations = parts.compactMap(\.model.adaptation)
        guard let first = parts.first?.model, let model = adaptations.first,
            adaptations.count == parts.count
        else {
            throw AdapterError.notCombinable("each must have an adapter, and one must be given")
        }
        let total = parts.reduce(0) { $0 + $1.weight }
        guard total.isFinite, abs(total) > 1e-6 else {
            throw AdapterError.notCombinable("the sum of the weights is \(total)")
        }
        for (part, other) in zip(parts, adaptations).dropFirst() {
            try first.checkCombinable(with: part.model, model, other)
        }
        try self.init(
            preparation: first.preparation, architecture: first.architecture,
            pooling: first.pooling, head: first.head,
            headSource: ParameterSource(initializing: .float32, seed: 0), seed: 0,
            sharing: Dictionary(
                model.base.map { ($0.parameter.path, $0.value) },
                uniquingKeysWith: { first, _ in first }))
        let weighted = zip(adaptations, parts).map { (adaptation: $0, weight: $1.weight) }
        try combine(weighted, fingerprints: model.fingerprints)
        let tasks = parts.map { part in
            (part.model.taskParameters.map(\.value), part.weight / total)
        }
        for (index, parameter) in taskParameters.enumerated() {
            parameter.value = tasks.reduce(
                Tensor(zeros: parameter.value.shape, dtype: parameter.value.dtype)
            ) { $0 + $1.0[index] * $1.1 }
        }
    }

    /// The layers of the task: the head's and what goes with it.
    var taskParameters: [Parameter] {
        (adaptation?.taskParameters ?? []) + network.parameters
    }

    private func checkCombinable(
        with other: FineTunedModel, _ own: Adaptation, _ others: Adaptation
    ) throws(AdapterError) {
        guard own.baseFingerprint == others.baseFingerprint else {
            throw .notCombinable("they are on different bases")
        }
        guard pooling == other.pooling,
            preparation.fingerprint == other.preparation.fingerprint
        else { throw .notCombinable("they prepare or pool texts in different ways") }
        guard headDescription == other.headDescription,
            taskParameters.map(\.path) == other.taskParameters.map(\.path),
            zip(taskParameters, other.taskParameters).allSatisfy({
                $0.value.shape == $1.value.shape
            })
        else { throw .notCombinable("their heads have different labels or layers") }
        guard (own.adapter.method == .ia3) == (others.adapter.method == .ia3) else {
            throw .notCombinable("(IA)³ scales activations, which no low-rank update does")
        }
    }

    /// The same maps in the order of loading, each with the adapters that the parts have on it.
    private func combine(
        _ parts: [(adaptation: Adaptation, weight: Double)], fingerprints: WeightFingerprints
    ) throws {
        var found: [String: [(adapter: any LinearAdapter, weight: Double)]] = [:]
        for part in parts {
            for place in part.adaptation.places {
                found[place.map.path, default: []].append((place.adapter, part.weight))
            }
        }
        let places = stages.flatMap(\.linearMaps).compactMap { place in
            found[place.map.path].map { (place: place, adapters: $0) }
        }
        let methods = Set(parts.map(\.adaptation.adapter.method))
        let rank = places.reduce(0) { largest, place in
            max(
                largest,
                place.adapters.reduce(0) {
                    $0 + (($1.adapter as? LowRankAdapter)?.plainRank ?? 0)
                })
        }
        let layers = Set(places.map(\.place.role))
        let adapter =
            methods == [.ia3]
            ? Adapter.ia3(layers: layers)
            : Adapter(
                method: methods.contains(.doRA) ? .doRA : .lora, rank: rank, alpha: Double(rank),
                dropoutRate: 0, layers: layers)
        try adapt(
            places.map {
                let scaling = $0.adapters.first?.adapter as? ScalingAdapter
                return ($0.place.role, $0.place.map, scaling?.scalesInput)
            }, with: adapter, fingerprints: fingerprints,
            alsoTrained: Set(parts.flatMap { $0.adaptation.taskParameters.map(\.path) }),
            from: ParameterSource(initializing: .float32, seed: 0))
        for (place, source) in zip(adaptation?.places ?? [], places) {
            if let target = place.adapter as? LowRankAdapter {
                target.combine(
                    source.adapters.compactMap { part in
                        (part.adapter as? LowRankAdapter).map { ($0, part.weight) }
                    }, for: place.map.weight.value)
            } else if let target = place.adapter as? ScalingAdapter {
                let scalings = source.adapters.compactMap { part in
                    (part.adapter as? ScalingAdapter).map { (adapter: $0, weight: part.weight) }
                }
                guard target.combine(scalings) else {
                    throw AdapterError.notCombinable(
                        "of '\(place.map.path)' one scales the inputs and another the outputs")
                }
            }
        }
    }
}
