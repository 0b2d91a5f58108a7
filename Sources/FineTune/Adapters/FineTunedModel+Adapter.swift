public import Layers
import Tensor

extension PretrainedModel {
    /// A model for a task that trains a small adapter and its head, while this backbone stays as it
    /// is.
    ///
    /// All models of one backbone share its weights, so many adapters take little more memory than
    /// one. Train it with ``Plan/adapter(epochs:learningRate:headRate:)``.
    ///
    /// - Parameters:
    ///   - head: The task.
    ///   - adapter: What is trained instead of the backbone.
    ///   - pooling: How the features of a text become one vector; see
    ///     ``attaching(_:pooling:seed:)``.
    ///   - seed: For parameters that begin at random.
    /// - Returns: A model that answers as if it had no adapter until it is trained.
    /// - Throws: ``HeadError`` if the head cannot be used with this backbone, ``AdapterError`` if it
    ///   has no such layers, `LinearAlgebraError` if a weight has no singular values (PiSSA).
    public func attaching<H: Head>(
        _ head: H, adapter: Adapter, pooling: Pooling? = nil, seed: UInt64 = 0
    ) throws -> FineTunedModel<P, H> {
        let model = try attaching(head, pooling: pooling, seed: seed)
        let chosen = model.adaptableMaps.filter { adapter.layers.contains($0.role) }
        try model.adapt(
            chosen.map { ($0.role, $0.map, nil) }, with: adapter, fingerprints: fingerprints,
            from: ParameterSource(initializing: .float32, seed: seed))
        return model
    }
}

extension FineTunedModel {
    /// The adapter; nil if the model itself is fine-tuned.
    public var adapter: Adapter? { adaptation?.adapter }

    /// Whether the adapter is merged into the weights.
    public var isMerged: Bool { lock.reading { adaptation?.unmerged != nil } }

    /// Whether an adapter takes part in the computation beside the weights.
    var hasActiveAdapter: Bool {
        stages.contains { $0.linearMaps.contains { $0.map.adapter != nil } }
    }

    /// Puts the adapter into the weights: answers stay the same but for rounding, and take no longer
    /// than without it, which shows when single texts are asked for. What is merged cannot be trained.
    /// Merging twice does nothing.
    ///
    /// - Throws: ``AdapterError/noAdapter``.
    public func mergeAdapter() throws(AdapterError) {
        guard let adaptation else { throw .noAdapter }
        lock.writing {
            guard adaptation.unmerged == nil else { return }
            adaptation.unmerged = adaptation.places.map {
                ($0.map.weight.value, $0.map.bias?.value)
            }
            for place in adaptation.places {
                let (weight, bias) = (place.map.weight, place.map.bias)
                let merged = place.adapter.merged(weight: weight.value, bias: bias?.value)
                weight.value = merged.weight
                if let bias, let value = merged.bias { bias.value = value }
                place.map.adapter = nil
            }
        }
    }

    /// Takes a merged adapter out of the weights again. They become exactly what they were, since
    /// they were kept.
    ///
    /// - Throws: ``AdapterError/noAdapter``.
    public func unmergeAdapter() throws(AdapterError) {
        guard let adaptation else { throw .noAdapter }
        lock.writing {
            guard let originals = adaptation.unmerged else { return }
            for (place, original) in zip(adaptation.places, originals) {
                place.map.weight.value = original.weight
                if let value = original.bias { place.map.bias?.value = value }
                place.map.adapter = place.adapter
            }
            adaptation.unmerged = nil
        }
    }

    // MARK: Putting an adapter on

    /// The maps that an adapter can be put on. What belongs to the task trains as a whole instead.
    var adaptableMaps: [(role: LinearRole, map: Linear)] {
        stages.flatMap(\.linearMaps).filter { !belongsToTask($0.map.weight) }
    }

    /// Whether a parameter of the stages belongs to the task as the head does: it has no pretrained
    /// value, or PEFT counts it as a part of the head, by the end of a module's name.
    func belongsToTask(_ parameter: Parameter) -> Bool {
        if initializedPaths.contains(parameter.path) { return true }
        let components = architecture.savedName(of: parameter.path).split(separator: ".")
        return components.dropLast().contains { $0.hasSuffix("classifier") }
    }

    /// The parameters of the stages that are the base's.
    var baseParameters: [Parameter] {
        stages.flatMap(\.parameters).filter { !$0.kind.isAdapter && !belongsToTask($0) }
    }

    /// Makes an adapter for each place. The model must not have been trained.
    ///
    /// - Parameters:
    ///   - places: The maps; for (IA)³, whether the input is scaled, where that is not a matter of
    ///     the role.
    ///   - adapter: The kind.
    ///   - fingerprints: The backbone's.
    ///   - trained: The paths of other parameters of the stages that belong to the task.
    ///   - source: Where the adapter's parameters come from.
    /// - Throws: ``AdapterError/noLayers(_:)`` without a place, and what making an adapter throws.
    func adapt(
        _ places: [(role: LinearRole, map: Linear, scalesInput: Bool?)], with adapter: Adapter,
        fingerprints: WeightFingerprints, alsoTrained trained: Set<String> = [],
        from source: ParameterSource
    ) throws {
        guard !places.isEmpty else {
            throw AdapterError.noLayers(adapter.layers.map(\.rawValue).sorted().description)
        }
        let parameters = stages.flatMap(\.parameters)
        let made = try places.map { place in
            Adaptation.Place(
                role: place.role, map: place.map,
                adapter: try adapter.makeLinearAdapter(
                    for: place.map, role: place.role, scalesInput: place.scalesInput, from: source))
        }
        adaptation = Adaptation(
            adapter: adapter, places: made, base: baseParameters,
            taskParameters: parameters.filter {
                belongsToTask($0) || trained.contains($0.path)
            }, fingerprints: fingerprints)
        for place in made { place.map.adapter = place.adapter }
    }
}
