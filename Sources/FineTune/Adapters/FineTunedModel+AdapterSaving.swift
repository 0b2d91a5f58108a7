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
    /// The files take the place of an earlier adapter's when the disk has both: see ``save(to:)``.
    ///
    /// - Parameters:
    ///   - path: The folder; it is made if it is missing.
    ///   - baseName: Where PEFT finds the base if it is to load that too, such as its name on the
    ///     Hugging Face hub. Nothing here reads it.
    /// - Throws: ``AdapterError`` if there is no adapter, it is merged, or pretrained weights were
    ///   trained too; ``ModelError`` if the folder cannot be written; ``SafetensorsError``,
    ///   `FileError`.
    public func saveAdapter(to path: String, baseName: String? = nil) throws {
        guard let adaptation else { throw AdapterError.noAdapter }
        let (tensors, changed, isMerged) = lock.reading {
            (adapterTensors(adaptation), adaptation.changedPaths, adaptation.unmerged != nil)
        }
        guard !isMerged else { throw AdapterError.isMerged }
        guard changed.isEmpty else { throw AdapterError.changedBase(changed) }
        try makeFolder(path)
        let files = try StagedFiles(in: path)
        try SafetensorsFile.write(
            tensors,
            metadata: [
                "format": "pt",
                AdapterRecord.key: JSON(
                    AdapterRecord.text(of: self, base: adaptation.baseFingerprint)),
            ], to: "\(files.path)/\(AdapterFolder.tensorsName)")
        try AtomicFile.write(
            peftSettings(adaptation, baseName: baseName).json.serialized(pretty: true) + "\n",
            to: "\(files.path)/\(AdapterFolder.settingsName)")
        try files.commit(last: AdapterFolder.settingsName)
    }

    /// The name of a parameter in an adapter's file.
    func adapterName(of path: String) -> String {
        AdapterFolder.prefix + architecture.savedName(of: path)
    }

    private func adapterTensors(_ adaptation: Adaptation) -> [(name: String, tensor: Tensor)] {
        let saved = adaptation.places.flatMap(\.adapter.savedTensors)
        let task = taskParameters.map { (path: $0.path, tensor: $0.value) }
        return (saved + task).map { (adapterName(of: $0.path), $0.tensor) }
    }

    private func peftSettings(_ adaptation: Adaptation, baseName: String?) -> PEFTSettings {
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
        return PEFTSettings(
            adapter, task: pooling == .tokens ? .tokenClassification : .sequenceClassification,
            targets: moduleNames(adaptation.places.map(\.map.path)),
            feedForwardModules: scaled.map { architecture.savedName(of: $0.map.path) },
            savedModules: savedModules, baseName: baseName)
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
