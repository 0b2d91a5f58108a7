import Checkpoint
import Layers
import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A text classifier: what `backbone.attaching(ClassificationHead(…))` makes.
public typealias TextClassifier = FineTunedModel<TextPreparation, ClassificationHead>
/// A text model that gives any number of labels.
public typealias TextTagger = FineTunedModel<TextPreparation, MultiLabelHead>
/// A model that gives a tag to each word.
public typealias WordTagger = FineTunedModel<WordPreparation, TokenClassificationHead>
/// A text model that gives a number.
public typealias TextScorer = FineTunedModel<TextPreparation, RegressionHead>

extension FineTunedModel {
    /// Saves the model into a folder that Transformers loads too: `config.json`,
    /// `model.safetensors` and the tokenizer's files.
    ///
    /// An adapter is merged into the weights that are saved: the folder needs neither the adapter nor
    /// the base. See ``saveAdapter(to:)`` for the adapter alone.
    ///
    /// The files take the place of an earlier model's when the disk has all of them. An interrupted call
    /// never leaves the weights of one model with the labels of another: the folder is that of before,
    /// or for the moment of the renaming one that is refused, without `config.json`. What was written until
    /// then is in a folder `.saving-…` in it. The folder that this model was opened from may be given. Of
    /// files that are not the model's, only those of another tokenizer go.
    ///
    /// With a pooling other than ``Pooling/pooler``, Transformers would pool in its own way and answer
    /// differently.
    ///
    /// - Parameter path: The folder; it is made if it is missing.
    /// - Throws: ``ModelError`` if the folder cannot be written, ``SafetensorsError``, `FileError`.
    public func save(to path: String) throws {
        try save(to: path) { _ in }
    }

    /// Saves the model with further files, which are written into the folder that is passed on.
    func save(to path: String, with writeOthers: (_ folder: String) throws -> Void) throws {
        try makeFolder(path)
        let files = try StagedFiles(in: path)
        try preparation.save(to: files.path)
        try SafetensorsFile.write(
            savedTensors, metadata: ["format": "pt"], to: "\(files.path)/model.safetensors")
        try AtomicFile.write(
            JSON.object(savedConfiguration).serialized(pretty: true) + "\n",
            to: "\(files.path)/config.json")
        try writeOthers(files.path)
        try files.commit(last: "config.json", alternatives: TextPreparation.fileNames)
    }

    private var savedTensors: [(name: String, tensor: Tensor)] {
        architecture.savedTensors(mergedValues.map { ($0.parameter.path, $0.value) })
    }

    /// The values of all parameters, with the adapter's part in them instead of its own parameters.
    var mergedValues: [(parameter: Parameter, value: Tensor)] {
        lock.reading {
            var merged: [ObjectIdentifier: Tensor] = [:]
            for place in stages.flatMap(\.linearMaps) {
                guard let adapter = place.map.adapter else { continue }
                let (weight, bias) = (place.map.weight, place.map.bias)
                let values = adapter.merged(weight: weight.value, bias: bias?.value)
                merged[ObjectIdentifier(weight)] = values.weight
                if let bias { merged[ObjectIdentifier(bias)] = values.bias }
            }
            return parameters.filter { !$0.kind.isAdapter }.map {
                ($0, merged[ObjectIdentifier($0)] ?? $0.value)
            }
        }
    }

    /// The pretrained model's configuration with the head's entries, and ours under a key of its own.
    private var savedConfiguration: JSON.Object {
        var object = architecture.publishedConfiguration
        // Transformers' classification models know no other pooling: they must not take this for one.
        let kind = architecture.savedKind(for: pooling)
        if let kind { object["architectures"] = [JSON(kind)] }
        // Whatever the checkpoint's type was, weights are saved as they are computed with.
        for key in ["dtype", "torch_dtype"] where object[key] != nil { object[key] = "float32" }
        // The labels say how many there are; an older number would contradict them.
        object["num_labels"] = nil
        for (key, value) in head.configuration { object[key] = value }
        let labels = try? ClassLabels(configuration: .object(object)).names
        for (key, value) in architecture.savedEntries(labels: labels) { object[key] = value }
        for (key, value) in preparation.savedEntries(besides: object) { object[key] = value }
        var own: JSON.Object = ["version": 1, "pooling": JSON(pooling.rawValue)]
        for (key, value) in preparation.configuration { own[key] = value }
        object["swift_finetune"] = .object(own)
        return object
    }

    func makeFolder(_ path: String) throws {
        do throws(FileError) {
            try AtomicFile.makeFolder(path)
        } catch {
            throw ModelError.unwritableFolder(error)
        }
        // The slash makes a file in the folder's place an error.
        guard access(path + "/", W_OK) == 0 else {
            throw ModelError.unwritableFolder(
                FileError(operation: "write into", path: path, code: errno))
        }
    }
}

extension FineTunedModel where P == TextPreparation {
    /// A model that was saved here, or by Transformers as a `…ForSequenceClassification`.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - maximumLength: The most tokens of one text; see
    ///     ``TextPreparation/init(_:configuration:maximumLength:)``.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``, ``HeadError``,
    ///   ``TokenizerError``: what is missing or does not fit.
    public convenience init(contentsOf path: String, maximumLength: Int? = nil) throws {
        try self.init(path, maximumLength: maximumLength) { $0 }
    }
}

extension FineTunedModel where P == WordPreparation {
    /// A model of words that was saved here, or by Transformers as a `…ForTokenClassification`.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - maximumLength: The most tokens of one text; see
    ///     ``TextPreparation/init(_:configuration:maximumLength:)``.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``, ``HeadError``,
    ///   ``TokenizerError``: what is missing or does not fit.
    public convenience init(contentsOf path: String, maximumLength: Int? = nil) throws {
        try self.init(path, maximumLength: maximumLength, WordPreparation.init)
    }
}

extension FineTunedModel where P == TextPairPreparation {
    /// A model of pairs that was saved here, or by Transformers as a `…ForSequenceClassification`.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - maximumLength: The most tokens of one pair.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``, ``HeadError``,
    ///   ``TokenizerError``: what is missing or does not fit.
    public convenience init(contentsOf path: String, maximumLength: Int? = nil) throws {
        try self.init(path, maximumLength: maximumLength, TextPairPreparation.init)
    }
}

extension FineTunedModel where P == TextGroupPreparation {
    /// A model of groups of texts that was saved here.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - maximumLength: The most tokens of one text.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``, ``HeadError``,
    ///   ``TokenizerError``: what is missing or does not fit.
    public convenience init(contentsOf path: String, maximumLength: Int? = nil) throws {
        try self.init(path, maximumLength: maximumLength, TextGroupPreparation.init)
    }
}

extension FineTunedModel {
    /// The model in a folder, whose inputs are prepared by what `preparing` makes of the preparation
    /// of texts.
    fileprivate convenience init(
        _ path: String, maximumLength: Int?, _ preparing: (TextPreparation) throws -> P
    ) throws {
        let folder = try PretrainedFolder(path: path)
        let architecture = try TextArchitecture(folder)
        let configuration = folder.configuration
        let name = configuration["swift_finetune"]?["pooling"]?.string
        let head = try H(configuration: configuration)
        guard let pooling = name.map(Pooling.init(rawValue:)) ?? head.rowKind.pooling else {
            throw ModelError.noHead(path, reason: "its pooling '\(name ?? "")' is not known")
        }
        let headPath = architecture.headPath(for: pooling)
        let preparation = try TextPreparation(
            folder, configuration: architecture.configuration, maximumLength: maximumLength)
        do {
            try self.init(
                preparation: preparing(preparation), architecture: architecture, pooling: pooling,
                head: head, headSource: ParameterSource(folder.tensors), seed: 0)
        } catch ParameterError.missing(let name, _) where name.hasPrefix(headPath + ".") {
            throw ModelError.noHead(path, reason: "its weights have no '\(name)'")
        }
        guard initializedStages.isEmpty else {
            throw ModelError.noHead(path, reason: "its weights have no pooler")
        }
    }
}
