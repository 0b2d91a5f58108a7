@testable import FineTune
import TestSupport
import Testing

@Suite struct ForgettingTests {
    private let references = TinyModel.examples(30, seed: 8).inputs

    private func backbone() throws -> PretrainedModel<TextPreparation> {
        try TinyModel.backbone(settings: TinyModel.withoutDropout)
    }

    private func trainer(
        _ backbone: PretrainedModel<TextPreparation>, epochs: Int = 4, rate: Double = 3e-3,
        stopping: TrainingSettings.EarlyStopping? = nil
    ) throws -> Trainer<TextPreparation, ClassificationHead> {
        let model = try backbone.attaching(ClassificationHead(labels: TinyModel.labels), seed: 1)
        return Trainer(
            model, plan: .full(epochs: epochs, learningRate: rate),
            settings: .init(batch: .examples(8), earlyStopping: stopping))
    }

    // MARK: Similarities

    /// By hand: cosines 1, 0, 0 of three vectors become 0.6, 0.8 and 0.
    @Test func theCorrelationIsOfTheCosinesOfAllPairs() {
        let before = UnitRows(Tensor([2, 0, 3, 0, 0, 1] as [Float], shape: [3, 2]))
        let after = UnitRows(Tensor([5, 0, 3, 4, 0, -2] as [Float], shape: [3, 2]))
        // Cosines (0,1) (0,2) (1,2): 1, 0, 0 and 0.6, 0, −0.8. Means 1/3 and −1/15; the sum of the
        // products of the deviations is 0.6 − 3 · 1/3 · −1/15 = 2/3; the sums of squares are 2/3 and
        // 1 − 3/225.
        let expected = (2.0 / 3) / ((2.0 / 3) * (1 - 3.0 / 225)).squareRoot()
        #expect(abs(before.similarityCorrelation(with: after) - expected) < 1e-12)
        #expect(before.similarityCorrelation(with: before) == 1)
        // All alike: nothing to correlate with.
        let alike = UnitRows(Tensor([1, 1, 2, 2, 3, 3] as [Float], shape: [3, 2]))
        #expect(before.similarityCorrelation(with: alike) == 0)
    }

    /// More rows than a block.
    @Test func blocksGiveTheWholeMatrix() {
        var generator = SplitMix64(seed: 2)
        func rows() -> Tensor {
            Tensor(
                (0..<300 * 3).map { _ in Double(generator.next(below: 1000)) / 500 - 1 },
                shape: [300, 3])
        }
        let (a, b) = (rows(), rows())
        func cosines(_ rows: Tensor) -> [Double] {
            let values = rows.elements(as: Double.self)
            func row(_ index: Int) -> ArraySlice<Double> { values[index * 3..<index * 3 + 3] }
            func product(_ x: Int, _ y: Int) -> Double {
                zip(row(x), row(y)).reduce(0) { $0 + $1.0 * $1.1 }
            }
            return (0..<300).flatMap { i in
                (i + 1..<300).map {
                    product(i, $0) / (product(i, i) * product($0, $0)).squareRoot()
                }
            }
        }
        let expected = RegressionMetrics(predictions: cosines(a), targets: cosines(b))
            .pearsonCorrelation
        #expect(
            abs(UnitRows(a).similarityCorrelation(with: UnitRows(b)) - expected) < 1e-10)
    }

    @Test(arguments: [Pooling.pooler, .mean])
    func aRunSaysWhatIsForgottenAfterEachEpoch(_ pooling: Pooling) async throws {
        let backbone = try backbone()
        let model = try backbone.attaching(
            ClassificationHead(labels: TinyModel.labels), pooling: pooling, seed: 1)
        let trainer = Trainer(
            model, plan: .full(epochs: 3, learningRate: 3e-3),
            settings: .init(batch: .examples(8)))
        let watch = try ForgettingGuard(similaritiesOf: references, in: backbone)
        #expect(try watch.forgotten(by: model).magnitude < 1e-6)
        trainer.forgettingGuard = watch
        var told: [Double?] = []
        trainer.listen { if case .epoch(let summary) = $0 { told.append(summary.forgotten) } }
        let report = try await trainer.fit(on: TinyModel.examples(48))
        let forgotten = report.epochs.compactMap(\.forgotten)
        #expect(forgotten.count == 3 && told == forgotten.map { $0 })
        #expect(forgotten.allSatisfy { $0 > 1e-3 && $0 <= 2 }, "\(forgotten)")
        #expect(try watch.forgotten(by: model) == forgotten[2])
        #expect(report.stopReason == nil)
        #expect("\(report)".contains("forgotten after each epoch: "))
    }

    /// The backbone that a head alone is trained on forgets nothing.
    @Test func aFrozenBackboneForgetsNothing() async throws {
        let backbone = try backbone()
        let model = try backbone.attaching(ClassificationHead(labels: TinyModel.labels))
        let trainer = Trainer(model, plan: .headOnly(epochs: 2))
        trainer.forgettingGuard = try ForgettingGuard(
            similaritiesOf: references, in: backbone, limit: 0.01)
        let report = try await trainer.fit(on: TinyModel.examples(40))
        #expect(report.epochs.allSatisfy { ($0.forgotten ?? 1).magnitude < 1e-6 })
        #expect(report.epochs.count == 2)
    }

    // MARK: The limit

    @Test func aLimitStopsTheRunAndRestores() async throws {
        let backbone = try backbone()
        let free = try trainer(backbone)
        free.forgettingGuard = try ForgettingGuard(similaritiesOf: references, in: backbone)
        let data = TinyModel.examples(48)
        let amounts = try await free.fit(on: data, validating: data).epochs
            .compactMap(\.forgotten)
        #expect(amounts[1] > amounts[0])

        let limit = (amounts[0] + amounts[1]) / 2
        let limited = try trainer(backbone)
        limited.forgettingGuard = try ForgettingGuard(
            similaritiesOf: references, in: backbone, limit: limit)
        var first: [[Float]] = []
        limited.listen {
            guard case .epoch(let summary) = $0, summary.epoch == 1 else { return }
            first = (try? limited.model.outputs(for: references)) ?? []
        }
        let report = try await limited.fit(on: data, validating: data)
        #expect(report.epochs.count == 2)
        let reason = StopReason.forgetting(amounts[1], limit: limit, restoredEpoch: 1)
        #expect(report.stopReason == reason)
        #expect("\(report)".contains("the model has the weights of the end of epoch 1"))
        #expect(try limited.model.outputs(for: references) == first)
        #expect(report.metrics == report.epochs[0].metrics)

        // Nothing may be forgotten: the weights are those of before the run.
        let strict = try trainer(backbone)
        strict.forgettingGuard = try ForgettingGuard(
            similaritiesOf: references, in: backbone, limit: 0)
        let before = try strict.model.outputs(for: references)
        let stopped = try await strict.fit(on: data, validating: data)
        #expect(stopped.epochs.count == 1)
        #expect(
            stopped.stopReason == .forgetting(amounts[0], limit: 0, restoredEpoch: 0))
        #expect(try strict.model.outputs(for: references) == before)
        #expect(stopped.metrics == (try strict.model.evaluate(on: data)))
    }

    @Test func earlyStoppingHasAReasonToo() async throws {
        let data = TinyModel.examples(48)
        let trainer = try trainer(try backbone(), epochs: 30, stopping: .init(patience: 1))
        let report = try await trainer.fit(on: data, validating: data)
        #expect(report.stoppedEarly && report.stopReason == .noImprovement)
    }

    // MARK: An earlier head

    @Test func anEarlierHeadLosesItsScore() async throws {
        let backbone = try backbone()
        let data = TinyModel.examples(60)
        let previous = try backbone.attaching(
            ClassificationHead(labels: TinyModel.labels), pooling: .mean)
        try await previous.solveHead(on: data, with: .ridge())
        let watch = try ForgettingGuard(keeping: previous, on: data)
        let model = try backbone.attaching(RegressionHead(), seed: 1)
        #expect(try watch.forgotten(by: model) == 0)
        // It unlearns the classes: all texts have the same number.
        let trainer = Trainer(
            model, plan: .full(epochs: 4, learningRate: 1e-2), settings: .init(batch: .examples(8)))
        trainer.forgettingGuard = watch
        let report = try await trainer.fit(
            on: ScoredTexts(inputs: data.inputs, targets: data.targets.map { _ in 1 }))
        let lost = try #require(report.epochs.last?.forgotten)
        #expect(lost > 0.05, "\(report)")
        // The earlier model itself is as it was.
        #expect(try ForgettingGuard(keeping: previous, on: data).forgotten(by: previous) == 0)
    }

    @Test func mistakesAreErrors() async throws {
        let backbone = try backbone()
        #expect(throws: ForgettingError.tooFewReferences(2)) {
            try ForgettingGuard(similaritiesOf: ["w5", "w6"], in: backbone)
        }
        let model = try backbone.attaching(ClassificationHead(labels: TinyModel.labels))
        #expect(throws: DataError.self) {
            try ForgettingGuard(keeping: model, on: LabeledTexts([]))
        }
        #expect(throws: HeadError.self) {
            try ForgettingGuard(keeping: model, on: LabeledTexts(texts: ["w5"], labels: ["z"]))
        }
    }
}
