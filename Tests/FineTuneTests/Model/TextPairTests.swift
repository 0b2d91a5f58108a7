@testable import FineTune
import TestSupport
import Testing

@Suite struct TextPairTests {
    /// Whether two texts begin with the same word: nothing that one of them could tell.
    private func pairs(_ count: Int, seed: UInt64) -> LabeledPairs {
        var generator = SplitMix64(seed: seed)
        return LabeledPairs(
            (0..<count).map { index in
                let first = generator.next(below: 2)
                let second = index % 2 == 0 ? first : 1 - first
                let filler = "w\(60 + generator.next(below: 60))"
                return Example(
                    input: TextPair("w\(10 + first)", "w\(10 + second) \(filler)"),
                    target: index % 2 == 0 ? "same" : "other")
            })
    }

    @Test(arguments: ["bert", "distilbert"])
    func pairsAreLearnedAndSaved(_ family: String) async throws {
        let data = pairs(80, seed: 1)
        let model = try TinyModel.backbone(family, settings: TinyModel.withoutDropout).pairs()
            .attaching(ClassificationHead(labels: ["same", "other"]), seed: 1)
        let report = try await Trainer(
            model, plan: .full(epochs: 30, learningRate: 3e-3),
            settings: TrainingSettings(batch: .examples(8))
        ).fit(on: data, validating: data)
        #expect(try #require(report.metrics).accuracy > 0.9, "\(report)")
        let folder = try TemporaryFolder()
        try model.save(to: folder.path)
        let restored = try FineTunedModel<TextPairPreparation, ClassificationHead>(
            contentsOf: folder.path)
        #expect(try restored.predict(data.inputs) == model.predict(data.inputs))
        // It is a sequence classifier of Transformers, which reads the pair in the same way.
        let architectures = try JSON(contentsOf: folder.path + "/config.json")["architectures"]
        let name = try #require(architectures?.array?.first?.string)
        #expect(name.hasSuffix("ForSequenceClassification"))
    }

    @Test func aPairIsOneSequenceWithTwoTypes() throws {
        let preparation = try TinyModel.backbone().pairs().preparation
        let item = try preparation.prepared(TextPair("w5 w6", "w7"))
        // [CLS] w5 w6 [SEP] w7 [SEP]
        #expect(item.ids == [2, 5, 6, 3, 7, 3])
        #expect(item.typeIDs == [0, 0, 0, 0, 1, 1])
        #expect(preparation.isEmpty(try preparation.prepared(TextPair("", ""))))
        #expect(!preparation.isEmpty(try preparation.prepared(TextPair("", "w5"))))
        let short = try TinyModel.backbone(maximumLength: 6).pairs().preparation
        let cut = try short.prepared(TextPair("w5 w6 w7 w8", "w9"))
        #expect(
            cut.ids == [2, 5, 6, 3, 9, 3] && short.isTruncated(cut) && short.size(of: cut) == 6)
        // A token of each text always has room.
        let shortest = try TinyModel.backbone(maximumLength: 1).pairs().preparation
        #expect(shortest.maximumLength == 5)
        #expect(try shortest.prepared(TextPair("w5 w6", "w7 w8")).ids == [2, 5, 3, 7, 3])
    }

    @Test func pairsWorkWithClosedFormsAndOtherHeads() async throws {
        let backbone = try TinyModel.backbone().pairs()
        let data = pairs(40, seed: 2)
        let classifier = try backbone.attaching(ClassificationHead(labels: ["same", "other"]))
        let report = try await classifier.solveHead(on: data, with: .ridge(), validating: data)
        #expect(try #require(report.metrics).accuracy > 0.5)
        let scorer = try backbone.attaching(RegressionHead())
        #expect(try scorer.predict(data.inputs).count == 40)
        #expect(try backbone.embed(data.inputs[0]).count == 32)
    }

    /// BERT's tokenizer gives the second text a type that a RoBERTa has no embedding of.
    @Test func aModelOfOneTypeIsRefused() throws {
        let text = try TinyModel.backbone("roberta")
        let error = #expect(throws: ModelError.self) { try text.pairs() }
        guard case .tokenTypes(_, tokenizer: 2, model: 1) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let path = try TinyModel.folder("roberta").path
        #expect(throws: ModelError.tokenTypes(path, tokenizer: 2, model: 1)) {
            try FineTunedModel<TextPairPreparation, ClassificationHead>(contentsOf: path)
        }
    }
}
