@testable import FineTune
import Foundation
import TestSupport
import Testing

/// The edges of a run's data: each an error that says what to do, or a defined result. Empty data and
/// texts, unknown labels, a single class, long texts and foreign tokenizers are in `ModelErrorTests`,
/// batches of one picture in `BatchNormTests`.
@Suite struct EdgeTests {
    /// What a step of the run reports.
    private func fit(
        _ model: TextClassifier, on data: LabeledTexts, batch: Int
    ) async throws -> (steps: [TrainingProgress], report: TrainingReport<ClassificationMetrics>) {
        let trainer = Trainer(
            model, plan: .full(epochs: 2, learningRate: 1e-3),
            settings: TrainingSettings(schedule: .constant, batch: .examples(batch)))
        var steps: [TrainingProgress] = []
        trainer.listen { if case .step(let step) = $0 { steps.append(step) } }
        let report = try await trainer.fit(on: data)
        return (steps, report)
    }

    /// The mean of −log of the probability of each example's label.
    private func meanLoss(of model: TextClassifier, on data: LabeledTexts) throws -> Double {
        let answers = try model.predict(data.inputs)
        let losses = zip(answers, data.targets).map { answer, target in
            -log(answer.probabilities[TinyModel.labels.firstIndex(of: target) ?? 0])
        }
        return losses.reduce(0, +) / Double(losses.count)
    }

    /// The last batch of an epoch is what is left, down to a single example, and counts by its size:
    /// without dropout and at rate 0 the loss is the same however the examples are divided.
    @Test(arguments: [1, 2, 3, 6, 7, 8, 100])
    func theLastBatchIsPartial(_ size: Int) async throws {
        let model = try TinyModel.classifier(settings: TinyModel.withoutDropout)
        let trainer = Trainer(
            model, plan: .full(epochs: 1, learningRate: 0),
            settings: TrainingSettings(schedule: .constant, batch: .examples(size)))
        var steps = 0
        trainer.listen { if case .step = $0 { steps += 1 } }
        let report = try await trainer.fit(on: TinyModel.examples(7))
        #expect(steps == (7 + size - 1) / size)
        let expected = try meanLoss(of: model, on: TinyModel.examples(7))
        let loss = try #require(report.epochs.first?.loss)
        #expect(mismatch(loss, expected, within: Tolerance(relative: 1e-6)) == nil)
    }

    /// A class that no example has is learned to be improbable, and counts nothing in the metrics.
    @Test func aClassWithoutExamples() async throws {
        let data = TinyModel.examples(12)
        let some = data.selecting(data.indices.filter { data[$0].target != "c" })
        let model = try TinyModel.classifier()
        let report = try await fit(model, on: some, batch: 4).report
        #expect(report.epochs.allSatisfy { $0.loss.isFinite })
        let metrics = try model.evaluate(on: some)
        #expect(metrics.accuracy.isFinite && metrics.macroF1.isFinite)
        let balanced = ClassificationHead.balancedWeights(
            for: some.targets, labels: TinyModel.labels)
        #expect(balanced == .perLabel([2.0 / 3, 2.0 / 3, 0]))
    }

    /// Steps whose examples all weigh nothing have the loss 0 and move nothing.
    @Test func examplesThatCountNothing() async throws {
        let head = ClassificationHead(
            labels: TinyModel.labels, classWeights: .perLabel([0, 0, 1]))
        let data = TinyModel.examples(12)
        let ignored = data.selecting(data.indices.filter { data[$0].target != "c" })
        let model = try TinyModel.classifier(head: head)
        let before = model.weights()
        let (steps, report) = try await fit(model, on: ignored, batch: 4)
        #expect(!steps.isEmpty && steps.allSatisfy { $0.loss == 0 })
        #expect(report.epochs.allSatisfy { $0.loss == 0 })
        #expect(model.weights() == before)
    }

    /// A token that no embedding exists for cannot come from a tokenizer, which is checked when a
    /// model is opened; from elsewhere it is a mistake of the caller.
    @Test func aTokenBeyondTheVocabulary() async {
        await #expect(processExitsWith: .failure) {
            let backbone = try TinyModel.backbone()
            var item = try backbone.preparation.prepared("w5 w6")
            item.ids[1] = 120
            let model = try backbone.attaching(ClassificationHead(labels: ["a", "b"]))
            _ = try model.headFeatures([item], in: .inference)
        }
    }

    /// Gradients of length 0 are not divided by it.
    @Test func clippingNothing() {
        #expect(clippingScale(length: 0, limit: 1) == 1)
        #expect(clippingScale(length: 0, limit: 1e-300) <= 1)
        #expect(clippingScale(length: .leastNonzeroMagnitude, limit: 1) == 1)
    }
}
