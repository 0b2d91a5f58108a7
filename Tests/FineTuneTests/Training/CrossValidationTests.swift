@testable import FineTune
import Tensor
import TestSupport
import Testing

@Suite struct CrossValidationTests {
    private let data = TinyModel.examples(61)
    private let head = ClassificationHead(labels: TinyModel.labels)

    @Test func everyExampleIsHeldOutOnce() async throws {
        let trained = Locked<[[String]]>([])
        let result = try await TinyModel.backbone().crossValidate(
            head, on: data, folds: 4, seed: 3
        ) { model, train in
            trained.withLock { $0.append(train.inputs) }
            try await model.solveHead(on: train, with: .ridge(penalty: .fixed(10)))
        }
        let parts = trained.withLock { $0 }
        #expect(parts.count == 4)
        for text in data.inputs { #expect(parts.count { $0.contains(text) } == 3) }
        #expect(result.folds.map(\.count).reduce(0, +) == 61)
        // The classes are spread evenly: each of three has a third of every part.
        for metrics in result.folds {
            #expect(metrics.classes.allSatisfy { (5...6).contains($0.targetCount) })
        }
    }

    @Test func aFoldIsWhatTrainingAndMeasuringAloneGive() async throws {
        let backbone = try TinyModel.backbone()
        let plan = Plan.headOnly(epochs: 1)
        let result = try await backbone.crossValidate(head, on: data, folds: 3, seed: 9) {
            try await Trainer($0, plan: plan).fit(on: $1)
        }
        let parts = stratifiedFolds(
            of: try head.encoded(data.targets), count: 3, seed: 9)
        let model = try backbone.attaching(head, seed: 9)
        try await Trainer(model, plan: plan).fit(
            on: data.selecting(data.indices.filter { parts[$0] != 1 }))
        let alone = try model.evaluate(
            on: data.selecting(data.indices.filter { parts[$0] == 1 }))
        #expect(result.folds[1] == alone)
    }

    /// What stays as it was pretrained computes each example once for all folds; what has trained is
    /// asked again for the part that was held out.
    @Test func foldsShareFeatures() async throws {
        let (model, counts) = try TinyModel.countingClassifier()
        let backbone = try PretrainedModel(
            preparation: model.preparation, architecture: model.architecture, pooling: .mean,
            normalizesEmbeddings: false)
        for pooling in [Pooling.mean, .pooler] {
            _ = try await backbone.crossValidate(head, on: data, folds: 3, pooling: pooling) {
                try await Trainer($0, plan: .headOnly(epochs: 2)).fit(on: $1)
            }
            #expect(counts.take("layer 0") == 61 && counts.take("layer 1") == 61)
            _ = try await backbone.crossValidate(head, on: data, folds: 3, pooling: pooling) {
                try await $0.solveHead(on: $1, with: .ridge(penalty: .fixed(10)))
            }
            #expect(counts.take("layer 0") == 61 && counts.take("layer 1") == 61)
            _ = try await backbone.crossValidate(head, on: data, folds: 3, pooling: pooling) {
                try await Trainer($0, plan: .top(1, epochs: 2)).fit(on: $1)
            }
            #expect(counts.take("layer 0") == 61 + 61)
            #expect(counts.take("layer 1") == 2 * 2 * 61 + 61)
        }
    }

    @Test func meanAndSpreadAreThoseOfTheScores() {
        func metrics(_ hits: Int) -> ClassificationMetrics {
            ClassificationMetrics(
                predictions: (0..<10).map { $0 < hits ? 0 : 1 },
                targets: [Int](repeating: 0, count: 10), labels: ["a", "b"])
        }
        let result = CrossValidation(folds: [metrics(6), metrics(8), metrics(10)])
        #expect(result.scores == [0.6, 0.8, 1])
        #expect(abs(result.mean - 0.8) < 1e-12 && abs(result.standardDeviation - 0.2) < 1e-12)
        #expect(abs(result.mean(\.accuracy) - 0.8) < 1e-12)
        #expect("\(result)" == "accuracy 0.800 ± 0.200 over 3 folds (0.600, 0.800, 1.000)")
        #expect(CrossValidation(folds: [metrics(6)]).standardDeviation == 0)
    }

    @Test func numbersAreCutWithoutClasses() async throws {
        let numbers = ScoredTexts(
            inputs: data.inputs, targets: data.inputs.indices.map { Double($0 % 3) })
        let result = try await TinyModel.backbone().crossValidate(
            RegressionHead(), on: numbers, folds: 5
        ) { try await $0.solveHead(on: $1, with: .ridge()) }
        #expect(result.folds.map(\.count).sorted() == [12, 12, 12, 12, 13])
    }

    @Test(arguments: [-1, 0, 1, 62])
    func impossibleFoldsAreAnError(_ folds: Int) async throws {
        let backbone = try TinyModel.backbone()
        await #expect(throws: CrossValidationError.unusableFolds(folds, examples: 61)) {
            try await backbone.crossValidate(head, on: data, folds: folds) { _, _ in }
        }
    }

    @Test func whatTrainingThrowsComesThrough() async throws {
        let backbone = try TinyModel.backbone()
        await #expect(throws: TrainingError.emptyPlan) {
            try await backbone.crossValidate(head, on: data) {
                try await Trainer($0, plan: .headOnly(epochs: 0)).fit(on: $1)
            }
        }
    }
}
