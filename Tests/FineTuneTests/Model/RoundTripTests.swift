@testable import FineTune
import Foundation
import TestSupport
import Testing

/// What Transformers saved loads here and answers the same; what is saved here has the names, shapes
/// and settings that Transformers gives a model of the kind.
@Suite struct RoundTripTests {
    private func items(_ expected: SafetensorsFile) throws -> [TokenizedText] {
        var types = expected.names.contains("types") ? try expected.integers("types")[...] : []
        return try expected.rows().map { row in
            defer { types = types.dropFirst(row.count) }
            let zeros = [Int32](repeating: 0, count: row.count)
            return TokenizedText(
                ids: row, typeIDs: types.isEmpty ? zeros : Array(types.prefix(row.count)))
        }
    }

    private func expected(_ family: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: TinyModel.fixture(family) + "/expected.safetensors")
    }

    /// PyTorch's own float32 logits are up to 4e-7 away from its float64.
    @Test(arguments: TinyModel.families)
    func givesTheLogitsOfTransformers(_ family: String) throws {
        let model = try TextClassifier(contentsOf: TinyModel.folder(family).path)
        #expect(model.head.labelNames == ["negative", "neutral", "positive"])
        let expected = try expected(family)
        let logits = try model.outputs(for: items(expected))
        #expect(
            mismatch(logits, try expected.doubles("logits"), within: Tolerance(absolute: 5e-6))
                == nil)
    }

    /// The same weights as torch.save writes them, beside no safetensors file.
    @Test func readsPickledWeights() throws {
        let folder = try TinyModel.folder("bert")
        try folder.remove("model.safetensors")
        try folder.copy(
            packageRoot()
                + "/Tests/CheckpointTests/Fixtures/python-torch/bert/pytorch_model.bin")
        let pickled = try TextClassifier(contentsOf: folder.path)
        let original = try TextClassifier(contentsOf: TinyModel.folder("bert").path)
        let items = try items(try expected("bert"))
        #expect(try sameBits(pickled.outputs(for: items), original.outputs(for: items)))
    }

    @Test(arguments: TinyModel.families)
    func savesWhatTransformersSaved(_ family: String) throws {
        let model = try TextClassifier(contentsOf: TinyModel.folder(family).path)
        let target = try TemporaryFolder()
        try model.save(to: target.path)
        let original = try SafetensorsFile(path: TinyModel.fixture(family) + "/model.safetensors")
        let saved = try SafetensorsFile(path: target.path + "/model.safetensors")
        #expect(Set(saved.names) == Set(original.names))
        for name in original.names {
            #expect(sameBits(try saved.required(name), try original.required(name)), "\(name)")
        }
        #expect(saved.metadata == ["format": "pt"])
        let before = try JSON(contentsOf: TinyModel.fixture(family) + "/config.json").object ?? [:]
        let after = try JSON(contentsOf: target.path + "/config.json").object ?? [:]
        for (key, value) in before { #expect(after[key] == value, "\(key)") }
        let added = Set(after.keys).subtracting(before.keys)
        #expect(added == ["problem_type", "swift_finetune"])
    }

    @Test(arguments: TinyModel.families)
    func aNewHeadIsSavedUnderItsPublishersNames(_ family: String) throws {
        let model = try TinyModel.classifier(family)
        let target = try TemporaryFolder()
        try model.save(to: target.path)
        let original = try SafetensorsFile(path: TinyModel.fixture(family) + "/model.safetensors")
        let saved = try SafetensorsFile(path: target.path + "/model.safetensors")
        #expect(Set(saved.names) == Set(original.names))
        for name in original.names {
            #expect(saved.shape(of: name) == original.shape(of: name), "\(name)")
        }
        let configuration = try JSON(contentsOf: target.path + "/config.json")
        #expect(configuration["id2label"] == ["0": "a", "1": "b", "2": "c"])
        #expect(configuration["label2id"] == ["a": 0, "b": 1, "c": 2])
        #expect(configuration["problem_type"] == "single_label_classification")
        let kinds = [
            "bert": "BertForSequenceClassification",
            "distilbert": "DistilBertForSequenceClassification",
            "roberta": "RobertaForSequenceClassification",
        ]
        #expect(configuration["architectures"] == [JSON(kinds[family] ?? "")])
    }

    @Test(arguments: TinyModel.families, Pooling.ofTexts)
    func aSavedModelAnswersTheSame(_ family: String, _ pooling: Pooling) throws {
        let texts = TinyModel.examples(20).inputs
        let model = try TinyModel.backbone(family, maximumLength: 9).attaching(
            ClassificationHead(labels: TinyModel.labels), pooling: pooling, seed: 5)
        let target = try TemporaryFolder()
        try model.save(to: target.path)
        let restored = try TextClassifier(contentsOf: target.path)
        #expect(restored.pooling == pooling)
        #expect(restored.preparation.maximumLength == 9)
        #expect(try restored.outputs(for: texts) == model.outputs(for: texts))
        #expect(try restored.predict(texts) == model.predict(texts))
        // Once more over its own files.
        try restored.save(to: target.path)
        let again = try TextClassifier(contentsOf: target.path)
        #expect(try again.outputs(for: texts) == model.outputs(for: texts))
    }

    /// The names of the real model have no prefix; Transformers' classifier has one.
    @Test func theRealModelIsSavedAsAClassifier() throws {
        let folder = try MiniLM.folder()
        let model = try PretrainedModel.text(contentsOf: folder).attaching(
            ClassificationHead(labels: MiniLM.labels))
        let target = try TemporaryFolder()
        try model.save(to: target.path)
        let original = try SafetensorsFile(path: folder + "/model.safetensors")
        let saved = try SafetensorsFile(path: target.path + "/model.safetensors")
        let kept = original.names.filter { $0 != "embeddings.position_ids" }
        #expect(
            Set(saved.names)
                == Set(kept.map { "bert." + $0 } + ["classifier.weight", "classifier.bias"]))
        for name in kept {
            #expect(
                sameBits(try saved.required("bert." + name), try original.required(name)), "\(name)"
            )
        }
    }

    /// Half precision is converted when it is loaded, and the saved settings say so.
    @Test func aCheckpointOfHalfPrecisionIsSavedAsFloat32() throws {
        let folder = try TinyModel.folder(settings: ["torch_dtype": "float16", "dtype": "float16"])
        let path = folder.path + "/model.safetensors"
        let file = try SafetensorsFile(path: path)
        let halves = try file.names.map {
            (name: $0, tensor: try file.required($0).converted(to: .float16))
        }
        try SafetensorsFile.write(halves, metadata: ["format": "pt"], to: path)
        let model = try TextClassifier(contentsOf: folder.path)
        let target = try TemporaryFolder()
        try model.save(to: target.path)
        let saved = try SafetensorsFile(path: target.path + "/model.safetensors")
        for (name, tensor) in halves {
            #expect(sameBits(try saved.required(name), tensor.converted(to: .float32)))
        }
        let configuration = try JSON(contentsOf: target.path + "/config.json")
        #expect(configuration["dtype"] == "float32" && configuration["torch_dtype"] == "float32")
    }

    /// The tokenizer's files are kept from the moment of loading.
    @Test func aModelCanBeSavedWhenItsFolderIsGone() throws {
        let folder = try TinyModel.folder()
        let model = try TextClassifier(contentsOf: folder.path)
        try FileManager.default.removeItem(atPath: folder.path)
        let target = try TemporaryFolder()
        try model.save(to: target.path + "/new/folder")
        let restored = try TextClassifier(contentsOf: target.path + "/new/folder")
        #expect(try restored.predict("w10 w20") == model.predict("w10 w20"))
    }

    /// Whatever fails while a model is saved over another one, its folder holds one of the two or is
    /// refused.
    @Test func noFailureMixesTwoModels() throws {
        let texts = TinyModel.examples(4).inputs
        let old = try TinyModel.classifier(seed: 3)
        let head = ClassificationHead(labels: ["x", "y", "z"])
        let new = try TinyModel.classifier(head: head, seed: 4)
        let (before, after) = (try old.predict(texts), try new.predict(texts))
        let folder = try TemporaryFolder()
        try old.save(to: folder.path)
        let found = try answersAfterFailures(over: folder) {
            try new.save(to: $0)
        } answer: { path -> [Classification]? in
            do {
                return try TextClassifier(contentsOf: path).predict(texts)
            } catch PretrainedFolderError.missingConfiguration(_) {
                return nil
            }
        }
        let whole = found.compactMap { $0 }
        #expect(whole.allSatisfy { $0 == before || $0 == after })
        #expect(whole.count < found.count && whole.first == before && whole.last == after)
    }

    /// Weights in several files answer as those in one.
    @Test func shardedWeightsAreTheSameWeights() throws {
        let folder = try TinyModel.folder()
        let texts = TinyModel.examples(5).inputs
        let expected = try TextClassifier(contentsOf: folder.path).outputs(for: texts)
        let file = try SafetensorsFile(path: folder.path + "/model.safetensors")
        let tensors = try file.names.map { (name: $0, tensor: try file.required($0)) }
        let sharded = try TemporaryFolder()
        for name in ["config.json", "vocab.txt"] { try sharded.copy("\(folder.path)/\(name)") }
        let index = try ShardedSafetensors.write(
            tensors, inFolder: sharded.path, shardByteLimit: 30_000)
        #expect(index.hasSuffix("model.safetensors.index.json"))
        #expect(try TextClassifier(contentsOf: sharded.path).outputs(for: texts) == expected)
    }

    /// TensorFlow's names of normalisations, without a prefix, as BERT was first published.
    @Test func oldNamesAreUnderstood() throws {
        let folder = try TinyModel.folder()
        let path = folder.path + "/model.safetensors"
        let expected = try TinyModel.backbone().embed("w10 w20 w30")
        let file = try SafetensorsFile(path: path)
        let old = try file.names.filter { $0.hasPrefix("bert.") }.map { name in
            (
                name: String(name.dropFirst(5))
                    .replacing("LayerNorm.weight", with: "LayerNorm.gamma")
                    .replacing("LayerNorm.bias", with: "LayerNorm.beta"),
                tensor: try file.required(name)
            )
        }
        try SafetensorsFile.write(old, to: path)
        let backbone = try PretrainedModel.text(contentsOf: folder.path)
        #expect(try backbone.embed("w10 w20 w30") == expected)
        #expect(backbone.loadReport.missing.isEmpty)
        #expect(
            Set(backbone.loadReport.unused) == ["pooler.dense.weight", "pooler.dense.bias"])
        #expect(backbone.loadReport.loaded.contains("encoder.layer.1.output.LayerNorm.gamma"))
    }
}
