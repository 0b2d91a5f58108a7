@testable import FineTune
import TestSupport
import Testing

@Suite struct LearningRateFinderTests {
    private func trainer(_ plan: Plan = .full()) throws -> Trainer<
        TextPreparation, ClassificationHead
    > {
        let model = try TinyModel.backbone(settings: TinyModel.withoutDropout)
            .attaching(ClassificationHead(labels: TinyModel.labels), seed: 1)
        return Trainer(model, plan: plan, settings: .init(batch: .examples(8)))
    }

    @Test(arguments: [
        Plan.full(), .headOnly(), .gradualUnfreezing(decay: 0.5), .top(1, decay: 0.9),
    ])
    func ratesGrowByTheSameFactorAndTheModelStays(_ plan: Plan) async throws {
        let trainer = try trainer(plan)
        let before = trainer.model.weights()
        let search = try await trainer.findLearningRate(on: TinyModel.examples(40), steps: 41)
        #expect(trainer.model.weights() == before)
        #expect(trainer.model.parameters.allSatisfy { !$0.isTrainable && $0.gradient == nil })
        let rates = search.points.map(\.learningRate)
        #expect(rates[0] == 1e-6)
        if !search.diverged {
            #expect(rates.count == 41 && abs(rates[40] - 1e-2) < 1e-12)
        }
        for (a, b) in zip(rates, rates.dropFirst()) { #expect(abs(b / a - 1.258_925_412) < 1e-6) }
        #expect(search.points[0].loss == search.points[0].smoothedLoss)
        #expect((1e-6...1e-3).contains(search.suggestion), "\(search)")
        // The same again, since nothing was left behind.
        let again = try await trainer.findLearningRate(on: TinyModel.examples(40), steps: 41)
        #expect(again == search)
    }

    /// The rate that is found trains well, and one far above it does not.
    @Test func theSuggestionTrains() async throws {
        let data = TinyModel.examples(60)
        let search = try await trainer().findLearningRate(on: data, in: 1e-6...1, steps: 120)
        let lowest = search.points.min { $0.smoothedLoss < $1.smoothedLoss }
        #expect(search.suggestion == (lowest?.learningRate ?? 0) / 10)
        let trainer = try trainer(.full(epochs: 12, learningRate: search.suggestion))
        let report = try await trainer.fit(on: data, validating: data)
        let losses = report.epochs.map(\.loss)
        #expect(losses[11] < losses[0] / 2, "\(search) \(report)")
    }

    @Test func divergenceEndsTheSearch() async throws {
        let trainer = try trainer()
        let before = trainer.model.weights()
        let search = try await trainer.findLearningRate(
            on: TinyModel.examples(40), in: 1e-4...1e4, steps: 60)
        #expect(search.diverged && search.points.count < 60)
        #expect("\(search)".contains("where the loss diverged"))
        #expect(trainer.model.weights() == before)
    }

    @Test func mistakesAreErrors() async throws {
        let (trainer, data) = (try trainer(), TinyModel.examples(8))
        for (range, steps) in [
            (0...1e-2, 10), (1e-6...Double.infinity, 10), (1e-6...1e-2, 1), (1e-6...1e-2, Int.max),
        ] {
            await #expect(throws: TrainingError.self) {
                try await trainer.findLearningRate(on: data, in: range, steps: steps)
            }
        }
        let idle = try self.trainer(
            Plan(
                name: "idle",
                phases: [Plan.Phase(stages: .none, epochs: 1, headRate: 0, stageRate: 0)]))
        await #expect(throws: TrainingError.self) { try await idle.findLearningRate(on: data) }
        await #expect(throws: ExamplesError.self) {
            try await trainer.findLearningRate(on: LabeledTexts(texts: ["w5"], labels: ["z"]))
        }
    }

    @Test func aCancelledSearchLeavesTheModel() async throws {
        let model = try TinyModel.classifier()
        let before = model.weights()
        let isCancelled = await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            do {
                _ = try await Trainer(model).findLearningRate(on: TinyModel.examples(40))
                return false
            } catch {
                return error is CancellationError
            }
        }.value
        #expect(isCancelled)
        #expect(model.weights() == before)
    }
}
