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

    @Test(arguments: [
        ("num_attention_heads", "0"), ("num_attention_heads", "-4"), ("num_attention_heads", "5"),
        ("num_attention_heads", "\"4\""), ("num_attention_heads", "4.5"),
        ("num_attention_heads", "null"), ("num_attention_heads", nil), ("hidden_size", "0"),
        ("hidden_size", "1e30"), ("hidden_size", "9223372036854775808"),
        ("hidden_size", "16777217"),
        ("hidden_size", "[32]"), ("hidden_size", "{}"), ("hidden_size", "true"),
        ("hidden_size", "-32"), ("num_hidden_layers", "0"), ("num_hidden_layers", "99999999999"),
        ("intermediate_size", "-1"), ("vocab_size", "0"), ("vocab_size", nil),
        ("max_position_embeddings", "2"), ("max_position_embeddings", "-1"),
        ("type_vocab_size", "0"), ("layer_norm_eps", "-1"), ("layer_norm_eps", "\"small\""),
        ("layer_norm_eps", "1e400"), ("hidden_dropout_prob", "1"), ("hidden_dropout_prob", "-0.1"),
        ("hidden_dropout_prob", "\"0.1\""), ("attention_probs_dropout_prob", "2"),
        ("hidden_act", "\"mish\""), ("hidden_act", "7"), ("position_embedding_type", "\"rotary\""),
    ])
    func impossibleSettingsAreNamed(_ key: String, _ value: String?) throws {
        try folder(bert(key, value)) { folder in
            let error = #expect(throws: PretrainedFolderError.self) {
                try folder.transformerConfiguration()
            }
            guard case .unusableSetting(folder.path, key: key, _, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(
                error?.description.hasPrefix("'\(folder.path)/config.json' should have ") == true)
        }
    }

    @Test(arguments: ["-1", "1.5", "\"x\"", "40"])
    func aPaddingIDThatLeavesNoPosition(_ padding: String) throws {
        let settings = bert("pad_token_id", padding)
            .replacing("\"model_type\": \"bert\"", with: "\"model_type\": \"roberta\"")
        try folder(settings) { folder in
            #expect(throws: PretrainedFolderError.self) { try folder.transformerConfiguration() }
        }
    }

    @Test func messagesSayWhatWasExpected() throws {
        func message(_ key: String, _ value: String?) throws -> String? {
            try folder(bert(key, value)) { folder in
                #expect(throws: PretrainedFolderError.self) {
                    try folder.transformerConfiguration()
                }?.description.replacing(folder.path, with: "model")
            }
        }
        #expect(
            try message("num_attention_heads", "5")
                == "'model/config.json' should have a number of "
                + "heads that divides the width 32 as 'num_attention_heads', but has 5")
        #expect(
            try message("hidden_size", "\"big\"")
                == "'model/config.json' should have a whole number "
                + "from 1 to 16777216 as 'hidden_size', but has \"big\"")
        #expect(
            try message("vocab_size", nil) == "'model/config.json' should have a whole number as "
                + "'vocab_size', but has no such setting")
        #expect(
            try message("max_position_embeddings", "2")
                == "'model/config.json' should have room for "
                + "at least three tokens as 'max_position_embeddings', but has 2")
        #expect(
            try message("hidden_act", "\"mish\"") == "'model/config.json' should have one of gelu, "
                + "gelu_new, gelu_pytorch_tanh, relu, silu, swish, tanh as 'hidden_act', but has "
                + "\"mish\"")
        #expect(
            try message("position_embedding_type", "\"rotary\"")
                == "'model/config.json' should have "
                + "'absolute' as 'position_embedding_type', but has 'rotary'")
    }
}
