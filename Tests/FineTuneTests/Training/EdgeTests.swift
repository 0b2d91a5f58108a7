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

    /// The tokenizer's ids are checked when a model is opened; those of a preparation of one's own, with
    /// each input.
    @Test func aTokenBeyondTheVocabulary() async throws {
        let own = try TinyModel.backbone()
        let limit = own.preparation.maximumLength
        typealias Change = @Sendable (inout TokenizedText) -> Void
        let foreign: Change = { $0.ids[1] = 120 }
        let negative: Change = { $0.ids[1] = -1 }
        let wrongType: Change = { $0.typeIDs[2] = 7 }
        let long: Change = {
            $0.ids += [Int32](repeating: 5, count: 600)
            $0.typeIDs += [Int32](repeating: 0, count: 600)
        }
        for (change, reason) in [
            (foreign, "it has the token id 120, but the model has 120 embeddings of tokens"),
            (negative, "it has the token id -1, but the model has 120 embeddings of tokens"),
            (wrongType, "it has the token type 7, but the model has 2 embeddings of types"),
            (long, "it has 604 tokens, but the model takes \(limit) at most"),
        ] {
            let backbone = try PretrainedModel(
                preparation: ObservedTokens(text: own.preparation) { text, item in
                    if text.hasPrefix("x") { change(&item) }
                },
                architecture: own.architecture, pooling: .mean, normalizesEmbeddings: false)
            let model = try backbone.attaching(ClassificationHead(labels: ["a", "b"]))
            let expected = ModelError.unsuitableInput(position: 1, reason: reason)
            #expect(throws: expected) { try model.predict(["w5", "x w6"]) }
            #expect(throws: expected) { try backbone.embed(["w5", "x w6"]) }
            let data = LabeledTexts(texts: ["w5 w6", "x w6"], labels: ["a", "b"])
            #expect(throws: expected) { try model.evaluate(on: data) }
            let error = await #expect(throws: ExamplesError.self) {
                try await Trainer(model, plan: .headOnly(epochs: 1)).fit(on: data)
            }
            #expect(error?.reason as? ModelError == expected)
        }
    }

    /// Nothing is answered, measured or calibrated with outputs that are no numbers.
    @Test func anInputWithoutNumbersIsNamed() throws {
        let model = try TinyModel.backbone().attaching(
            ClassificationHead(labels: TinyModel.labels), pooling: .mean)
        let table = try #require(model.stages[0].parameters.first)
        var values = table.value.elements(as: Float.self)
        values[50 * table.shape[1]] = .nan
        table.value = Tensor(values, shape: table.shape)
        let data = LabeledTexts(
            texts: ["w5 w6", "w7 w50 w8", "w9"], labels: ["a", "b", "c"])
        let expected = HeadError.nonFiniteOutputs(input: 1)
        #expect(throws: expected) { try model.predict(data.inputs) }
        #expect(throws: expected) { try model.evaluate(on: data) }
        let before = model.network.parameters.map { $0.value.elements(as: Float.self) }
        #expect(throws: expected) { try model.calibrate(on: data) }
        #expect(throws: expected) { try model.calibration(on: data) }
        #expect(model.network.parameters.map { $0.value.elements(as: Float.self) } == before)
        #expect(
            expected.description
                == "the model's outputs for input 1 are not all finite numbers, so they say nothing; "
                + "look at the input, or go back to earlier weights")
        #expect(try model.predict("w5 w6").probability.isFinite)
        #expect(try model.outputs(for: data.inputs)[1].allSatisfy(\.isNaN))
    }

    @Test(arguments: [Double.nan, .infinity])
    func weightsThatAreNoNumbersAnswerNothing(_ factor: Double) throws {
        let model = try TinyModel.classifier()
        let weight = model.network.parameters[0]
        weight.value = weight.value * factor
        let error = #expect(throws: HeadError.self) { try model.predict("w5 w6") }
        #expect(error == .nonFiniteOutputs(input: 0))
    }

    /// Threads that would have no item to load are not asked for.
    @Test func moreThreadsThanItems() async throws {
        let preparation = try TinyModel.backbone().preparation
        let items = try TinyModel.examples(3).inputs.map { try preparation.prepared($0) }
        let loader = ItemLoader(preparation, threads: .max)
        let loaded = try await loader.items(of: [0]) { _ in
            items.map { (item: $0, isNeeded: true) }
        }
        #expect(loaded == items)
    }

    /// Gradients of length 0 are not divided by it.
    @Test func clippingNothing() {
        #expect(clippingScale(length: 0, limit: 1) == 1)
        #expect(clippingScale(length: 0, limit: 1e-300) <= 1)
        #expect(clippingScale(length: .leastNonzeroMagnitude, limit: 1) == 1)
    }
}
