import Checkpoint
import Layers
import Tensor

extension FineTunedModel {
    /// Saves the adapter and the head into a folder that PEFT 0.21 loads too: `adapter_config.json`
    /// and `adapter_model.safetensors`.
    ///
    /// The second file also says which labels the head has, and holds fingerprints of the base's
    /// weights and of the tokenizer, which are checked when the adapter is loaded. A PiSSA adapter
    /// becomes a LoRA of twice the rank, so that the base stays as its publisher made it. With a
    /// pooling other than ``Pooling/pooler``, PEFT would pool in its own way and answer differently.
    ///
    /// Each file appears whole or not at all.
    ///
    /// - Parameter path: The folder; it is made if it is missing.
    /// - Throws: ``AdapterError`` if there is no adapter, it is merged, or pretrained weights were
    ///   trained too; ``ModelError`` if the folder cannot be written; ``SafetensorsError``,
    ///   `FileError`.
    public func saveAdapter(to path: String) throws {
        guard let adaptation else { throw AdapterError.noAdapter }
        let (tensors, changed, isMerged) = lock.reading {
            (
                adapterTensors(adaptation), adaptation.changedPaths, adaptation.unmerged != nil
            )
        }
        guard !isMerged else { throw AdapterError.isMerged }
        guard changed.isEmpty else { throw AdapterError.changedBase(changed) }
        try makeFolder(path)
        try SafetensorsFile.write(
            tensors,
            metadata: [
                "format": "pt",
                AdapterRecord.key: JSON(
                    AdapterRecord.text(of: self, base: adaptation.baseFingerprint)),
            ], to: "\(path)/\(AdapterFolder.tensorsName)")
        try AtomicFile.write(
            peftSettings(adaptation).json.serialized(pretty: true) + "\n",
            to: "\(path)/\(AdapterFolder.settingsName)")
    }

    /// The name of a parameter in an adapter's file.
    func adapterName(of path: String) -> String {
        AdapterFolder.prefix + architecture.savedName(of: path)
    }

    private func adapterTensors(_ adaptation: Adaptation) -> [(name: String, tensor: Tensor)] {
        var tensors: [(name: String, tensor: Tensor)] = []
        for place in adaptation.places {
            for parameter in place.adapter.parameters {
                tensors.append((adapterName(of: parameter.path), parameter.value))
            }
            guard let lowRank = place.adapter as? LowRankAdapter else { continue }
            let plain = lowRank.plainFactors
            tensors.removeLast(lowRank.parameters.count)
            tensors.append((adapterName(of: lowRank.down.path), plain.down))
            tensors.append((adapterName(of: lowRank.up.path), plain.up))
            if let magnitude = lowRank.magnitude {
                tensors.append((adapterName(of: magnitude.path), magnitude.value))
            }
        }
        return tensors + taskParameters.map { (adapterName(of: $0.path), $0.value) }
    }

    private func peftSettings(_ adaptation: Adaptation) -> PEFTSettings {
        var adapter = adaptation.adapter
        if adapter.method == .piSSA {
            // Twice the rank and twice alpha: the scale stays.
            adapter = Adapter(
                method: .lora, rank: 2 * adapter.rank, alpha: 2 * adapter.alpha,
                dropoutRate: adapter.dropoutRate, layers: adapter.layers)
        }
        let scaled = adaptation.places.filter {
            ($0.adapter as? ScalingAdapter)?.scalesInput == true
        }
        let name = architecture.folder.configuration["_name_or_path"]?.string
        return PEFTSettings(
            adapter, targets: moduleNames(adaptation.places.map(\.map.path)),
            feedForwardModules: scaled.map { architecture.savedName(of: $0.map.path) },
            savedModules: savedModules, baseName: name.flatMap { $0.isEmpty ? nil : $0 })
    }

    /// The modules' names: short ones, such as `attention.self.query` for those of all layers, if they
    /// mean these and no other, else whole ones.
    private func moduleNames(_ paths: [String]) -> [String] {
        let whole = paths.map { architecture.savedName(of: $0) }
        // For (IA)³, the names of scaled inputs must be among these.
        guard adapter?.method != .ia3 else { return whole }
        var short: [String] = []
        for name in whole {
            let parts = name.split(separator: ".")
            guard let layer = parts.lastIndex(where: { Int($0) != nil }) else { return whole }
            let rest = parts[(layer + 1)...].joined(separator: ".")
            if !short.contains(rest) { short.append(rest) }
        }
        let all = stages.flatMap(\.linearMaps).map { architecture.savedName(of: $0.map.path) }
        let meant = all.filter { PEFTSettings.matches($0, short) }
        return Set(meant) == Set(whole) ? short : whole
    }

    /// The modules that are saved whole: the head's, and the first after the backbone's prefix of
    /// everything else that belongs to the task.
    private var savedModules: [String] {
        let head = String(architecture.headPath(for: pooling).prefix { $0 != "." })
        var modules = [head]
        for parameter in adaptation?.taskParameters ?? [] {
            let name = String(parameter.path.prefix { $0 != "." })
            if !modules.contains(name) { modules.append(name) }
        }
        return modules
    }
}

extension FineTunedModel where P == TextPreparation {
    /// A model with an adapter that was saved here or by PEFT 0.21, as LoRA, rsLoRA, DoRA, PiSSA or
    /// (IA)³ of a `…ForSequenceClassification`.
    ///
    /// It shares the backbone's weights. What was saved here brings its head, and the base and the
    /// tokenizer must be those that it was trained with. PEFT's files say nothing of either: give the
    /// head, and take care to give the right base.
    ///
    /// - Parameters:
    ///   - path: The folder with `adapter_config.json` and `adapter_model.safetensors`.
    ///   - backbone: The base.
    ///   - head: The task; by default what the folder says.
    ///   - pooling: By default what the folder says, else ``Pooling/pooler``, as in Transformers.
    /// - Throws: ``AdapterFolderError`` and ``AdapterError``, which say what is missing or does not
    ///   fit; ``HeadError`` for labels that cannot be used.
    public convenience init(
        adapter path: String, on backbone: PretrainedModel<TextPreparation>, head: H? = nil,
        pooling: Pooling? = nil
    ) throws {
        let folder = try AdapterFolder(path: path)
        let record = try AdapterRecord(folder)
        if record == nil, head == nil {
            throw AdapterError.noHead(path, reason: "PEFT has written it, which keeps no labels")
        }
        let saved = try record.map { try H(configuration: $0.head) }
        guard let head = head ?? saved else {
            throw AdapterError.noHead(path, reason: "it has no record of one")
        }
        let preparation = backbone.preparation
        try self.init(
            preparation: record?.maximumLength.map { preparation.limited(to: $0) } ?? preparation,
            architecture: backbone.architecture,
            pooling: pooling ?? record?.pooling ?? .pooler, head: head,
            headSource: ParameterSource(initializing: .float32, seed: 0), seed: 0,
            sharing: backbone.weights)
        if let record, headDescription != record.head { throw AdapterError.otherHead(path) }
        try load(folder, record: record, fingerprints: backbone.fingerprints)
    }

    private func load(
        _ folder: AdapterFolder, record: AdapterRecord?, fingerprints: WeightFingerprints
    ) throws {
        let places = self.places(of: folder)
        let inFile = Set(folder.tensors.names)
        let others = stages.flatMap(\.parameters).filter {
            inFile.contains(adapterName(of: $0.path))
        }
        try adapt(
            places, with: folder.settings.adapter(on: Set(places.map(\.role))),
            fingerprints: fingerprints, alsoTrained: Set(others.map(\.path)),
            from: ParameterSource(initializing: .float32, seed: 0))
        guard let adaptation else { return }
        if let record {
            let (base, tokenizer) = (
                adaptation.baseFingerprint.description, preparation.fingerprint.description
            )
            guard record.tokenizer == tokenizer else {
                throw AdapterError.otherTokenizer(
                    folder.path, expected: record.tokenizer, found: tokenizer)
            }
            guard record.base == base else {
                throw AdapterError.otherBase(folder.path, expected: record.base, found: base)
            }
        }
        try fill(adaptation.places.flatMap(\.adapter.parameters) + taskParameters, from: folder)
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

    /// Gives the parameters the file's values. The file must have all of them, each of its shape, and
    /// nothing else.
    private func fill(_ parameters: [Parameter], from folder: AdapterFolder) throws {
        let file = folder.tensors
        let names = parameters.map { adapterName(of: $0.path) }
        let missing = names.filter { file.shape(of: $0) == nil }
        guard missing.isEmpty else {
            throw AdapterError.missingTensors(file.path, names: missing)
        }
        let known = Set(names)
        let unexpected = file.names.filter { !known.contains($0) }
        guard unexpected.isEmpty else {
            throw AdapterError.unexpectedTensors(file.path, names: unexpected)
        }
        for (parameter, name) in zip(parameters, names) {
            guard let tensor = try file.tensor(named: name) else { continue }
            guard tensor.shape == parameter.value.shape else {
                throw AdapterError.shapeMismatch(
                    file.path, name: name, expected: parameter.value.shape.sizes,
                    found: tensor.shape.sizes)
            }
            guard tensor.dtype.isFloatingPoint else {
                throw AdapterError.unsuitableType(
                    file.path, name: name, found: tensor.dtype.rawValue)
            }
            parameter.value = tensor.converted(to: .float32)
        }
    }
}
