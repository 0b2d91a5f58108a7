@testable import FineTune
import TestSupport
import Testing

/// What a run tells on the way and at its end.
@Suite struct TrainingEventTests {
    @Test func everyStepAndEpochIsTold() async throws {
        let model = try TinyModel.classifier()
        let plan = Plan(
            name: "mine",
            phases: [
                Plan.Phase(stages: .none, epochs: 1, headRate: 1e-3, stageRate: 0),
                Plan.Phase(stages: .all, epochs: 2, headRate: 4e-3, stageRate: 1e-3),
            ])
        let schedule = Schedule(.linear, warmup: .steps(3))
        let trainer = Trainer(
            model, plan: plan,
            settings: TrainingSettings(schedule: schedule, batch: .examples(4), accumulation: 2))
        var steps: [TrainingProgress] = []
        var told: [String] = []
        var summaries: [EpochSummary<ClassificationMetrics>] = []
        trainer.listen { event in
            switch event {
            case .step(let progress):
                steps.append(progress)
                told.append("step")
            case .epoch(let summary):
                summaries.append(summary)
                told.append("epoch")
            case .finished: told.append("finished")
            default: told.append("something else")
            }
        }
        // Five batches an epoch, so three steps, the last of one batch.
        let report = try await trainer.fit(
            on: TinyModel.examples(18), validating: TinyModel.examples(7))
        let epoch = ["step", "step", "step", "epoch"]
        #expect(told == epoch + epoch + epoch + ["finished"])
        #expect(steps.map(\.step) == Array(1...9))
        #expect(steps.map(\.epoch) == [1, 1, 1, 2, 2, 2, 3, 3, 3])
        #expect(steps.allSatisfy { $0.steps == 9 && $0.epochs == 3 && $0.phase == "mine" })
        #expect(steps.allSatisfy { $0.loss > 0 && $0.examplesPerSecond > 0 })
        let secondsLeft = steps.map { $0.secondsLeft ?? -1 }
        #expect(secondsLeft[8] == 0 && secondsLeft[0] > 0)
        // The head's rate; the schedule runs over the whole run.
        for (index, step) in steps.enumerated() {
            let rate = index < 3 ? 1e-3 : 4e-3
            #expect(step.learningRate == rate * schedule.factor(step: index, of: 9))
        }
        #expect(summaries.map(\.epoch) == [1, 2, 3])
        #expect(report.epochs.map(\.loss) == summaries.map(\.loss))
        #expect(report.plan == "mine" && !report.stoppedEarly && report.truncatedInputs == 0)
        #expect(report.trainingExamples == 18 && report.validationExamples == 7)
        #expect(report.trainedParameters == report.totalParameters)
        #expect(report.totalParameters == model.parameterCount)
        #expect(report.metrics?.accuracy == summaries[2].metrics?.accuracy)
        #expect(report.metrics?.count == 7)
        #expect(report.trainingSeconds > 0 && report.peakMemoryBytes > 1 << 20)
        #expect(report.description.hasPrefix("plan mine: "))
    }

    /// Without validation there is nothing to measure, and no measure is made up.
    @Test func withoutValidationThereAreNoMetrics() async throws {
        let model = try TinyModel.classifier()
        let report = try await Trainer(model, plan: .headOnly(epochs: 2)).fit(
            on: TinyModel.examples(9))
        #expect(report.metrics == nil && report.validationExamples == 0)
        #expect(report.epochs.allSatisfy { $0.metrics == nil })
        #expect(report.trainedParameters == 3 * 32 + 3)
        #expect(
            report.description.hasPrefix(
                "plan head: 99 of \(model.parameterCount) weights trained\nepoch 1: loss "))
    }

    /// The loss of an epoch is the mean over its examples, whatever the batches.
    @Test func theLossOfAnEpochIsTheMeanOverItsExamples() async throws {
        let model = try TinyModel.classifier(settings: TinyModel.withoutDropout)
        let data = TinyModel.examples(10)
        let targets = try model.head.encoded(data.targets)
        let outputs = Tensor(try model.outputs(for: data.inputs).flatMap { $0 }, shape: [10, 3])
        let expected = model.head.loss(Variable(outputs), targets: targets).value.scalar / 10
        let report = try await Trainer(
            model, plan: .headOnly(epochs: 1, learningRate: 0),
            settings: TrainingSettings(batch: .examples(3))
        ).fit(on: data)
        let tolerance = Tolerance(relative: 1e-5)
        #expect(mismatch(report.epochs[0].loss, expected, within: tolerance) == nil)
    }

    /// An unbatched pass over examples that weigh nothing teaches nothing and harms nothing.
    @Test func examplesWithoutWeightTeachNothing() async throws {
        let head = ClassificationHead(
            labels: TinyModel.labels, classWeights: .perLabel([0, 0, 0]))
        let model = try TinyModel.classifier(head: head)
        let before = model.weights()
        let report = try await Trainer(model, plan: .full(epochs: 1)).fit(
            on: TinyModel.examples(9))
        #expect(report.epochs[0].loss == 0)
        #expect(model.weights() == before)
    }
}
