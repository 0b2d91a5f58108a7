@testable import FineTune
import Foundation
import TestSupport
import Testing

/// What goes wrong with folders, data and heads is said with what, where and what to do.
@Suite struct ModelErrorTests {
    private func message(
        _ folder: TemporaryFolder, _ expected: String, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let error = #expect(throws: (any Error).self, sourceLocation: location) {
            try PretrainedModel.text(contentsOf: folder.path)
        }
        #expect(error.map { "\($0)" } == expected, sourceLocation: location)
    }

    // MARK: Folders

    @Test func aMissingFolder() {
        let error = #expect(throws: PretrainedFolderError.self) {
            try PretrainedModel.text(contentsOf: "/nowhere/model")
        }
        #expect(
            error?.description == "there is no folder '/nowhere/model'; give the folder that holds "
                + "the model's config.json")
    }

    @Test func aFileInsteadOfAFolder() throws {
        let path = try TinyModel.folder().path + "/config.json"
        let error = #expect(throws: PretrainedFolderError.notAFolder(path)) {
            try PretrainedModel.text(contentsOf: path)
        }
        #expect(
            error?.description
                == "'\(path)' is not a folder; give the folder that holds the model's config.json")
    }

    @Test func aMissingConfiguration() throws {
        let folder = try TinyModel.folder()
        try folder.remove("config.json")
        try message(
            folder,
            "the folder '\(folder.path)' has no config.json; give a folder in the layout of "
                + "Hugging Face, with config.json, model.safetensors and the tokenizer's files")
    }

    @Test(arguments: ["{", "[1, 2]", "{\"model_type\": \"bert\",}", "", "\u{FEFF}{}"])
    func aMalformedConfiguration(_ text: String) throws {
        let folder = try TinyModel.folder()
        try folder.write(text, to: "config.json")
        let error = #expect(throws: PretrainedFolderError.self) {
            try PretrainedModel.text(contentsOf: folder.path)
        }
        #expect(error?.description.contains("'\(folder.path)/config.json'") == true)
    }

    @Test func anUnsupportedKind() throws {
        let folder = try TinyModel.folder(settings: ["model_type": "gpt2"])
        try message(
            folder,
            "'\(folder.path)/config.json' describes a model of the type \"gpt2\"; supported "
                + "are: bert, distilbert, roberta")
        try folder.configure(["model_type": nil])
        try message(
            folder,
            "'\(folder.path)/config.json' describes a model of the type that it does not "
                + "name; supported are: bert, distilbert, roberta")
    }

    @Test func missingWeights() throws {
        let folder = try TinyModel.folder()
        try folder.remove("model.safetensors")
        let absent =
            "the folder '\(folder.path)' has neither model.safetensors nor pytorch_model.bin"
        try message(folder, absent)
        try folder.write("", to: "tf_model.h5")
        try message(
            folder,
            absent + "; it has tf_model.h5, which this library does not read: convert the weights "
                + "to safetensors")
    }

    @Test func damagedWeights() throws {
        let folder = try TinyModel.folder()
        let path = folder.path + "/model.safetensors"
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        try data.dropLast(5).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: PretrainedFolderError.self) {
            try PretrainedModel.text(contentsOf: folder.path)
        }
        #expect(
            error?.description.hasPrefix("'\(path)' is not a valid safetensors file: ") == true)
    }

    // MARK: Weights

    /// A folder whose weights were changed.
    private func folder(
        _ change: ([(name: String, tensor: Tensor)]) -> [(name: String, tensor: Tensor)]
    ) throws -> TemporaryFolder {
        let folder = try TinyModel.folder()
        let path = folder.path + "/model.safetensors"
        let file = try SafetensorsFile(path: path)
        let tensors = try file.names.map { (name: $0, tensor: try file.required($0)) }
        try SafetensorsFile.write(change(tensors), to: path)
        return folder
    }

    @Test func weightsOfAnotherShape() throws {
        let folder = try TinyModel.folder(settings: ["intermediate_size": 65])
        try message(
            folder,
            "the checkpoint's tensor 'encoder.layer.0.intermediate.dense.weight' has the "
                + "shape [64, 32], but the model's configuration asks for [65, 32]")
    }

    @Test func aMissingTensor() throws {
        let name = "bert.encoder.layer.1.output.LayerNorm.weight"
        let folder = try folder {
            $0.map { ($0.name == name ? name + "s" : $0.name, $0.tensor) }
        }
        try message(
            folder,
            "the checkpoint has no tensor 'encoder.layer.1.output.LayerNorm.weight'; the "
                + "most similar name that it has is '\(name)s'; check that config.json and the "
                + "weights belong together")
    }

    @Test(arguments: [3, 1 << 24])
    func moreLayersThanTheCheckpointHas(_ count: Int) throws {
        let folder = try TinyModel.folder(settings: ["num_hidden_layers": JSON(count)])
        let error = #expect(throws: ParameterError.self) {
            try PretrainedModel.text(contentsOf: folder.path)
        }
        guard case .missing(let path, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path == "encoder.layer.2.attention.self.query.weight")
    }

    @Test func weightsThatAreNone() throws {
        let name = "bert.embeddings.LayerNorm.bias"
        let folder = try folder {
            $0.map {
                (
                    name: $0.name,
                    tensor: $0.name == name ? $0.tensor.converted(to: .int32) : $0.tensor
                )
            }
        }
        try message(
            folder,
            "the checkpoint's tensor 'embeddings.LayerNorm.bias' holds int32, which are no "
                + "weights")
    }

    // MARK: Tokenizers

    @Test func noTokenizer() throws {
        let folder = try TinyModel.folder()
        try folder.remove("vocab.txt")
        try message(
            folder,
            "no tokenizer in '\(folder.path)': it has none of tokenizer.json, vocab.txt, and "
                + "vocab.json with merges.txt")
    }

    @Test func tokenTypesOfAnotherModel() throws {
        let folder = try TinyModel.folder()
        let tokens = (0..<120).map { "\"w\($0)\": \($0)" }.joined(separator: ", ")
        try folder.write(
            """
            {"normalizer": null, "pre_tokenizer": {"type": "BertPreTokenizer"},
             "post_processor": {"type": "TemplateProcessing",
              "single": [{"Sequence": {"id": "A", "type_id": 7}}],
              "pair": [{"Sequence": {"id": "A", "type_id": 7}},
               {"Sequence": {"id": "B", "type_id": 7}}],
              "special_tokens": {}},
             "model": {"type": "WordPiece", "unk_token": "w0", "continuing_subword_prefix": "##",
              "max_input_chars_per_word": 100, "vocab": {\(tokens)}}}
            """, to: "tokenizer.json")
        try message(
            folder,
            "the tokenizer in '\(folder.path)' gives 8 token types, but the model has 2 "
                + "embeddings of them; the files belong to different models")
    }

    @Test(arguments: [
        (
            "modules.json", #"[{"type": "sentence_transformers.models.Dense"}]"#,
            "the module 'Dense'"
        ),
        (
            "1_Pooling/config.json", #"{"pooling_mode_max_tokens": true}"#,
            "the pooling pooling_mode_max_tokens"
        ),
    ])
    func anEmbeddingOfAnotherKind(_ file: String, _ content: String, _ found: String) throws {
        let folder = try TinyModel.folder()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/1_Pooling", withIntermediateDirectories: true)
        try folder.write(content, to: file)
        try message(
            folder,
            "the sentence-transformers folder '\(folder.path)' asks for \(found); supported are "
                + "the modules Transformer, Pooling (mean or first token) and Normalize")
    }

    @Test func aTokenizerOfAnotherModel() throws {
        let folder = try TinyModel.folder()
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + (0..<200).map { "w\($0)" }
        try folder.write(words.joined(separator: "\n") + "\n", to: "vocab.txt")
        try message(
            folder,
            "the tokenizer in '\(folder.path)' has 204 ids, but the model only 120 "
                + "embeddings; the files belong to different models")
    }

    /// A tokenizer that adds so many special tokens to a text and to a pair.
    private func tokenizer(adding single: Int, toPairs pair: Int) throws -> TemporaryFolder {
        let folder = try TinyModel.folder()
        let ids = { (count: Int) in
            [String](repeating: "0", count: count).joined(separator: ", ")
        }
        try folder.write(
            """
            {"pre_tokenizer": {"type": "BertPreTokenizer"},
             "post_processor": {"type": "TemplateProcessing",
              "single": [{"SpecialToken": {"id": "s"}}, {"Sequence": {"id": "A"}}],
              "pair": [{"SpecialToken": {"id": "p"}}, {"Sequence": {"id": "A"}},
               {"Sequence": {"id": "B"}}],
              "special_tokens": {"s": {"ids": [\(ids(single))]}, "p": {"ids": [\(ids(pair))]}}},
             "model": {"type": "WordPiece", "unk_token": "u", "vocab": {"u": 0, "w": 1}}}
            """, to: "tokenizer.json")
        return folder
    }

    /// The tiny model has room for 40 tokens.
    @Test func specialTokensThatLeaveNoRoom() throws {
        let fitting = try PretrainedModel.text(contentsOf: tokenizer(adding: 39, toPairs: 38).path)
        #expect(fitting.preparation.maximumLength == 40)
        #expect(try fitting.embed("w w").count == 32)
        #expect(try fitting.pairs().embed(TextPair("w w", "w w")).count == 32)
        let many = try tokenizer(adding: 40, toPairs: 2)
        try message(
            many,
            "the tokenizer in '\(many.path)' adds 40 special tokens to each text, but the model "
                + "takes 40 tokens in all; the files belong to different models")
        let pairs = try tokenizer(adding: 2, toPairs: 39)
        let text = try PretrainedModel.text(contentsOf: pairs.path)
        let expected = ModelError.specialTokens(pairs.path, texts: 2, tokenizer: 39, model: 40)
        #expect(throws: expected) { try text.pairs() }
        #expect(throws: expected) {
            try FineTunedModel<TextPairPreparation, ClassificationHead>(contentsOf: pairs.path)
        }
        #expect(expected.description.contains("adds 39 special tokens to each pair of texts, but"))
    }

    /// A tokenizer without a template adds no special tokens, so nothing is left of an empty text.
    @Test func aTextThatLeavesNothing() throws {
        let folder = try TinyModel.folder()
        try folder.write(
            """
            {"model": {"type": "WordPiece", "unk_token": "u", "vocab": {"u": 0, "w": 1}},
             "pre_tokenizer": {"type": "BertPreTokenizer"}}
            """, to: "tokenizer.json")
        let backbone = try PretrainedModel.text(contentsOf: folder.path)
        let model = try TextClassifier(contentsOf: folder.path)
        #expect(try backbone.preparation.prepared("w w").ids == [1, 1])
        #expect(try model.predict("w").probability.isFinite)
        let texts = ["w", " ", "w"]
        let expected = ModelError.emptyText(position: 1)
        #expect(throws: expected) { try backbone.embed(texts) }
        #expect(throws: expected) { try model.predict(texts) }
        #expect(throws: expected) { try model.outputs(for: texts) }
        #expect(throws: expected) { try model.embed(texts) }
        #expect(throws: expected) {
            try model.evaluate(
                on: LabeledTexts(texts: texts, labels: ["negative", "neutral", "neutral"]))
        }

        // A group is not empty, but one of its texts.
        let groups = try backbone.groups()
        let contrastive = try groups.attaching(ContrastiveHead())
        let ofGroup = ModelError.emptyTextOfGroup(["w", " "], position: 1)
        #expect(throws: ofGroup) { try groups.embed(["w", " "]) }
        #expect(throws: ofGroup) { try contrastive.predict(["w", " "]) }
        #expect(throws: ofGroup) { try contrastive.embed(["w", " "]) }
        #expect(throws: ofGroup) {
            try contrastive.evaluate(on: TextGroups(groups: [["w", "w"], ["w", " "]]))
        }
        #expect(
            ofGroup.description == "text 1 of the group 'w', ' ' leaves nothing to compute with; "
                + "give it a content, or leave the group out")
    }

    // MARK: Saving

    @Test func anOutputFolderThatCannotBeMade() throws {
        let folder = try TinyModel.folder()
        let file = folder.path + "/config.json"
        let model = try TextClassifier(contentsOf: folder.path)
        let below = #expect(throws: ModelError.self) { try model.save(to: file + "/model") }
        #expect(
            below?.description == "the model cannot be saved: cannot make the folder "
                + "'\(file)/model': Not a directory; choose a folder that can be written")
        let itself = #expect(throws: ModelError.self) { try model.save(to: file) }
        #expect(
            itself?.description == "the model cannot be saved: cannot write into '\(file)': Not a "
                + "directory; choose a folder that can be written")
        #expect(throws: ModelError.self) { try model.save(to: "") }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self")))
    func anOutputFolderThatIsReadOnly() throws {
        let model = try TinyModel.classifier()
        let error = #expect(throws: ModelError.self) { try model.save(to: "/proc/model") }
        #expect(
            error?.description == "the model cannot be saved: cannot make the folder "
                + "'/proc/model': No such file or directory; choose a folder that can be written")
    }

    @Test func aFolderThatIsMadeOnTheWay() throws {
        let folder = try TemporaryFolder()
        let model = try TinyModel.classifier()
        try model.save(to: folder.path + "/a//b/c/")
        #expect(try TextClassifier(contentsOf: folder.path + "/a/b/c").head.labelNames.count == 3)
    }

    // MARK: Heads

    @Test func aHeadForAnotherWidth() throws {
        let backbone = try TinyModel.backbone()
        let expected = HeadError.featureSize(expected: 384, found: 32)
        #expect(throws: expected) {
            try backbone.attaching(ClassificationHead(labels: ["a", "b"], featureSize: 384))
        }
        #expect(throws: expected) {
            try backbone.attaching(MultiLabelHead(labels: ["a"], featureSize: 384))
        }
        #expect(throws: expected) { try backbone.attaching(RegressionHead(featureSize: 384)) }
        #expect(
            expected.description == "the head was made for features of width 384, but the backbone "
                + "gives 32; attach it to the backbone that it was trained with, or make a new head"
        )
        #expect(
            try backbone.attaching(RegressionHead(featureSize: 32)).predict("w9").isFinite)
    }

    @Test func aFolderWithoutAHead() throws {
        let folder = try folder { $0.filter { !$0.name.hasPrefix("classifier") } }
        let error = #expect(throws: ModelError.self) { try TextClassifier(contentsOf: folder.path) }
        #expect(
            error?.description == "the folder '\(folder.path)' holds no fine-tuned model of this "
                + "kind: its weights have no 'classifier.weight'")
    }

    @Test func aHeadWithoutAPooler() throws {
        let folder = try folder { $0.filter { !$0.name.contains("pooler") } }
        #expect(
            throws: ModelError.noHead(folder.path, reason: "its weights have no pooler")
        ) { try TextClassifier(contentsOf: folder.path) }
        try folder.configure(["swift_finetune": ["pooling": "median"]])
        #expect(
            throws: ModelError.noHead(folder.path, reason: "its pooling 'median' is not known")
        ) { try TextClassifier(contentsOf: folder.path) }
    }

    @Test func aHeadOfAnotherSize() throws {
        let folder = try TinyModel.folder(settings: ["id2label": ["0": "a", "1": "b"]])
        #expect(
            throws: ParameterError.shapeMismatch(
                path: "classifier.weight", expected: [2, 32], found: [3, 32])
        ) { try TextClassifier(contentsOf: folder.path) }
    }
}
