@testable import FineTune
import TestSupport
import Testing

/// Adapters' folders: what is saved loads, what PEFT wrote is written again, and what does not fit
/// is refused.
@Suite struct AdapterFilesTests {
    let texts = TinyModel.examples(15).inputs

    func trained(
        _ adapter: Adapter, family: String = "bert", pooling: Pooling = .pooler,
        maximumLength: Int? = nil
    ) async throws -> (backbone: PretrainedModel<TextPreparation>, model: TextClassifier) {
        let backbone = try TinyModel.backbone(family, maximumLength: maximumLength)
        let model = try backbone.attaching(
            ClassificationHead(labels: TinyModel.labels), adapter: adapter, pooling: pooling)
        try await Trainer(
            model, plan: .adapter(epochs: 2, learningRate: 0.01),
            settings: TrainingSettings(schedule: .constant)
        ).fit(on: TinyModel.examples(40))
        return (backbone, model)
    }

    // MARK: Our own

    @Test(arguments: TinyModel.families, Adapter.samples)
    func whatIsSavedLoads(_ family: String, _ adapter: Adapter) async throws {
        let (backbone, model) = try await trained(adapter, family: family)
        let folder = try TemporaryFolder()
        try model.saveAdapter(to: folder.path + "/new/adapter")
        let restored = try TextClassifier(adapter: folder.path + "/new/adapter", on: backbone)
        #expect(restored.head.labelNames == TinyModel.labels)
        let (found, expected) = (try restored.outputs(for: texts), try model.outputs(for: texts))
        if adapter.method == .piSSA {
            #expect(restored.adapter == .lora(rank: 8, alpha: 8))
            for (a, b) in zip(found.joined(), expected.joined()) { #expect(abs(a - b) < 1e-5) }
        } else {
            #expect(restored.adapter == adapter)
            #expect(found == expected)
        }
        // Only what was trained is in the file: a fraction of the model.
        let file = try SafetensorsFile(path: folder.path + "/new/adapter/adapter_model.safetensors")
        #expect(file.names.allSatisfy { $0.hasPrefix("base_model.model.") })
        #expect(!file.names.contains { $0.contains("embeddings") || $0.contains("LayerNorm") })
        // Once more from what was loaded.
        try restored.saveAdapter(to: folder.path + "/again")
        let again = try TextClassifier(adapter: folder.path + "/again", on: backbone)
        #expect(try again.outputs(for: texts) == found)
    }

    @Test(arguments: Pooling.ofTexts)
    func poolingAndLengthComeBack(_ pooling: Pooling) async throws {
        let (_, model) = try await trained(.lora(), pooling: pooling, maximumLength: 9)
        let folder = try TemporaryFolder()
        try model.saveAdapter(to: folder.path)
        // The backbone was opened with another limit.
        let restored = try TextClassifier(adapter: folder.path, on: TinyModel.backbone())
        #expect(restored.pooling == pooling)
        #expect(restored.preparation.maximumLength == 9)
        #expect(try restored.outputs(for: texts) == model.outputs(for: texts))
    }

    /// Taggers of words have adapters too.
    @Test func aTaggerComesBack() async throws {
        let folder = try TinyModel.folder()
        let backbone = try PretrainedModel.words(contentsOf: folder.path, maximumLength: 11)
        let head = TokenClassificationHead(labels: ["O", "B-A"])
        let model = try backbone.attaching(head, adapter: .doRA(rank: 2))
        let texts = (0..<24).map { ["w\(10 + $0)", "w7", "w\(60 - $0)"] }
        let data = Dataset(
            texts.enumerated().map {
                Example(
                    input: $0.element,
                    target: $0.offset % 2 == 0 ? ["O", "O", "B-A"] : ["B-A", "O", "O"])
            })
        try await Trainer(model, plan: .adapter(epochs: 2, learningRate: 0.01)).fit(on: data)
        let target = try TemporaryFolder()
        try model.saveAdapter(to: target.path)
        #expect(try AdapterFolder(path: target.path).settings.task == .tokenClassification)
        let restored = try WordTagger(
            adapter: target.path, on: .words(contentsOf: folder.path))
        #expect(restored.preparation.maximumLength == 11)
        #expect(try restored.outputs(for: texts) == model.outputs(for: texts))
        // A head of texts is none of words.
        #expect(throws: (any Error).self) {
            try TextClassifier(
                adapter: target.path, on: PretrainedModel.text(contentsOf: folder.path))
        }
    }

    /// A loaded adapter trains on.
    @Test func aLoadedAdapterTrains() async throws {
        let (backbone, model) = try await trained(.doRA(rank: 2))
        let folder = try TemporaryFolder()
        try model.saveAdapter(to: folder.path)
        let restored = try TextClassifier(adapter: folder.path, on: backbone)
        for target in [model, restored] {
            try await Trainer(target, plan: .adapter(epochs: 1)).fit(on: TinyModel.examples(30))
        }
        #expect(try restored.outputs(for: texts) == model.outputs(for: texts))
    }

    @Test func whatPEFTNeedsIsThere() async throws {
        let (_, model) = try await trained(.rsLoRA(rank: 3, alpha: 6, dropoutRate: 0.25))
        let folder = try TemporaryFolder()
        try model.saveAdapter(to: folder.path)
        let settings = try JSON(contentsOf: folder.path + "/adapter_config.json")
        #expect(settings["peft_type"] == "LORA" && settings["task_type"] == "SEQ_CLS")
        #expect(settings["r"] == 3 && settings["lora_alpha"] == 6)
        #expect(settings["lora_dropout"] == 0.25)
        #expect(settings["use_rslora"] == true && settings["use_dora"] == false)
        #expect(settings["modules_to_save"] == ["classifier"])
        #expect(
            settings["target_modules"] == ["attention.self.query", "attention.self.value"])
        let file = try SafetensorsFile(path: folder.path + "/adapter_model.safetensors")
        let layer = "base_model.model.bert.encoder.layer.1.attention.self.query"
        #expect(file.shape(of: layer + ".lora_A.weight") == [3, 32])
        #expect(file.shape(of: layer + ".lora_B.weight") == [32, 3])
        #expect(file.names.count == 10 && file.metadata["format"] == "pt")
    }

    /// `output.dense` would also mean `attention.output.dense`.
    @Test func namesThatWouldMeanMoreAreWrittenWhole() throws {
        let model = try TinyModel.backbone().attaching(
            ClassificationHead(labels: TinyModel.labels),
            adapter: .lora(layers: [.feedForwardOut]))
        let folder = try TemporaryFolder()
        try model.saveAdapter(to: folder.path)
        let settings = try JSON(contentsOf: folder.path + "/adapter_config.json")
        #expect(
            settings["target_modules"] == [
                "bert.encoder.layer.0.output.dense", "bert.encoder.layer.1.output.dense",
            ])
    }

    /// Parts of the head that the base lacks are saved too.
    @Test func aFreshPoolerIsSaved() async throws {
        let folder = try TinyModel.folder("distilbert")
        let path = folder.path + "/model.safetensors"
        let file = try SafetensorsFile(path: path)
        let kept = try file.names.filter { $0.hasPrefix("distilbert.") }.map {
            (name: $0, tensor: try file.required($0))
        }
        try SafetensorsFile.write(kept, to: path)
        let backbone = try PretrainedModel.text(contentsOf: folder.path)
        let model = try backbone.attaching(
            ClassificationHead(labels: TinyModel.labels), adapter: .lora(), seed: 9)
        try await Trainer(model, plan: .adapter(epochs: 1)).fit(on: TinyModel.examples(30))
        let target = try TemporaryFolder()
        try model.saveAdapter(to: target.path)
        let settings = try JSON(contentsOf: target.path + "/adapter_config.json")
        #expect(settings["modules_to_save"] == ["classifier", "pre_classifier"])
        let restored = try TextClassifier(adapter: target.path, on: backbone)
        #expect(try restored.outputs(for: texts) == model.outputs(for: texts))
    }

    /// Whatever fails while an adapter is saved over another one, its folder holds one of the two or is
    /// refused.
    @Test func noFailureMixesTwoAdapters() async throws {
        let (backbone, old) = try await trained(.lora(rank: 4, alpha: 8))
        let (_, new) = try await trained(.lora(rank: 4, alpha: 1))
        let (before, after) = (try old.outputs(for: texts), try new.outputs(for: texts))
        #expect(before != after)
        let folder = try TemporaryFolder()
        try old.saveAdapter(to: folder.path)
        let found = try answersAfterFailures(over: folder) {
            try new.saveAdapter(to: $0)
        } answer: { path -> [[Float]]? in
            do {
                return try TextClassifier(adapter: path, on: backbone).outputs(for: texts)
            } catch AdapterFolderError.missingFile(_, name: "adapter_config.json", _) {
                return nil
            }
        }
        let whole = found.compactMap { $0 }
        #expect(whole.allSatisfy { $0 == before || $0 == after })
        #expect(whole.count < found.count && whole.first == before && whole.last == after)
    }

    // MARK: PEFT's

    /// What PEFT wrote is written again with the same names and numbers.
    @Test(arguments: AdapterFixture.all.filter { $0.method != .piSSA })
    func whatPEFTWroteIsWrittenAgain(_ fixture: AdapterFixture) throws {
        let model = try fixture.model()
        let folder = try TemporaryFolder()
        try model.saveAdapter(to: folder.path)
        let original = try SafetensorsFile(path: fixture.path + "/adapter_model.safetensors")
        let saved = try SafetensorsFile(path: folder.path + "/adapter_model.safetensors")
        #expect(Set(saved.names) == Set(original.names))
        for name in original.names {
            #expect(sameBits(try saved.required(name), try original.required(name)), "\(name)")
        }
        let before = try AdapterFolder(path: fixture.path).settings
        let after = try AdapterFolder(path: folder.path).settings
        #expect(before.method == after.method && before.rank == after.rank)
        #expect(abs(before.alpha - after.alpha) < 1e-9)
        let restored = try TextClassifier(
            adapter: folder.path, on: TinyModel.backbone(fixture.family))
        let items = try fixture.expected().tokenizedTexts()
        #expect(
            mismatch(
                try restored.outputs(for: items), doubles(try model.outputs(for: items)),
                within: Tolerance(absolute: 1e-6)) == nil)
    }

    @Test func aPiSSAIsWrittenAsALoRAOfTwiceTheRank() throws {
        let fixture = AdapterFixture.named("pissa")
        let folder = try TemporaryFolder()
        try fixture.model().saveAdapter(to: folder.path)
        let settings = try AdapterFolder(path: folder.path).settings
        #expect(settings.method == .lora && settings.rank == 8 && settings.alpha == 16)
        let restored = try TextClassifier(adapter: folder.path, on: TinyModel.backbone())
        let expected = try fixture.expected()
        #expect(
            mismatch(
                try restored.outputs(for: expected.tokenizedTexts()),
                try expected.doubles("logits"), within: Tolerance(absolute: 5e-6)) == nil)
    }

    /// PEFT's files say nothing of labels.
    @Test func aHeadMustBeGivenForPEFT() throws {
        let path = AdapterFixture.named("lora").path
        let error = #expect(throws: AdapterError.self) {
            try TextClassifier(adapter: path, on: TinyModel.backbone())
        }
        #expect(error?.description.contains("give it as 'head:'") == true)
        let backbone = try TinyModel.backbone()
        #expect(throws: AdapterError.self) {
            try TextClassifier(
                adapter: path, on: backbone, head: ClassificationHead(labels: ["a", "b"]))
        }
    }
}
