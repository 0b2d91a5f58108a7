import Checkpoint
import Layers
import Tensor

extension FineTunedModel {
    /// A model with an adapter that was saved here or by PEFT 0.21, as LoRA, rsLoRA, DoRA, PiSSA or
    /// (IA)³ of a `…ForSequenceClassification` or, on words, of a `…ForTokenClassification`.
    ///
    /// It shares the backbone's weights. What was saved here brings its head, and the base and the
    /// tokenizer must be those that it was trained with. PEFT's files say nothing of either: give the
    /// head, and take care to give the right base.
    ///
    /// - Parameters:
    ///   - path: The folder with `adapter_config.json` and `adapter_model.safetensors`.
    ///   - backbone: The base.
    ///   - head: The task; by default what the folder says.
    ///   - pooling: For a folder of PEFT's, which does not say it; by default as in Transformers.
    /// - Throws: ``AdapterFolderError`` and ``AdapterError``, which say what is missing or does not
    ///   fit; ``HeadError`` for labels that cannot be used.
    public convenience init(
        adapter path: String, on backbone: PretrainedModel<P>, head: H? = nil,
        pooling: Pooling? = nil
    ) throws {
        let folder = try AdapterFolder(path: path)
        let record = try AdapterRecord(folder)
        guard let head = try head ?? record.map({ try H(configuration: $0.head) }) else {
            throw AdapterError.noHead(path, reason: "PEFT has written it, which keeps no labels")
        }
        let preparation = backbone.preparation
        try self.init(
            preparation: record.map { preparation.configured(by: $0.json) } ?? preparation,
            architecture: backbone.architecture,
            pooling: record?.pooling ?? pooling ?? head.rowKind.pooling, head: head,
            headSource: ParameterSource(initializing: .float32, seed: 0), seed: 0,
            sharing: backbone.weights)
        if let record, headDescription != record.head { throw AdapterError.otherHead(path) }
        try load(folder, record: record, fingerprints: backbone.fingerprints)
    }

    /// Puts the folder's adapter on. What does not fit is found before anything is made of it.
    private func load(
        _ folder: AdapterFolder, record: AdapterRecord?, fingerprints: WeightFingerprints
    ) throws {
        if let record { try check(record, of: folder, fingerprints) }
        let places = self.places(of: folder)
        let file = folder.tensors
        let trained = stages.flatMap(\.parameters).filter {
            belongsToTask($0) || file.shape(of: adapterName(of: $0.path)) != nil
        }
        try checkNames(of: file, places: places, settings: folder.settings, others: trained)
        try checkFactors(of: file, places: places, settings: folder.settings)
        try adapt(
            places, with: folder.settings.adapter(on: Set(places.map(\.role))),
            fingerprints: fingerprints, alsoTrained: Set(trained.map(\.path)),
            from: ParameterSource(initializing: .float32, seed: 0))
        let adapted = adaptation?.places.flatMap(\.adapter.parameters) ?? []
        for parameter in adapted + taskParameters { try fill(parameter, from: file) }
    }

    private func check(
        _ record: AdapterRecord, of folder: AdapterFolder, _ fingerprints: WeightFingerprints
    ) throws(AdapterError) {
        let tokenizer = preparation.fingerprint.description
        guard record.tokenizer == tokenizer else {
            throw .otherTokenizer(folder.path, expected: record.tokenizer, found: tokenizer)
        }
        let base = fingerprints.fingerprint(of: baseParameters.map { ($0, $0.value) }).description
        guard record.base == base else {
            throw .otherBase(folder.path, expected: record.base, found: base)
        }
    }

    /// The file must have every tensor of the adapter and the task, and no other.
    private func checkNames(
        of file: SafetensorsFile,
        places: [(role: LinearRole, map: Linear, scalesInput: Bool?)], settings: PEFTSettings,
        others: [Parameter]
    ) throws(AdapterError) {
        let suffixes =
            switch settings.method {
            case .ia3: ["ia3_l"]
            case .doRA: ["lora_A.weight", "lora_B.weight", "lora_magnitude_vector"]
            case .lora, .rsLoRA, .piSSA: ["lora_A.weight", "lora_B.weight"]
            }
        let expected =
            places.flatMap { place in suffixes.map { adapterName(of: "\(place.map.path).\($0)") } }
            + (others + network.parameters).map { adapterName(of: $0.path) }
        let missing = expected.filter { file.shape(of: $0) == nil }
        guard missing.isEmpty else { throw .missingTensors(file.path, names: missing) }
        let known = Set(expected)
        let unexpected = file.names.filter { !known.contains($0) }
        guard unexpected.isEmpty else { throw .unexpectedTensors(file.path, names: unexpected) }
    }

    /// The factors must be of the rank that the settings say and of the sizes of the maps: with another
    /// rank, far more memory might be asked for than the file has numbers.
    private func checkFactors(
        of file: SafetensorsFile,
        places: [(role: LinearRole, map: Linear, scalesInput: Bool?)], settings: PEFTSettings
    ) throws(AdapterError) {
        guard settings.method != .ia3 else { return }
        for place in places {
            let sizes = place.map.weight.value.shape
            let factors = [
                ("lora_A.weight", [settings.rank, sizes[1]]),
                ("lora_B.weight", [sizes[0], settings.rank]),
            ]
            for (factor, expected) in factors {
                let name = adapterName(of: "\(place.map.path).\(factor)")
                let found = file.shape(of: name)?.sizes ?? []
                guard found == expected else {
                    throw .shapeMismatch(file.path, name: name, expected: expected, found: found)
                }
            }
        }
    }

    /// The maps that a folder's adapter is on.
    private func places(
        of folder: AdapterFolder
    ) -> [(role: LinearRole, map: Linear, scalesInput: Bool?)] {
        let settings = folder.settings
        return adaptableMaps.compactMap { place in
            let module = architecture.savedName(of: place.map.path)
            let isMeant =
                switch settings.targets {
                case .names(let names): PEFTSettings.matches(module, names)
                case .allLinear: true
                case .byTensors:
                    folder.tensors.names.contains {
                        $0.hasPrefix(AdapterFolder.prefix + module + ".")
                    }
                }
            guard isMeant else { return nil }
            // PEFT compares the ends of these names without regard to dots.
            let scalesInput = settings.feedForwardModules.contains { module.hasSuffix($0) }
            return (place.role, place.map, scalesInput)
        }
    }

    /// Gives a parameter the file's value.
    private func fill(_ parameter: Parameter, from file: SafetensorsFile) throws {
        let name = adapterName(of: parameter.path)
        guard let tensor = try file.tensor(named: name) else {
            throw AdapterError.missingTensors(file.path, names: [name])
        }
        guard tensor.shape == parameter.value.shape else {
            throw AdapterError.shapeMismatch(
                file.path, name: name, expected: parameter.value.shape.sizes,
                found: tensor.shape.sizes)
        }
        guard tensor.dtype.isFloatingPoint else {
            throw AdapterError.unsuitableType(file.path, name: name, found: tensor.dtype.rawValue)
        }
        parameter.value = tensor.converted(to: .float32)
    }
}
