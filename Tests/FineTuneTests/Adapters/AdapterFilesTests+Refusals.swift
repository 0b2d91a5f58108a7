@testable import FineTune
import Foundation
import TestSupport
import Testing

/// Adapters that are damaged, that belong to another base, tokenizer or head, or that cannot be
/// saved.
extension AdapterFilesTests {
    // MARK: Refusals

    /// A copy of an adapter's folder that a test may spoil.
    private func copy(of path: String) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.copy(path + "/adapter_config.json")
        try folder.copy(path + "/adapter_model.safetensors")
        return folder
    }

    private func rewrite(
        _ folder: TemporaryFolder, _ change: (inout [(name: String, tensor: Tensor)]) -> Void
    ) throws {
        let path = folder.path + "/adapter_model.safetensors"
        let file = try SafetensorsFile(path: path)
        var tensors = try file.names.map { (name: $0, tensor: try file.required($0)) }
        change(&tensors)
        try SafetensorsFile.write(tensors, metadata: file.metadata, to: path)
    }

    /// Whatever tensor is missing, the error names it.
    @Test(arguments: ["lora", "dora", "ia3", "roberta"])
    func everyTensorMustBeThere(_ name: String) throws {
        let fixture = AdapterFixture.named(name)
        let backbone = try TinyModel.backbone(fixture.family)
        let names = try SafetensorsFile(path: fixture.path + "/adapter_model.safetensors").names
        for missing in names {
            let folder = try copy(of: fixture.path)
            try rewrite(folder) { $0.removeAll { $0.name == missing } }
            #expect(
                throws: AdapterError.missingTensors(
                    folder.path + "/adapter_model.safetensors", names: [missing])
            ) {
                try TextClassifier(
                    adapter: folder.path, on: backbone, head: AdapterFixture.head)
            }
        }
    }

    @Test func tensorsMustFit() throws {
        let fixture = AdapterFixture.named("lora")
        let backbone = try TinyModel.backbone()
        func error(_ change: (inout [(name: String, tensor: Tensor)]) -> Void) throws -> String? {
            let folder = try copy(of: fixture.path)
            try rewrite(folder, change)
            let error = #expect(throws: AdapterError.self) {
                try TextClassifier(
                    adapter: folder.path, on: backbone, head: AdapterFixture.head)
            }
            return error?.description
        }
        let extra = "base_model.model.bert.encoder.layer.0.attention.self.key.lora_A.weight"
        #expect(
            try error { $0.append((extra, Tensor(zeros: [4, 32]))) }?
                .contains("has no use for: '\(extra)'") == true)
        #expect(
            try error { $0[0].tensor = Tensor(zeros: [5, 32]) }?.contains("has the shape [5, 32]")
                == true)
        #expect(
            try error {
                $0[0].tensor = Tensor(
                    [Int32](repeating: 1, count: $0[0].tensor.elementCount),
                    shape: $0[0].tensor.shape)
            }?.contains("holds int32") == true)
    }

    /// Settings that do not fit the tensors are found before memory is asked for.
    @Test(arguments: [3, 65536])
    func theRankMustBeThatOfTheTensors(_ rank: Int) throws {
        let folder = try copy(ofRank: rank)
        let error = #expect(throws: AdapterError.self) {
            try TextClassifier(
                adapter: folder.path, on: TinyModel.backbone(), head: AdapterFixture.head)
        }
        guard case .shapeMismatch(_, let name, [rank, 32], [4, 32])? = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(name.hasSuffix("lora_A.weight"))
    }

    /// A copy of an adapter of rank 4 whose settings say another one.
    private func copy(ofRank rank: Int) throws -> TemporaryFolder {
        let folder = try copy(of: AdapterFixture.named("lora").path)
        var settings = try JSON(contentsOf: folder.path + "/adapter_config.json").object ?? [:]
        settings["r"] = JSON(rank)
        try folder.write(JSON.object(settings).serialized(), to: "adapter_config.json")
        return folder
    }

    /// Factors of a great rank and no width are in the file for nothing.
    @Test func theWidthMustBeThatOfTheMap() throws {
        let folder = try copy(ofRank: 65536)
        try rewrite(folder) { tensors in
            for index in tensors.indices where tensors[index].name.hasSuffix("lora_A.weight") {
                tensors[index].tensor = Tensor(zeros: [65536, 0])
            }
        }
        let error = #expect(throws: AdapterError.self) {
            try TextClassifier(
                adapter: folder.path, on: TinyModel.backbone(), head: AdapterFixture.head)
        }
        guard case .shapeMismatch(_, _, [65536, 32], [65536, 0])? = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
    }

    @Test func anotherBaseIsRefused() async throws {
        let (_, model) = try await trained(.lora())
        let saved = try TemporaryFolder()
        try model.saveAdapter(to: saved.path)
        let folder = try TinyModel.folder()
        let path = folder.path + "/model.safetensors"
        let file = try SafetensorsFile(path: path)
        let changed = "bert.encoder.layer.1.output.LayerNorm.bias"
        try SafetensorsFile.write(
            try file.names.map {
                let tensor = try file.required($0)
                return (name: $0, tensor: $0 == changed ? tensor * 1.0001 : tensor)
            }, to: path)
        let other = try PretrainedModel.text(contentsOf: folder.path)
        let error = #expect(throws: AdapterError.self) {
            try TextClassifier(adapter: saved.path, on: other)
        }
        guard case .otherBase(let place, let expected, let found)? = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(place == saved.path && expected != found && expected.count == 32)
        #expect(error?.description.contains(expected) == true)
        #expect(throws: AdapterError.self) {
            try TextClassifier(adapter: saved.path, on: TinyModel.backbone("roberta"))
        }
    }

    /// The same numbers under other names or in half precision are the same base only if they are
    /// the same when they are computed with.
    @Test func theSameBaseInAnotherFileIsTheSame() async throws {
        let (_, model) = try await trained(.lora())
        let saved = try TemporaryFolder()
        try model.saveAdapter(to: saved.path)
        let folder = try TinyModel.folder()
        let path = folder.path + "/model.safetensors"
        let file = try SafetensorsFile(path: path)
        try SafetensorsFile.write(
            try file.names.filter { $0.hasPrefix("bert.") }.map {
                (name: String($0.dropFirst(5)), tensor: try file.required($0))
            }, to: path)
        let same = try PretrainedModel.text(contentsOf: folder.path)
        let restored = try TextClassifier(adapter: saved.path, on: same)
        #expect(try restored.outputs(for: texts) == model.outputs(for: texts))
    }

    @Test func anotherTokenizerIsRefused() async throws {
        let (_, model) = try await trained(.lora())
        let saved = try TemporaryFolder()
        try model.saveAdapter(to: saved.path)
        let folder = try TinyModel.folder()
        let words = try String(contentsOfFile: folder.path + "/vocab.txt", encoding: .utf8)
        try folder.write(words.replacing("w50\n", with: "w5o\n"), to: "vocab.txt")
        let error = #expect(throws: AdapterError.self) {
            try TextClassifier(
                adapter: saved.path, on: PretrainedModel.text(contentsOf: folder.path))
        }
        #expect(error?.description.contains("tokenizer files with the fingerprint") == true)
    }

    @Test func anotherHeadIsRefused() async throws {
        let (backbone, model) = try await trained(.lora())
        let saved = try TemporaryFolder()
        try model.saveAdapter(to: saved.path)
        #expect(throws: AdapterError.otherHead(saved.path)) {
            try TextClassifier(
                adapter: saved.path, on: backbone,
                head: ClassificationHead(labels: TinyModel.labels.reversed()))
        }
        let same = try TextClassifier(
            adapter: saved.path, on: backbone,
            head: ClassificationHead(labels: TinyModel.labels, labelSmoothing: 0.1))
        #expect(same.head.labelSmoothing == 0.1)
        #expect(throws: HeadError.self) { try TextScorer(adapter: saved.path, on: backbone) }
    }

    /// An adapter beside which the base was trained fits no published base.
    @Test func aTrainedBaseIsNotSavedAsAnAdapter() async throws {
        let model = try TinyModel.backbone().attaching(
            ClassificationHead(labels: TinyModel.labels), adapter: .lora())
        let phase = Plan.Phase(
            stages: .top(1), epochs: 1, headRate: 1e-3, stageRate: 1e-3, adapterRate: 1e-3)
        try await Trainer(
            model, plan: Plan(name: "both", phases: [phase]),
            settings: TrainingSettings(schedule: .constant)
        ).fit(on: TinyModel.examples(30))
        let folder = try TemporaryFolder()
        let error = #expect(throws: AdapterError.self) { try model.saveAdapter(to: folder.path) }
        #expect(error?.description.contains("encoder.layer.1") == true)
        try model.save(to: folder.path + "/whole")
    }

    @Test func aMergedAdapterIsNotSaved() throws {
        let model = try TinyModel.backbone().attaching(
            ClassificationHead(labels: TinyModel.labels), adapter: .lora())
        try model.mergeAdapter()
        #expect(throws: AdapterError.isMerged) { try model.saveAdapter(to: "/nowhere") }
    }

    @Test(arguments: ["", "{", "{\"version\": 2}", "{\"version\": 1, \"pooling\": \"cls\"}"])
    func anUnreadableRecordIsRefused(_ record: String) throws {
        let folder = try copy(of: AdapterFixture.named("lora").path)
        let path = folder.path + "/adapter_model.safetensors"
        let file = try SafetensorsFile(path: path)
        try SafetensorsFile.write(
            try file.names.map { (name: $0, tensor: try file.required($0)) },
            metadata: ["swift_finetune": JSON(record)], to: path)
        let error = #expect(throws: AdapterError.self) {
            try TextClassifier(
                adapter: folder.path, on: TinyModel.backbone(), head: AdapterFixture.head)
        }
        #expect(error?.description.contains("'swift_finetune' of its metadata") == true)
    }
}
