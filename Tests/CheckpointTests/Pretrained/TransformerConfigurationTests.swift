import Checkpoint
import Layers
import Tensor
import TestSupport
import Testing

/// What `config.json` says of an encoder, and what it must not say.
@Suite struct TransformerConfigurationTests {
    private func folder<Result>(
        _ configuration: String, _ body: (PretrainedFolder) throws -> Result
    ) throws -> Result {
        try withTemporaryFolder { path in
            try write(Array(configuration.utf8), to: path + "/config.json")
            try SafetensorsFile.write(
                [(name: "a", tensor: Tensor([1.0 as Float]))], to: path + "/model.safetensors")
            return try body(PretrainedFolder(path: path))
        }
    }

    /// A BERT's settings with one of them replaced, or left out where there is no value.
    private func bert(_ key: String = "", _ value: String? = nil) -> String {
        var settings = [
            "model_type": "\"bert\"", "vocab_size": "100", "hidden_size": "32",
            "num_hidden_layers": "2", "num_attention_heads": "4", "intermediate_size": "64",
            "max_position_embeddings": "40",
        ]
        if !key.isEmpty { settings[key] = value }
        return "{"
            + settings.sorted { $0.key < $1.key }
            .map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    }

    @Test(arguments: ["bert", "distilbert", "roberta"])
    func theFixturesAreUnderstood(_ family: String) throws {
        let path = packageRoot() + "/Tests/LayersTests/Fixtures/families/" + family
        let folder = try PretrainedFolder(path: path)
        let configuration = try folder.transformerConfiguration()
        let expected = TransformerConfiguration(
            family: try #require(TransformerConfiguration.Family(rawValue: family)),
            vocabularySize: 120, width: 32, layers: 2, heads: 4, feedForwardWidth: 64,
            positions: 40, tokenTypes: ["bert": 2, "distilbert": 0, "roberta": 1][family] ?? -1,
            firstPosition: family == "roberta" ? 2 : 0, epsilon: family == "roberta" ? 1e-5 : 1e-12,
            activation: .gelu, hiddenDropout: 0.1, attentionDropout: 0.1)
        #expect(configuration == expected)
        #expect(configuration.maximumLength == (family == "roberta" ? 38 : 40))
        #expect(try folder.classifierDropout() == 0.1)
    }

    /// What a file leaves out has the value that Transformers gives it.
    @Test func settingsThatAreLeftOutHaveTheirDefaults() throws {
        let configuration = try folder(bert()) { try $0.transformerConfiguration() }
        #expect(configuration.tokenTypes == 2 && configuration.firstPosition == 0)
        #expect(configuration.epsilon == 1e-12 && configuration.activation == .gelu)
        #expect(configuration.hiddenDropout == 0.1 && configuration.attentionDropout == 0.1)
        func classifierDropout(_ settings: String) throws -> Double {
            try folder(settings) { try $0.classifierDropout() }
        }
        #expect(try classifierDropout(bert()) == 0.1)
        #expect(try classifierDropout(bert("hidden_dropout_prob", "0.3")) == 0.3)
        #expect(try classifierDropout(bert("classifier_dropout", "0.25")) == 0.25)
        #expect(try classifierDropout(bert("classifier_dropout", "null")) == 0.1)
        #expect(try classifierDropout(bert("model_type", "\"distilbert\"")) == 0.2)
    }

    @Test(arguments: [
        ("gelu", Activation.gelu), ("gelu_new", .geluTanh), ("gelu_pytorch_tanh", .geluTanh),
        ("relu", .relu), ("silu", .silu), ("swish", .silu), ("tanh", .tanh),
    ])
    func activationsHaveTheirNames(_ name: String, _ activation: Activation) throws {
        let configuration = try folder(bert("hidden_act", "\"\(name)\"")) {
            try $0.transformerConfiguration()
        }
        #expect(configuration.activation == activation)
    }

    /// A setting that is refused, and the end of the message.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let key: String
        /// Nil if the file lacks the setting.
        let value: String?
        let expected: String
        let found: String
        var testDescription: String { "\(key): \(value ?? "absent")" }

        /// What is found is the value as it stands in the file by default.
        init(_ key: String, _ value: String?, _ expected: String, found: String? = nil) {
            (self.key, self.value, self.expected) = (key, value, expected)
            self.found = found ?? value ?? "no such setting"
        }
    }

    private static let size = "a whole number from 1 to 16777216"
    private static let number = "a number that is not negative"
    private static let rate = "a rate from 0 to less than 1"
    private static let activation =
        "one of gelu, gelu_new, gelu_pytorch_tanh, relu, silu, swish, tanh"

    static let refusals: [Refusal] = [
        Refusal("num_attention_heads", "0", size),
        Refusal("num_attention_heads", "-4", size),
        Refusal("num_attention_heads", "5", "a number of heads that divides the width 32"),
        Refusal("num_attention_heads", "\"4\"", size),
        Refusal("num_attention_heads", "4.5", size),
        Refusal("num_attention_heads", "null", "a whole number", found: "no such setting"),
        Refusal("num_attention_heads", nil, "a whole number"),
        Refusal("hidden_size", "0", size),
        Refusal("hidden_size", "1e30", size),
        Refusal("hidden_size", "9223372036854775808", size),
        Refusal("hidden_size", "16777217", size),
        Refusal("hidden_size", "[32]", size),
        Refusal("hidden_size", "{}", size),
        Refusal("hidden_size", "true", size),
        Refusal("hidden_size", "-32", size),
        Refusal("num_hidden_layers", "0", size),
        Refusal("num_hidden_layers", "99999999999", size),
        Refusal("intermediate_size", "-1", size),
        Refusal("vocab_size", "0", size),
        Refusal("vocab_size", nil, "a whole number"),
        Refusal("max_position_embeddings", "2", "room for at least three tokens"),
        Refusal("max_position_embeddings", "-1", size),
        Refusal("type_vocab_size", "0", size),
        Refusal("layer_norm_eps", "-1", number),
        Refusal("layer_norm_eps", "\"small\"", number),
        Refusal("layer_norm_eps", "1e400", number),
        Refusal("hidden_dropout_prob", "1", rate, found: "1.0"),
        Refusal("hidden_dropout_prob", "-0.1", number),
        Refusal("hidden_dropout_prob", "\"0.1\"", number),
        Refusal("attention_probs_dropout_prob", "2", rate, found: "2.0"),
        Refusal("hidden_act", "\"mish\"", activation),
        Refusal("hidden_act", "7", activation),
        Refusal("position_embedding_type", "\"rotary\"", "'absolute'", found: "'rotary'"),
    ]

    @Test(arguments: refusals) func impossibleSettingsAreNamed(_ refusal: Refusal) throws {
        try folder(bert(refusal.key, refusal.value)) { folder in expect(refusal, in: folder) }
    }

    @Test(arguments: [
        Refusal("pad_token_id", "-1", "a whole number from 0 to 16777216"),
        Refusal("pad_token_id", "1.5", "a whole number from 0 to 16777216"),
        Refusal("pad_token_id", "\"x\"", "a whole number from 0 to 16777216"),
        // All 40 positions would lie before that of the first token.
        Refusal("max_position_embeddings", "40", "room for at least three tokens"),
    ])
    func aPaddingIDThatLeavesNoPosition(_ refusal: Refusal) throws {
        let padding = refusal.key == "pad_token_id" ? refusal.value : "40"
        let settings = bert("pad_token_id", padding)
            .replacing("\"model_type\": \"bert\"", with: "\"model_type\": \"roberta\"")
        try folder(settings) { folder in expect(refusal, in: folder) }
    }

    private func expect(_ refusal: Refusal, in folder: PretrainedFolder) {
        let error = #expect(throws: PretrainedFolderError.self) {
            try folder.transformerConfiguration()
        }
        #expect(
            error
                == .unusableSetting(
                    folder.path, key: refusal.key, expected: refusal.expected, found: refusal.found)
        )
        #expect(
            error?.description
                == "'\(folder.path)/config.json' should have \(refusal.expected) as "
                + "'\(refusal.key)', but has \(refusal.found)")
    }
}
