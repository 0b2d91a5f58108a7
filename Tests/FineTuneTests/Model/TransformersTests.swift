import FineTune
import Foundation
import Testing

/// Transformers and PEFT load what is saved here and compute the same logits.
///
/// Runs where `FINETUNE_TRANSFORMERS_CHECK` names a program that is called like
/// `Tests/Transformers/run.sh`, which needs Python. It is called once for all, since Python takes
/// longer to begin than to check a folder.
@Suite(.enabled(if: ReferenceCheck.program != nil, "FINETUNE_TRANSFORMERS_CHECK names no program"))
struct TransformersTests {
    @Test func whatIsSavedLoads() async throws {
        var saved = [try await fineTunedRealModel(), try await adaptedRealModel()]
        for family in ["bert", "distilbert"] {
            saved.append(try await fineTunedTinyModel(family))
            for adapter in Adapter.samples {
                saved.append(try await adaptedTinyModel(family, adapter))
            }
        }
        #expect(try ReferenceCheck.run(saved.flatMap(\.arguments)) >= saved.count)
    }

    private func fineTunedRealModel() async throws -> SavedFolder {
        let labels = ["number", "person", "place"]
        let model = try PretrainedModel.text(contentsOf: MiniLM.folder(), maximumLength: 128)
            .attaching(ClassificationHead(labels: labels))
        let texts = try MiniLM.texts()
        let data = LabeledTexts(
            texts: Array(texts.prefix(48)), labels: (0..<48).map { labels[$0 % 3] })
        let settings = TrainingSettings(schedule: .constant, batch: .examples(8))
        try await Trainer(model, plan: .full(epochs: 2, learningRate: 3e-4), settings: settings)
            .fit(on: data)
        return try SavedFolder(model, texts: texts, maximumTokens: 128)
    }

    /// Without a tokenizer.json Transformers builds the tokenizer from vocab.txt, as we do.
    private func fineTunedTinyModel(_ family: String) async throws -> SavedFolder {
        let data = TinyModel.examples(60)
        let model = try TinyModel.classifier(family)
        try await Trainer(model, plan: .full(epochs: 2, learningRate: 1e-3)).fit(on: data)
        return try SavedFolder(model, texts: data.inputs, maximumTokens: nil)
    }

    /// After a training that moves every number.
    private func adaptedTinyModel(_ family: String, _ adapter: Adapter) async throws -> SavedFolder
    {
        let folder = try TinyModel.folder(family)
        let model = try PretrainedModel.text(contentsOf: folder.path).attaching(
            ClassificationHead(labels: TinyModel.labels), adapter: adapter)
        let data = TinyModel.examples(60)
        try await Trainer(
            model, plan: .adapter(epochs: 3, learningRate: 0.02),
            settings: TrainingSettings(schedule: .constant)
        ).fit(on: data)
        return try SavedFolder(
            model, texts: data.inputs, maximumTokens: nil, base: folder.path)
    }

    /// On layers whose short names would mean others too.
    private func adaptedRealModel() async throws -> SavedFolder {
        let model = try PretrainedModel.text(contentsOf: MiniLM.folder(), maximumLength: 128)
            .attaching(
                ClassificationHead(labels: ["number", "person"]),
                adapter: .lora(layers: [.query, .value, .feedForwardOut]))
        let texts = Array(try MiniLM.texts().prefix(24))
        let data = LabeledTexts(
            texts: texts, labels: texts.indices.map { $0 % 2 == 0 ? "number" : "person" })
        try await Trainer(model, plan: .adapter(epochs: 2, learningRate: 5e-3)).fit(on: data)
        return try SavedFolder(
            model, texts: texts, maximumTokens: 128, base: MiniLM.folder())
    }
}

/// A model that was saved, and what it predicts after it was loaded again.
private struct SavedFolder {
    private let folder: TemporaryFolder
    private let base: String?

    /// What the program is called with.
    var arguments: [String] { [folder.path + "/model", folder.path + "/logits.json", base ?? "-"] }

    init(_ model: TextClassifier, texts: [String], maximumTokens: Int?, base: String? = nil) throws
    {
        (folder, self.base) = (try TemporaryFolder(), base)
        let saved = folder.path + "/model"
        let restored: TextClassifier
        if let base {
            try model.saveAdapter(to: saved)
            let backbone = try PretrainedModel.text(
                contentsOf: base, maximumLength: maximumTokens)
            restored = try TextClassifier(adapter: saved, on: backbone)
        } else {
            try model.save(to: saved)
            restored = try TextClassifier(contentsOf: saved)
        }
        let logits = try restored.outputs(for: texts)
        var content: JSON.Object = [
            "texts": .array(texts.map { JSON($0) }),
            "logits": .array(logits.map { .array($0.map { JSON(Double($0)) }) }),
            "labels": .array(model.head.labelNames.map { JSON($0) }),
        ]
        if let maximumTokens { content["maximumTokens"] = JSON(maximumTokens) }
        try folder.write(JSON.object(content).serialized(), to: "logits.json")
    }
}
