public import Checkpoint
public import Layers
import Tensor

/// A pretrained backbone with what prepares its inputs: what a model for a task is made from.
///
/// It never changes: every model that is attached to it gets parameters of its own, which share the
/// mapped file until training changes them. It can be used from any number of threads.
public final class PretrainedModel<P: Preparation>: @unchecked Sendable {
    // Unchecked, because stages are classes. These are frozen and never handed out.
    /// What prepares the inputs.
    public let preparation: P
    /// What the backbone is built from.
    public let architecture: any Architecture
    /// What became of the checkpoint's tensors.
    public let loadReport: LoadReport
    /// From the input to the embedding; nobody changes them.
    let stages: [any Stage]
    /// How embeddings are made.
    let pooling: Pooling
    let normalizesEmbeddings: Bool
    /// The fingerprints of its weights, as far as anybody asked for them.
    let fingerprints = WeightFingerprints()

    /// A model of its parts; see `text(contentsOf:)`.
    ///
    /// - Parameters:
    ///   - preparation: What brings inputs into the backbone's form.
    ///   - architecture: What the stages are built from.
    ///   - pooling: How embeddings are made.
    ///   - normalizesEmbeddings: Whether embeddings are scaled to length 1.
    /// - Throws: ``ParameterError`` if the weights do not fit the architecture.
    public init(
        preparation: P, architecture: any Architecture, pooling: Pooling,
        normalizesEmbeddings: Bool
    ) throws {
        self.preparation = preparation
        self.architecture = architecture
        (self.pooling, self.normalizesEmbeddings) = (pooling, normalizesEmbeddings)
        (stages, loadReport) = try architecture.makeStages(pooling, seed: 0, sharing: [:])
    }

    /// Its weights by path, for models to share.
    var weights: [String: Tensor] {
        Dictionary(
            stages.flatMap(\.parameters).map { ($0.path, $0.value) },
            uniquingKeysWith: { first, _ in first })
    }

    /// A model for a task: this backbone with a new head.
    ///
    /// - Parameters:
    ///   - head: The task.
    ///   - pooling: How the features of a text become one vector. By default the publisher's way for
    ///     classification, ``Pooling/pooler``, so that what is saved is a model that Transformers
    ///     knows. ``Pooling/mean`` often serves a frozen sentence-transformers model better. For words
    ///     there is but ``Pooling/tokens``.
    ///   - seed: For parameters that begin at random.
    /// - Returns: A model with weights of its own, all frozen until a ``Trainer`` trains it.
    /// - Throws: ``HeadError`` if the head cannot be used with this backbone.
    public func attaching<H: Head>(
        _ head: H, pooling: Pooling? = nil, seed: UInt64 = 0
    ) throws -> FineTunedModel<P, H> {
        let source = ParameterSource(initializing: .float32, seed: seed)
        return try FineTunedModel(
            preparation: preparation, architecture: architecture,
            pooling: pooling ?? head.rowKind.pooling, head: head, headSource: source,
            seed: seed, sharing: weights)
    }

    /// The embedding of one input.
    public func embed(_ input: P.Input) throws -> [Float] { try embed([input])[0] }

    /// The embeddings of many inputs, in their order.
    ///
    /// - Returns: One vector of the backbone's width for each input; for inputs in words, their vectors
    ///   one after the other.
    public func embed(_ inputs: [P.Input]) throws -> [[Float]] {
        let items = try preparation.prepared(inputs, for: stages)
        let vectors = try forEachBatch(of: items, preparation: preparation) { batch in
            var features = try preparation.loadedBatch(batch)
            for stage in stages { features = stage(features, in: .inference) }
            return preparation.labelledFeatures(features, of: batch).value
        }
        return vectors.map { normalizesEmbeddings ? normalized($0) : $0 }
    }

    private func normalized(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(Double(0)) { $0 + Double($1) * Double($1) }.squareRoot()
        return length > 0 ? vector.map { Float(Double($0) / length) } : vector
    }
}

/// The tokens of a pass without gradients: enough to keep all cores busy, and few enough for its
/// activations to be small beside the weights.
let inferencePassSize = 4096

/// Computes something for each item, in batches of similar size.
///
/// - Parameters:
///   - items: The items.
///   - preparation: What they come from.
///   - compute: From a batch of items to their rows, shape `[rows, width]`.
/// - Returns: The rows of each item one after the other, in the order of the items.
func forEachBatch<P: Preparation>(
    of items: [P.Item], preparation: P, _ compute: ([P.Item]) throws -> Tensor
) rethrows -> [[Float]] {
    guard !items.isEmpty else { return [] }
    let order = BatchOrder(
        sizes: items.map { preparation.size(of: $0) }, limit: .tokens(inferencePassSize), seed: 0)
    return order.restored(
        try order.evaluationBatches.map { batch in
            let result = try compute(batch.map { items[$0] })
            let width = result.shape[result.rank - 1]
            let values = result.converted(to: .float32).elements(as: Float.self)
            var start = 0
            return batch.map { item in
                let end = start + preparation.rowCount(of: items[item]) * width
                defer { start = end }
                return Array(values[start..<end])
            }
        })
}

/// The rows of all items, one after the other, shape `[rows, width]`.
func joined<P: Preparation>(_ rows: [[Float]], of items: [P.Item], preparation: P) -> Tensor {
    let count = items.reduce(0) { $0 + preparation.rowCount(of: $1) }
    let values = rows.flatMap { $0 }
    return Tensor(values, shape: [count, count > 0 ? values.count / count : 0])
}

extension PretrainedModel where P == TextPreparation {
    /// A text model from a folder in the layout of Hugging Face: BERT, MiniLM and others of its
    /// architecture, DistilBERT or RoBERTa, from Transformers or sentence-transformers.
    ///
    /// The weights are mapped, not read: this takes milliseconds.
    ///
    /// - Parameters:
    ///   - path: The folder with `config.json`, `model.safetensors` and the tokenizer.
    ///   - maximumLength: The most tokens of one text; longer ones are cut. See
    ///     ``TextPreparation/init(_:configuration:maximumLength:)``.
    /// - Returns: The backbone, to embed with or to attach heads to.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``, ``TokenizerError``:
    ///   what is missing or does not fit, and what to do.
    public static func text(
        contentsOf path: String, maximumLength: Int? = nil
    ) throws -> PretrainedModel {
        let folder = try PretrainedFolder(path: path)
        let architecture = try TextArchitecture(folder)
        return try PretrainedModel(
            preparation: TextPreparation(
                folder, configuration: architecture.configuration, maximumLength: maximumLength),
            architecture: architecture, pooling: try sentencePooling(folder),
            normalizesEmbeddings: try normalizes(folder))
    }

    /// The pooling of a sentence-transformers folder; the mean in any other.
    private static func sentencePooling(_ folder: PretrainedFolder) throws -> Pooling {
        guard let settings = try folder.json("1_Pooling/config.json") else { return .mean }
        let modes = (settings.object ?? [:])
            .filter { $0.key.hasPrefix("pooling_mode_") && $0.value.bool == true }.map(\.key)
        switch modes {
        case ["pooling_mode_mean_tokens"]: return .mean
        case ["pooling_mode_cls_token"]: return .firstToken
        default:
            throw ModelError.unsupportedEmbedding(
                folder.path, found: "the pooling \(modes.joined(separator: ", "))")
        }
    }

    /// Whether `modules.json` ends in a normalisation. Embeddings that need another module would be
    /// wrong without it.
    private static func normalizes(_ folder: PretrainedFolder) throws -> Bool {
        let modules = try folder.json("modules.json")?.array ?? []
        let types = modules.map { module in
            String((module["type"]?.string ?? "").split(separator: ".").last ?? "")
        }
        let supported = ["Transformer", "Pooling", "Normalize"]
        if let other = types.first(where: { !supported.contains($0) }) {
            throw ModelError.unsupportedEmbedding(folder.path, found: "the module '\(other)'")
        }
        return types.contains("Normalize")
    }
}

extension PretrainedModel where P == TextPreparation {
    /// The same backbone for two texts that are read together; see ``TextPairPreparation``.
    ///
    /// - Throws: ``ModelError`` if the tokenizer gives the second text a type that the model has no
    ///   embedding for, or leaves no room for a token of each.
    public func pairs() throws -> PretrainedModel<TextPairPreparation> {
        try prepared(by: TextPairPreparation(preparation))
    }

    /// The same backbone for groups of texts that each get a vector; see ``TextGroupPreparation``.
    public func groups() throws -> PretrainedModel<TextGroupPreparation> {
        try prepared(by: TextGroupPreparation(preparation))
    }
}

extension PretrainedModel {
    /// The same backbone for what another preparation takes.
    ///
    /// - Parameter preparation: Makes the same features as this model's of inputs of another kind.
    /// - Returns: A backbone that shares the checkpoint's mapped file with this one.
    /// - Throws: ``ParameterError`` if the weights cannot be read any more.
    public func prepared<Other: Preparation>(
        by preparation: Other
    ) throws -> PretrainedModel<Other> {
        try PretrainedModel<Other>(
            preparation: preparation, architecture: architecture, pooling: pooling,
            normalizesEmbeddings: normalizesEmbeddings)
    }
}

extension PretrainedModel where P == WordPreparation {
    /// A model of words, to attach a ``TokenClassificationHead`` to, from a folder in the layout of
    /// Hugging Face; see ``text(contentsOf:maximumLength:)``.
    ///
    /// - Parameters:
    ///   - path: The folder with `config.json`, `model.safetensors` and the tokenizer.
    ///   - maximumLength: The most tokens of one text.
    /// - Returns: The backbone.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``, ``TokenizerError``:
    ///   what is missing or does not fit, and what to do.
    public static func words(
        contentsOf path: String, maximumLength: Int? = nil
    ) throws -> PretrainedModel {
        let folder = try PretrainedFolder(path: path)
        let architecture = try TextArchitecture(folder)
        let preparation = try TextPreparation(
            folder, configuration: architecture.configuration, maximumLength: maximumLength)
        return try PretrainedModel(
            preparation: WordPreparation(preparation), architecture: architecture,
            pooling: .tokens, normalizesEmbeddings: false)
    }
}

extension RowKind {
    /// How features become rows of this kind where nobody says otherwise.
    var pooling: Pooling {
        switch self {
        case .input: .pooler
        case .word: .tokens
        case .text: .mean
        }
    }
}
