public import Checkpoint
public import Layers
public import Tensor

/// How a backbone is built from a pretrained folder, and saved under its publisher's names.
public protocol Architecture: Sendable {
    /// The content of the pretrained model's `config.json`.
    var publishedConfiguration: JSON.Object { get }
    /// The width of the features that a head gets.
    var featureSize: Int { get }
    /// The dropout before a classifier of what this pooling gives.
    func headDropout(for pooling: Pooling) -> Double
    /// Where the publisher puts the last linear map of a classifier of what this pooling gives.
    func headPath(for pooling: Pooling) -> String

    /// Builds the stages, each parameter loaded or, where the publisher leaves it to fine-tuning,
    /// initialised.
    ///
    /// - Parameters:
    ///   - pooling: What the last stage does.
    ///   - seed: For parameters that begin at random.
    ///   - shared: Weights that are loaded already, by path; others come from the folder.
    /// - Returns: The stages from the bottom to the top, and what became of the folder's tensors.
    /// - Throws: ``ParameterError`` if the weights do not fit.
    func makeStages(_ pooling: Pooling, seed: UInt64, sharing shared: [String: Tensor]) throws -> (
        stages: [any Stage], report: LoadReport
    )

    /// The name under which a classification model of the publisher keeps a parameter.
    func savedName(of path: String) -> String

    /// What a classification model of the publisher holds for these values of parameters, by path: by
    /// default each under its ``savedName(of:)``.
    func savedTensors(
        _ values: [(path: String, value: Tensor)]
    ) -> [(name: String, tensor: Tensor)]

    /// The name of the publisher's classification model with this pooling, for `config.json`; nil if
    /// it has none.
    func savedKind(for pooling: Pooling) -> String?

    /// What a model with these labels, if its head has any, has in `config.json` besides the head's
    /// own entries; nothing by default.
    func savedEntries(labels: [String]?) -> [(String, JSON)]

    /// What was chosen beside ``publishedConfiguration``, for snapshots: a run does not go on with another
    /// one. Null by default.
    var chosenSettings: JSON { get }
}

extension Architecture {
    /// Each under its name.
    public func savedTensors(
        _ values: [(path: String, value: Tensor)]
    ) -> [(name: String, tensor: Tensor)] {
        values.map { (savedName(of: $0.path), $0.value) }
    }

    /// Nothing.
    public func savedEntries(labels: [String]?) -> [(String, JSON)] { [] }

    /// Null.
    public var chosenSettings: JSON { .null }
}

/// An encoder of the BERT family with a pooler.
public struct TextArchitecture: Architecture {
    /// Where the pretrained weights are.
    public let folder: PretrainedFolder
    /// Sizes and settings.
    public let configuration: TransformerConfiguration
    /// The dropout before a classifier of texts, and inside RoBERTa's.
    private let textDropout: Double
    /// The dropout before a classifier of words.
    private let wordDropout: Double

    /// The architecture that a folder's `config.json` describes.
    ///
    /// - Throws: ``PretrainedFolderError`` if it is of another kind.
    public init(_ folder: PretrainedFolder) throws {
        self.folder = folder
        configuration = try folder.transformerConfiguration()
        textDropout = try folder.classifierDropout()
        wordDropout = try folder.wordClassifierDropout()
    }

    /// The content of the folder's `config.json`.
    public var publishedConfiguration: JSON.Object { folder.configuration.object ?? [:] }

    /// The width of the encoder.
    public var featureSize: Int { configuration.width }

    /// What the configuration says for classifiers of texts, or of words.
    public func headDropout(for pooling: Pooling) -> Double {
        pooling == .tokens ? wordDropout : textDropout
    }

    /// `classifier`, or `classifier.out_proj` in RoBERTa's classifier of texts.
    public func headPath(for pooling: Pooling) -> String {
        configuration.family == .roberta && pooling != .tokens
            ? "classifier.out_proj" : "classifier"
    }

    /// Builds embeddings, layers and pooler.
    public func makeStages(
        _ pooling: Pooling, seed: UInt64, sharing shared: [String: Tensor]
    ) throws -> (stages: [any Stage], report: LoadReport) {
        let tensors = BackboneTensors(folder.tensors, prefix: prefix)
        let source = ParameterSource(SharedTensors(shared, else: tensors), seed: seed)
        let stages =
            try configuration.stages(keepsFirstTokens: pooling.readsFirstTokens, from: source)
            + [pooler(pooling, from: source)]
        let initialized = Set(source.initializedPaths)
        let loaded = source.parameters.map(\.path).filter { !initialized.contains($0) }
        let report = LoadReport(
            loaded: loaded.compactMap { tensors.storedName($0) },
            missing: source.initializedPaths, names: folder.tensors.names)
        return (stages, report)
    }

    /// Transformers' classification models differ in what stands between the encoder and the last
    /// linear map; base models without it get it initialised, as there.
    private func pooler(_ pooling: Pooling, from source: ParameterSource) throws -> Pooler {
        guard pooling == .pooler else { return Pooler(pooling) }
        let (width, fresh) = (configuration.width, source.initializingMissing)
        return switch configuration.family {
        case .bert:
            try Pooler(width: width, activation: .tanh, from: fresh["pooler.dense"])
        case .roberta:
            try Pooler(
                width: width, activation: .tanh, dropoutRate: textDropout,
                from: fresh["classifier.dense"])
        case .distilBERT:
            try Pooler(width: width, activation: .relu, from: fresh["pre_classifier"])
        }
    }

    private var prefix: String { configuration.family.rawValue + "." }

    /// The backbone's names after the family's prefix, the classifier's without.
    public func savedName(of path: String) -> String {
        path.hasPrefix("classifier") || path.hasPrefix("pre_classifier") ? path : prefix + path
    }

    /// Such as `BertForSequenceClassification`.
    public func savedKind(for pooling: Pooling) -> String? {
        let family =
            switch configuration.family {
            case .bert: "Bert"
            case .distilBERT: "DistilBert"
            case .roberta: "Roberta"
            }
        return switch pooling {
        case .pooler: family + "ForSequenceClassification"
        case .tokens: family + "ForTokenClassification"
        case .mean, .firstToken: nil
        }
    }
}

/// Tensors that are in memory or mapped already, and a checkpoint for all others: models of one
/// backbone share what was converted for it.
struct SharedTensors: ParameterProvider {
    let shared: [String: Tensor]
    let checkpoint: BackboneTensors

    init(_ shared: [String: Tensor], else checkpoint: BackboneTensors) {
        (self.shared, self.checkpoint) = (shared, checkpoint)
    }

    func tensor(named name: String) throws -> Tensor? {
        try shared[name] ?? checkpoint.tensor(named: name)
    }

    func nearestName(to name: String) -> String? { checkpoint.nearestName(to: name) }
}
