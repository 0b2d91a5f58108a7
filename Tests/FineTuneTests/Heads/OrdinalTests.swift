@testable import FineTune
import TestSupport
import Testing

@Suite struct OrdinalTests {
    private let labels = ["bad", "fair", "good", "great"]

    @Test func theAnswerIsTheHighestLevelThatIsReached() {
        // σ(2) = 0.8808, σ(0.5) = 0.6225, σ(−1) = 0.2689.
        let outputs = Tensor([2, 0.5, -1, -9, -9, -9, 9, 9, 9] as [Float], shape: [3, 3])
        let answers = OrdinalHead(labels: labels).predictions(from: outputs)
        #expect(answers.map(\.label) == ["good", "bad", "great"])
        #expect(answers.map(\.rank) == [2, 0, 3])
        let expected = [0.119_202_922, 0.258_337_747, 0.353_517_910, 0.268_941_421]
        for (found, wanted) in zip(answers[0].probabilities, expected) {
            #expect(abs(found - wanted) < 1e-6)
        }
        #expect(abs(answers[0].expectedRank - 1.772_197_830) < 1e-6)
        #expect("\(answers[0])" == "good (35%)")
    }

    @Test func anAnswerThatIsNoNumberIsShown() {
        let level = OrdinalPrediction(
            label: "bad", rank: 0, probabilities: [.nan], expectedRank: .nan)
        #expect("\(level)" == "bad (nan%)")
        let answer = Classification(label: "a", probability: .infinity, probabilities: [.infinity])
        #expect("\(answer)" == "a (inf%)")
    }

    /// A higher level is never more probably reached than a lower one.
    @Test func probabilitiesAreInOrder() {
        let outputs = Tensor([-1, 2, -2] as [Float], shape: [1, 3])
        let answer = OrdinalHead(labels: labels).predictions(from: outputs)[0]
        #expect(answer.rank == 0 && answer.probabilities[1] == 0)
        #expect(answer.probabilities.allSatisfy { $0 >= 0 })
        #expect(abs(answer.probabilities.reduce(0, +) - 1) < 1e-12)
    }

    @Test(arguments: TinyModel.families)
    func levelsAreLearnedAndSaved(_ family: String) async throws {
        let examples = TinyModel.examples(60)
        let ranks = ["a": "low", "b": "middle", "c": "high"]
        let data = LabeledTexts(
            inputs: examples.inputs, targets: examples.targets.map { ranks[$0] ?? "" })
        let model = try TinyModel.backbone(family, settings: TinyModel.withoutDropout)
            .attaching(OrdinalHead(labels: ["low", "middle", "high"]), seed: 2)
        let before = model.network.bias.value.elements(as: Float.self)
        #expect(before == [1, 0.5])
        let report = try await Trainer(
            model, plan: .full(epochs: 12, learningRate: 3e-3),
            settings: TrainingSettings(batch: .examples(8))
        ).fit(on: data, validating: data)
        #expect(try #require(report.metrics).accuracy > 0.8, "\(report)")
        #expect(try #require(report.metrics).quadraticWeightedKappa > 0.7)
        let folder = try TemporaryFolder()
        try model.save(to: folder.path)
        let restored = try FineTunedModel<TextPreparation, OrdinalHead>(contentsOf: folder.path)
        #expect(try restored.predict(data.inputs) == model.predict(data.inputs))
        #expect(restored.head.labelNames == ["low", "middle", "high"])
        #expect(throws: HeadError.self) { try TextClassifier(contentsOf: folder.path) }
    }

    @Test func metricsByHand() {
        let metrics = OrdinalMetrics(
            predictions: [0, 1, 2, 3], targets: [0, 1, 2, 1], labels: labels)
        #expect(metrics.meanAbsoluteError == 0.5 && metrics.accuracy == 0.75)
        // Observed 4 of 4; expected by chance (0 + 1 + 4 + 9) + 2 · (1 + 0 + 1 + 4) + (4 + 1 + 0 + 1)
        // of 16: 1 − 4 · 4 / 32.
        #expect(metrics.quadraticWeightedKappa == 0.5)
        #expect("\(metrics)".hasPrefix("mean absolute error 0.500, quadratic weighted kappa 0.500"))
        #expect(
            OrdinalMetrics(predictions: [1, 1], targets: [1, 1], labels: labels)
                .quadraticWeightedKappa == 0)
        #expect(
            OrdinalMetrics(predictions: [], targets: [], labels: labels).meanAbsoluteError == 0)
    }

    @Test func mistakesAreErrors() throws {
        #expect(throws: HeadError.self) {
            try TinyModel.backbone().attaching(OrdinalHead(labels: ["only"]))
        }
        #expect(throws: HeadError.singleClass("fair")) {
            try OrdinalHead(labels: labels).checkTrainable([1, 1])
        }
        #expect(throws: HeadError.self) { try OrdinalHead(labels: labels).encoded(["best"]) }
        #expect(throws: HeadError.self) {
            try OrdinalHead(configuration: ["problem_type": "regression", "id2label": [:]])
        }
    }
}
