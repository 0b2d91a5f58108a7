import FineTune
import Foundation
import Testing

/// Transformers and PEFT load what is saved here and compute the same logits.
///
/// Runs where `FINETUNE_TRANSFORMERS_CHECK` names a program that is called like
/// `Tests/Transformers/run.sh`, which needs Python.
@Suite(.enabled(if: check != nil, "FINETUNE_TRANSFORMERS_CHECK names no program"))
struct TransformersTests {
    @Test func theFineTunedRealModelLoads() async throws {
        let labels = ["number", "person", "place"]
        let model = try PretrainedModel.text(contentsOf: MiniLM.folder(), maximumLength: 128)
            .attaching(ClassificationHead(labels: labels))
        let texts = try MiniLM.texts()
        let data = LabeledTexts(
            texts: Array(texts.prefix(48)), labels: (0..<48).map { labels[$0 % 3] })
        let settings = TrainingSettings(schedule: .constant, batch: .examples(8))
        try await Trainer(model, plan: .full(epochs: 2, learningRate: 3e-4), settings: settings)
            .fit(on: data)
        try expectSameLogits(model, texts: texts, maximumTokens: 128)
    }

    /// Without a tokenizer.json Transformers builds the tokenizer from vocab.txt, as we do.
    @Test(arguments: ["bert", "distilbert"])
    func theTinyModelsLoad(_ family: String) async throws {
        let data = TinyModel.examples(60)
        let model = try TinyModel.classifier(family)
        try await Trainer(model, plan: .full(epochs: 2, learningRate: 1e-3)).fit(on: data)
        try expectSameLogits(model, texts: data.inputs, maximumTokens: nil)
    }

    /// Of every kind, on every family, after a training that moves every number.
    @Test(arguments: ["bert", "distilbert"], Adapter.samples)
    func adaptersLoadInPEFT(_ family: String, _ adapter: Adapter) async throws {
        let folder = try TinyModel.folder(family)
        let model = try PretrainedModel.text(contentsOf: folder.path).attaching(
            ClassificationHead(labels: TinyModel.labels), adapter: adapter)
        let data = TinyModel.examples(60)
        try await Trainer(
            model, plan: .adapter(epochs: 3, learningRate: 0.02),
            settings: TrainingSettings(schedule: .constant)
        ).fit(on: data)
        try expectSameLogits(model, texts: data.inputs, maximumTokens: nil, base: folder.path)
    }

    /// On layers whose short names would mean others too.
    @Test func anAdapterOfTheRealModelLoadsInPEFT() async throws {
        let model = try PretrainedModel.text(contentsOf: MiniLM.folder(), maximumLength: 128)
            .attaching(
                ClassificationHead(labels: ["number", "person"]),
                adapter: .lora(layers: [.query, .value, .feedForwardOut]))
        let texts = Array(try MiniLM.texts().prefix(24))
        let data = LabeledTexts(
            texts: texts, labels: texts.indices.map { $0 % 2 == 0 ? "number" : "person" })
        try await Trainer(model, plan: .adapter(epochs: 2, learningRate: 5e-3)).fit(on: data)
        try expectSameLogits(
            model, texts: texts, maximumTokens: 128, base: MiniLM.folder())
    }

    private func expectSameLogits(
        _ model: TextClassifier, texts: [String], maximumTokens: Int?, base: String? = nil
    ) throws {
        let folder = try TemporaryFolder()
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

        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                "bash", try #require(check), saved, folder.path + "/logits.json",
            ] + (base.map { [$0] } ?? [])
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let line = String(decoding: output, as: UTF8.self)
        print(line, terminator: "")
        #expect(process.terminationStatus == 0, "\(line)")
    }
}

private let check = ProcessInfo.processInfo.environment["FINETUNE_TRANSFORMERS_CHECK"]
