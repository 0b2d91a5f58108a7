public import Layers
import Tensor

extension PretrainedFolder {
    /// The sizes and settings that `config.json` gives an encoder of the BERT family.
    ///
    /// - Throws: ``PretrainedFolderError`` if it describes another kind of model, or a setting is
    ///   absent or impossible.
    public func transformerConfiguration() throws(PretrainedFolderError)
        -> TransformerConfiguration
    {
        let families = TransformerConfiguration.Family.allCases
        guard let type = configuration["model_type"]?.string,
            let family = families.first(where: { $0.rawValue == type })
        else {
            let found =
                configuration["model_type"].map { $0.serialized() } ?? "that it does not name"
            throw .unsupportedKind(path, found: found, supported: families.map(\.rawValue))
        }
        let result =
            family == .distilBERT
            ? try distilBERTConfiguration() : try bertConfiguration(family)
        guard result.width % result.heads == 0 else {
            throw unusable(
                family == .distilBERT ? "n_heads" : "num_attention_heads",
                "a number of heads that divides the width \(result.width)", "\(result.heads)")
        }
        guard result.maximumLength > 2 else {
            throw unusable(
                "max_position_embeddings", "room for at least three tokens", "\(result.positions)")
        }
        return result
    }

    private func bertConfiguration(
        _ family: TransformerConfiguration.Family
    ) throws(PretrainedFolderError) -> TransformerConfiguration {
        if let kind = configuration["position_embedding_type"]?.string, kind != "absolute" {
            throw unusable("position_embedding_type", "'absolute'", "'\(kind)'")
        }
        return TransformerConfiguration(
            family: family,
            vocabularySize: try size("vocab_size"),
            width: try size("hidden_size"),
            layers: try size("num_hidden_layers"),
            heads: try size("num_attention_heads"),
            feedForwardWidth: try size("intermediate_size"),
            positions: try size("max_position_embeddings"),
            tokenTypes: try size("type_vocab_size", absent: 2),
            firstPosition: family == .roberta
                ? try size("pad_token_id", absent: 1, from: 0) + 1 : 0,
            epsilon: try number("layer_norm_eps", absent: 1e-12),
            activation: try activation("hidden_act"),
            hiddenDropout: try rate("hidden_dropout_prob"),
            attentionDropout: try rate("attention_probs_dropout_prob"))
    }

    private func distilBERTConfiguration() throws(PretrainedFolderError)
        -> TransformerConfiguration
    {
        TransformerConfiguration(
            family: .distilBERT,
            vocabularySize: try size("vocab_size"),
            width: try size("dim"),
            layers: try size("n_layers"),
            heads: try size("n_heads"),
            feedForwardWidth: try size("hidden_dim"),
            positions: try size("max_position_embeddings"),
            tokenTypes: 0,
            epsilon: 1e-12,
            activation: try activation("activation"),
            hiddenDropout: try rate("dropout"),
            attentionDropout: try rate("attention_dropout"))
    }

    /// The dropout before the classifier: what Transformers uses for the family.
    ///
    /// - Throws: ``PretrainedFolderError`` if it is no rate.
    public func classifierDropout() throws(PretrainedFolderError) -> Double {
        if configuration["model_type"]?.string == "distilbert" {
            return try rate("seq_classif_dropout", absent: 0.2)
        }
        if let own = configuration["classifier_dropout"], !own.isNull {
            return try rate("classifier_dropout")
        }
        return try rate("hidden_dropout_prob")
    }

    /// The dropout before a classifier of single words, in `0 ..< 1`: the classifier's own, but
    /// DistilBERT's general one.
    ///
    /// - Throws: ``PretrainedFolderError`` if it is no rate.
    public func wordClassifierDropout() throws(PretrainedFolderError) -> Double {
        configuration["model_type"]?.string == "distilbert"
            ? try rate("dropout", absent: 0.1) : try classifierDropout()
    }

    /// Sizes beyond this make no sense and would overflow products of sizes.
    static let sizeLimit = 1 << 24

    func size(
        _ key: String, absent: Int? = nil, from lowest: Int = 1
    ) throws(PretrainedFolderError) -> Int {
        guard let value = configuration[key], !value.isNull else {
            if let absent { return absent }
            throw unusable(key, "a whole number", "no such setting")
        }
        guard let size = value.int, size >= lowest, size <= Self.sizeLimit else {
            throw unusable(
                key, "a whole number from \(lowest) to \(Self.sizeLimit)", value.serialized())
        }
        return size
    }

    func number(_ key: String, absent: Double) throws(PretrainedFolderError) -> Double {
        guard let value = configuration[key] else { return absent }
        guard let number = value.double, number >= 0, number.isFinite else {
            throw unusable(key, "a number that is not negative", value.serialized())
        }
        return number
    }

    func rate(_ key: String, absent: Double = 0.1) throws(PretrainedFolderError) -> Double {
        let value = try number(key, absent: absent)
        guard value < 1 else { throw unusable(key, "a rate from 0 to less than 1", "\(value)") }
        return value
    }

    private func activation(_ key: String) throws(PretrainedFolderError) -> Activation {
        let known: [String: Activation] = [
            "gelu": .gelu, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh, "relu": .relu,
            "silu": .silu, "swish": .silu, "tanh": .tanh,
        ]
        guard let value = configuration[key] else { return .gelu }
        guard let name = value.string, let activation = known[name] else {
            throw unusable(
                key, "one of " + known.keys.sorted().joined(separator: ", "), value.serialized())
        }
        return activation
    }

    func unusable(
        _ key: String, _ expected: String, _ found: String
    ) -> PretrainedFolderError {
        .unusableSetting(path, key: key, expected: expected, found: found)
    }
}
