public import Checkpoint
public import Layers
public import Tensor

/// A network for images with the weights of its publisher, or with none.
public struct ImageArchitecture: Architecture {
    /// The network.
    public let network: ImageNetwork
    /// The content of the folder's `config.json`, or one that describes the network.
    public let publishedConfiguration: JSON.Object
    /// The weights, under the names of the network's layers; nil begins at random.
    private let tensors: (any NamedTensors)?
    /// What stands before the backbone's names in what Transformers saves.
    private let prefix: String
    /// From Transformers' names to those of the layers, where they differ.
    private let names: KeyMap?
    private let dropoutRate: Double
    private let seed: UInt64

    /// What a folder's `config.json` describes.
    ///
    /// - Parameters:
    ///   - folder: In the layout of Hugging Face.
    ///   - dropoutRate: That before a classifier; by default the publisher's.
    /// - Throws: ``PretrainedFolderError`` if it is of another kind, ``ModelError`` for a rate outside
    ///   `0 ..< 1`.
    public init(_ folder: PretrainedFolder, dropoutRate: Double? = nil) throws {
        let network = try folder.imageNetwork()
        let published = try Self.publishedDropout(of: folder)
        try self.init(
            network, tensors: folder.tensors, type: folder.configuration["model_type"]?.string,
            configuration: folder.configuration.object ?? [:],
            dropoutRate: dropoutRate ?? published ?? network.classifierDropout)
    }

    /// timm's setting; nil if there is none.
    private static func publishedDropout(
        of folder: PretrainedFolder
    ) throws(PretrainedFolderError) -> Double? {
        guard let value = folder.configuration["model_args"]?["drop_rate"], !value.isNull else {
            return nil
        }
        guard let rate = value.double, rates.contains(rate) else {
            throw .unusableSetting(
                folder.path, key: "model_args.drop_rate", expected: "a rate from 0 to less than 1",
                found: value.serialized())
        }
        return rate
    }

    private static let rates = 0.0..<1.0

    /// A network whose weights lie in a file of their own.
    ///
    /// - Parameters:
    ///   - network: The network; whose names the weights have, and the sizes of a vision transformer,
    ///     are taken from the file.
    ///   - tensors: The weights.
    ///   - dropoutRate: That before a classifier; by default the publisher's.
    /// - Throws: ``PretrainedFolderError`` if they are of another kind, ``ModelError`` for a rate
    ///   outside `0 ..< 1`.
    public init(
        _ network: ImageNetwork, tensors: any NamedTensors, dropoutRate: Double? = nil
    ) throws {
        let fitting = try network.fitting(tensors)
        let configuration = fitting.configuration
        try self.init(
            fitting, tensors: tensors, type: configuration["model_type"]?.string,
            configuration: configuration, dropoutRate: dropoutRate ?? fitting.classifierDropout)
    }

    /// A network that begins at random: training from scratch.
    ///
    /// - Parameters:
    ///   - network: The network.
    ///   - seed: Decides the weights.
    ///   - dropoutRate: That before a classifier; by default the publisher's.
    /// - Throws: ``ModelError`` for a rate outside `0 ..< 1`.
    public init(
        initializing network: ImageNetwork, seed: UInt64, dropoutRate: Double? = nil
    ) throws {
        (self.network, publishedConfiguration) = (network, network.configuration)
        (tensors, names, self.seed) = (nil, nil, seed)
        prefix = publishedConfiguration["model_type"]?.string.map { $0 + "." } ?? ""
        self.dropoutRate = try Self.checked(dropoutRate ?? network.classifierDropout)
    }

    private static func checked(_ rate: Double) throws(ModelError) -> Double {
        guard rates.contains(rate) else { throw .dropoutRate(rate) }
        return rate
    }

    private init(
        _ network: ImageNetwork, tensors: any NamedTensors, type: String?,
        configuration: JSON.Object, dropoutRate: Double
    ) throws {
        (self.network, publishedConfiguration) = (network, configuration)
        (self.dropoutRate, seed) = (try Self.checked(dropoutRate), 0)
        prefix = type.map { $0 + "." } ?? ""
        guard case .resNet = network, type == "resnet" else {
            (self.tensors, names) = (tensors, nil)
            return
        }
        // A base model's names have no prefix.
        let found = BackboneTensors(tensors, prefix: prefix).prefix
        self.tensors = try RenamedTensors(tensors, by: ResNetNames.map(prefix: found))
        names = try ResNetNames.map(prefix: prefix)
    }

    /// The momentum of normalisations, which stands in no file.
    public var chosenSettings: JSON {
        guard case .efficientNetLite(let network) = network else { return .null }
        return ["momentum": JSON(network.momentum)]
    }

    /// The width of the features.
    public var featureSize: Int { network.featureSize }

    /// The publisher's.
    public func headDropout(for pooling: Pooling) -> Double { dropoutRate }

    /// The publisher's.
    public func headPath(for pooling: Pooling) -> String {
        names == nil ? network.classifierPath : "classifier.1"
    }

    /// Builds the stages.
    public func makeStages(
        _ pooling: Pooling, seed: UInt64, sharing shared: [String: Tensor]
    ) throws -> (stages: [any Stage], report: LoadReport) {
        guard pooling == .pooler else { throw ModelError.imagePooling(pooling) }
        guard let tensors else {
            let none = BackboneTensors(NoTensors(), prefix: "")
            let source = ParameterSource(SharedTensors(shared, else: none), seed: self.seed)
            let stages = try network.stages(from: source.initializingMissing)
            return (stages, LoadReport(loaded: [], missing: source.initializedPaths, names: []))
        }
        let stored = BackboneTensors(tensors, prefix: names == nil ? prefix : "")
        let source = ParameterSource(SharedTensors(shared, else: stored), seed: seed)
        let stages = try network.stages(from: source)
        let loaded = source.parameters.compactMap { stored.storedName($0.path) }
        return (stages, LoadReport(loaded: loaded, missing: [], names: tensors.names))
    }

    /// The backbone's names after Transformers' prefix, if it is one of its models; the classifier's
    /// without.
    public func savedName(of path: String) -> String {
        guard !path.utf8.starts(with: (headPath(for: .pooler) + ".").utf8) else { return path }
        guard let names else { return prefix + path }
        return (try? names.backward(path)) ?? path
    }

    /// Such as `ViTForImageClassification`; nil for what Transformers does not load.
    public func savedKind(for pooling: Pooling) -> String? {
        let families = ["vit.": "ViT", "deit.": "DeiT", "resnet.": "ResNet"]
        return families[prefix].map { $0 + "ForImageClassification" }
    }

    /// timm's number of classes and their names.
    public func savedEntries(labels: [String]?) -> [(String, JSON)] {
        guard prefix.isEmpty, let labels else { return [] }
        return [
            ("num_classes", JSON(labels.count)),
            ("label_names", .array(labels.map { JSON($0) })),
        ]
    }
}

/// No tensors at all.
private struct NoTensors: NamedTensors {
    let path = ""
    let names: [String] = []
    func shape(of name: String) -> Tensor.Shape? { nil }
    func dtype(of name: String) -> Tensor.DType? { nil }
    func tensor(named name: String) throws -> Tensor? { nil }
}
