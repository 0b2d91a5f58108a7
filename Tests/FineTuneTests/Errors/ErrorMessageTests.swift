import FineTune
import Foundation
import TestSupport
import Testing

/// What a newcomer reads when something is wrong: the whole message, with the folder as `DIR`.
@Suite struct ErrorMessageTests {
    /// The message of what `body` throws, with the folder's path replaced.
    private func message(
        _ folder: TemporaryFolder? = nil, _ body: () async throws -> Void
    ) async -> String {
        do {
            try await body()
            return "no error"
        } catch {
            return "\(error)".replacingOccurrences(of: folder?.path ?? "\0", with: "DIR")
        }
    }

    private func load(_ folder: TemporaryFolder) throws {
        _ = try PretrainedModel.text(contentsOf: folder.path)
    }

    private func fit(
        _ data: LabeledTexts, settings: TrainingSettings = .init(), plan: Plan = .full(epochs: 1),
        head: ClassificationHead = ClassificationHead(labels: TinyModel.labels)
    ) async throws {
        _ = try await Trainer(TinyModel.classifier(head: head), plan: plan, settings: settings)
            .fit(on: data)
    }

    // MARK: Folders

    @Test func folderIsMissing() async throws {
        let text = await message { _ = try PretrainedModel.text(contentsOf: "no/such/folder") }
        #expect(
            text
                == "there is no folder 'no/such/folder'; give the folder that holds the model's "
                + "config.json")
    }

    @Test func folderIsAFile() async throws {
        let folder = try TinyModel.folder()
        let text = await message(folder) {
            _ = try PretrainedModel.text(contentsOf: folder.path + "/config.json")
        }
        #expect(
            text
                == "'DIR/config.json' is not a folder; give the folder that holds the model's "
                + "config.json")
    }

    @Test func configurationIsMissing() async throws {
        let folder = try TinyModel.folder()
        try folder.remove("config.json")
        let text = await message(folder) { try load(folder) }
        #expect(
            text
                == "the folder 'DIR' has no config.json; give a folder in the layout of Hugging "
                + "Face, with config.json, model.safetensors and the tokenizer's files")
    }

    @Test func kindIsUnsupported() async throws {
        let folder = try TinyModel.folder(settings: ["model_type": "llama"])
        let text = await message(folder) { try load(folder) }
        #expect(
            text
                == "'DIR/config.json' describes a model of the type \"llama\"; supported are: "
                + "bert, distilbert, roberta")
    }

    @Test func weightsAreMissing() async throws {
        let folder = try TinyModel.folder()
        try folder.remove("model.safetensors")
        try folder.write("", to: "pytorch_model.bin")
        let text = await message(folder) { try load(folder) }
        #expect(
            text
                == "the folder 'DIR' has no model.safetensors; it has pytorch_model.bin, which this "
                + "library does not read: convert the weights to safetensors")
    }

    @Test func weightsDoNotFit() async throws {
        let folder = try TinyModel.folder(settings: ["intermediate_size": 48])
        let text = await message(folder) { try load(folder) }
        #expect(text.contains("'encoder.layer.0.intermediate.dense.weight'"))
        #expect(text.contains("[64, 32]") && text.contains("[48, 32]"))
    }

    @Test func weightsLackALayer() async throws {
        let folder = try TinyModel.folder(settings: ["num_hidden_layers": 3])
        let text = await message(folder) { try load(folder) }
        #expect(text.contains("encoder.layer.2.attention.self.query.weight"))
    }

    @Test func tokenizerIsMissing() async throws {
        let folder = try TinyModel.folder()
        try folder.remove("vocab.txt")
        let text = await message(folder) { try load(folder) }
        #expect(text.contains("DIR") && text.contains("tokenizer.json"))
        #expect(text.contains("vocab.txt"))
    }

    @Test func tokenizerBelongsToAnotherModel() async throws {
        let folder = try TinyModel.folder()
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + (0..<500).map { "v\($0)" }
        try folder.write(words.joined(separator: "\n"), to: "vocab.txt")
        let text = await message(folder) { try load(folder) }
        #expect(
            text
                == "the tokenizer in 'DIR' has 504 ids, but the model only 120 embeddings; the files "
                + "belong to different models")
    }

    @Test(arguments: [
        ("num_attention_heads", JSON(0)), ("num_attention_heads", JSON(-4)),
        ("num_attention_heads", JSON(5)), ("hidden_size", JSON("wide")),
        ("hidden_size", JSON(1 << 40)), ("vocab_size", JSON(1.5)), ("num_hidden_layers", nil),
        ("hidden_dropout_prob", JSON(1)), ("hidden_dropout_prob", JSON(-0.1)),
        ("hidden_act", JSON("maxout")), ("max_position_embeddings", JSON(2)),
        ("layer_norm_eps", JSON(-1)), ("position_embedding_type", JSON("relative_key")),
    ])
    func settingIsImpossible(key: String, value: JSON) async throws {
        let folder = try TinyModel.folder(settings: [key: value])
        let text = await message(folder) { try load(folder) }
        #expect(text.hasPrefix("'DIR/config.json' should have "))
        #expect(text.contains("as '\(key)'"))
    }

    // MARK: Examples

    @Test func labelIsUnknown() async throws {
        let text = await message {
            try await fit(LabeledTexts(texts: ["w10", "w11"], labels: ["a", "z"]))
        }
        #expect(
            text
                == "example 1 has the label 'z', which the head does not know (it knows 'a', 'b', "
                + "'c'); make the head with the labels of all data, or correct the example")
    }

    @Test func allLabelsAreTheSame() async throws {
        let text = await message {
            try await fit(LabeledTexts(texts: ["w10", "w11"], labels: ["b", "b"]))
        }
        #expect(
            text
                == "every training example has the label 'b': a classifier needs examples of at "
                + "least two classes")
    }

    @Test func datasetIsEmpty() async throws {
        let text = await message { try await fit(LabeledTexts(texts: [], labels: [])) }
        #expect(text == "there is no example; check that this is the right file")
    }

    @Test func textIsEmpty() async throws {
        let text = await message {
            try await fit(LabeledTexts(texts: ["w10", " \t"], labels: ["a", "b"]))
        }
        #expect(text == "text 1 is empty; leave it out or give it a content")
    }

    @Test func labelIsAbsentFromTheFile() async throws {
        let folder = try TemporaryFolder()
        try folder.write("text,label\nw10,a\nw11,\n", to: "data.csv")
        let text = await message(folder) {
            _ = try LabeledTexts(csv: folder.path + "/data.csv", text: "text", label: "label")
        }
        #expect(text.hasPrefix("'DIR/data.csv', line 3: the label is empty"))
    }

    @Test func rowIsRagged() async throws {
        let folder = try TemporaryFolder()
        try folder.write("text,label\nw10,a\nw11,b,c\n", to: "data.csv")
        let text = await message(folder) {
            _ = try LabeledTexts(csv: folder.path + "/data.csv", text: "text", label: "label")
        }
        #expect(text.hasPrefix("'DIR/data.csv', line 3: expected 2 columns but found 3"))
    }

    @Test func fileIsLatin1() async throws {
        let folder = try TemporaryFolder()
        let bytes = Data("text,label\ncaf".utf8) + [0xE9] + Data(",a\n".utf8)
        try bytes.write(to: URL(fileURLWithPath: folder.path + "/data.csv"))
        let text = await message(folder) {
            _ = try LabeledTexts(csv: folder.path + "/data.csv", text: "text", label: "label")
        }
        #expect(text.contains("'DIR/data.csv', line 2: the text is not UTF-8"))
        #expect(text.contains("Latin-1"))
    }

    @Test func longTextsAreCutAndCounted() async throws {
        let long = (0..<100).map { "w\(10 + $0 % 50)" }.joined(separator: " ")
        let trainer = Trainer(try TinyModel.classifier(), plan: .headOnly(epochs: 1))
        let report = try await trainer.fit(
            on: LabeledTexts(texts: [long, "w10", long], labels: ["a", "b", "c"]))
        #expect(report.truncatedInputs == 2)
        #expect(
            report.description.contains("2 inputs were longer than the model takes and were cut"))
    }

    // MARK: Heads and runs

    @Test func headIsForOtherFeatures() async throws {
        let backbone = try TinyModel.backbone()
        let text = await message {
            _ = try backbone.attaching(
                ClassificationHead(labels: TinyModel.labels, featureSize: 768))
        }
        #expect(
            text
                == "the head was made for features of width 768, but the backbone gives 32; attach "
                + "it to the backbone that it was trained with, or make a new head")
    }

    @Test(arguments: [[], ["a"], ["a", "a"]])
    func labelsAreUnusable(labels: [String]) async throws {
        let backbone = try TinyModel.backbone()
        let text = await message {
            _ = try backbone.attaching(ClassificationHead(labels: labels))
        }
        #expect(text.hasPrefix("a classifier needs at least two different labels, but was given"))
    }

    @Test func folderHoldsNoHead() async throws {
        let folder = try TinyModel.folder()
        let other = try TinyModel.folder(settings: ["id2label": nil, "label2id": nil])
        let scores = await message(folder) {
            _ = try FineTunedModel<TextPreparation, MultiLabelHead>(contentsOf: folder.path)
        }
        #expect(scores.contains("'problem_type' is not 'multi_label_classification'"))
        let labels = await message(other) { _ = try TextClassifier(contentsOf: other.path) }
        #expect(labels.contains("it has no 'id2label'"))
    }

    @Test func outputFolderCannotBeMade() async throws {
        let folder = try TinyModel.folder()
        let model = try TinyModel.classifier()
        let text = await message(folder) { try model.save(to: folder.path + "/config.json/model") }
        #expect(text.contains("'DIR/config.json"))
        #expect(text.hasSuffix("choose a folder that can be written"))
    }

    @Test func settingsMakeNoSense() async throws {
        let data = TinyModel.examples(6)
        let cases: [(TrainingSettings, String)] = [
            (.init(batch: .examples(0)), "a batch of 0 holds nothing"),
            (.init(accumulation: 0), "a step of 0 batches does nothing"),
            (.init(gradientClipping: -1), "gradients cannot be clipped to a length of -1.0"),
            (.init(threads: 0), "0 threads cannot compute anything"),
            (
                .init(earlyStopping: .init()),
                "early stopping needs examples to validate on: pass them as fit(on:validating:)"
            ),
        ]
        for (settings, expected) in cases {
            #expect(await message { try await fit(data, settings: settings) } == expected)
        }
        let empty = await message { try await fit(data, plan: .full(epochs: 0)) }
        #expect(empty == "the plan has no epoch: there is nothing to do")
    }

    @Test func lossIsNoNumber() async throws {
        let model = try TinyModel.classifier()
        let trainer = Trainer(model, plan: .full(epochs: 4, learningRate: 1e30))
        let text = await message { try await trainer.fit(on: TinyModel.examples(64)) }
        #expect(text.contains("Use a smaller learning rate"))
        for weight in try model.embed(["w10"])[0] { #expect(weight.isFinite) }
    }
}
