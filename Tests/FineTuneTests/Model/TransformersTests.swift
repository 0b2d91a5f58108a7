import FineTune
import Foundation
import Testing

/// Transformers loads what is saved here and computes the same logits.
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

    private func expectSameLogits(
        _ model: TextClassifier, texts: [String], maximumTokens: Int?
    ) throws {
        let folder = try TemporaryFolder()
        try model.save(to: folder.path + "/model")
        let logits = try TextClassifier(contentsOf: folder.path + "/model").outputs(for: texts)
        var content: JSON.Object = [
            "texts": .array(texts.map { JSON($0) }),
            "logits": .array(logits.map { .array($0.map { JSON(Double($0)) }) }),
            "labels": .array(model.head.labelNames.map { JSON($0) }),
        ]
        if let maximumTokens { content["maximumTokens"] = JSON(maximumTokens) }
        try folder.write(JSON.object(content).serialized(), to: "logits.json")

        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "bash", try #require(check), folder.path + "/model", folder.path + "/logits.json",
        ]
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
