@testable import FineTune
import TestSupport
import Testing

/// How runs end before their time, and what they leave behind.
@Suite struct StoppingTests {
    /// Three epochs that learn, then epochs whose steps ruin what was learned.
    private let ruinous = Plan(
        name: "ruinous",
        phases: [
            Plan.Phase(stages: .all, epochs: 3, headRate: 2e-3, stageRate: 2e-3),
            Plan.Phase(stages: .all, epochs: 9, headRate: 0.5, stageRate: 0.5),
        ])

    private func settings(_ stopping: TrainingSettings.EarlyStopping?) -> TrainingSettings {
        TrainingSettings(schedule: .constant, batch: .examples(12), earlyStopping: stopping)
    }

    @Test(arguments: [1, 2, 3])
    func earlyStoppingRestoresTheBestWeights(_ patience: Int) async throws {
        let model = try TinyModel.classifier(settings: TinyModel.withoutDropout)
        let data = TinyModel.examples(60)
        let trainer = Trainer(
            model, plan: ruinous, settings: settings(.init(patience: patience)))
        var weights: [[String: [Float]]] = []
        trainer.listen { if case .epoch = $0 { weights.append(model.weights()) } }
        let report = try await trainer.fit(on: data, validating: data)
        let scores = report.epochs.compactMap { $0.metrics?.accuracy }
        let best = try #require(scores.indices.max { (scores[$0], $1) < (scores[$1], $0) })
        #expect(report.stoppedEarly)
        #expect(scores.count == best + 1 + patience && scores.count < ruinous.epochs)
        #expect(model.weights() == weights[best])
        #expect(report.metrics?.accuracy == scores[best])
        #expect(try model.evaluate(on: data).accuracy == scores[best])
        #expect(report.description.contains("stopped early; the best weights are restored"))
    }

    /// Without early stopping the run goes to the end of the plan and keeps its last weights.
    @Test func withoutEarlyStoppingTheLastWeightsStay() async throws {
        let model = try TinyModel.classifier(settings: TinyModel.withoutDropout)
        let data = TinyModel.examples(24)
        let trainer = Trainer(model, plan: ruinous, settings: settings(nil))
        var last: [String: [Float]] = [:]
        trainer.listen { if case .epoch = $0 { last = model.weights() } }
        let report = try await trainer.fit(on: data, validating: data)
        #expect(report.epochs.count == 12 && !report.stoppedEarly)
        #expect(model.weights() == last)
        #expect(report.metrics?.accuracy == report.epochs.last?.metrics?.accuracy)
    }

    /// An improvement below the minimum is none.
    @Test func smallImprovementsDoNotCount() async throws {
        let model = try TinyModel.classifier()
        let data = TinyModel.examples(24)
        let trainer = Trainer(
            model, plan: .full(epochs: 8, learningRate: 1e-3),
            settings: settings(.init(patience: 2, minimumImprovement: 2)))
        let report = try await trainer.fit(on: data, validating: data)
        #expect(report.stoppedEarly && report.epochs.count == 3)
    }

    /// What is not a number is the best of nothing else, and everything is better than it.
    @Test func aScoreThatIsNoNumberIsNotTheBest() {
        #expect(BestWeights([]).isBetter(.nan, by: 0))
        for score in [Double.nan, -Double.infinity] {
            var best = BestWeights([])
            best.consider(score: score, epoch: 1)
            best.confirm()
            #expect(best.isBetter(-3, by: 0) && !best.isBetter(.nan, by: 0))
        }
        var best = BestWeights([])
        best.consider(score: 0.5, epoch: 1)
        best.confirm()
        #expect(!best.isBetter(.nan, by: 0) && !best.isBetter(0.5, by: 0))
        #expect(best.isBetter(0.6, by: 0) && !best.isBetter(0.6, by: 0.2))
    }

    @Test func earlyStoppingNeedsSomethingToValidateOn() async throws {
        let model = try TinyModel.classifier()
        let trainer = Trainer(model, settings: settings(.init()))
        let error = await trainingError { try await trainer.fit(on: TinyModel.examples(9)) }
        #expect(error == .nothingToValidate)
        #expect(
            error?.description
                == "early stopping needs examples to validate on: pass them as fit(on:validating:)")
    }

    // MARK: Numbers that are none

    @Test func aRuinedLossStopsTheRunAndRestoresTheWeights() async throws {
        let model = try TinyModel.classifier()
        let before = model.weights()
        let trainer = Trainer(
            model, plan: .full(epochs: 1, learningRate: 1e30),
            settings: TrainingSettings(schedule: .constant, batch: .examples(8)))
        let error = await trainingError { try await trainer.fit(on: TinyModel.examples(40)) }
        guard case .nonFiniteLoss(let loss, epoch: 1, step: 2, let restored) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!loss.isFinite && restored == "its weights of before the run")
        #expect(
            error?.description
                == "the loss became \(loss) in epoch 1, step 2; the model has its weights of "
                + "before the run. Use a smaller learning rate, or look for wrong numbers in the data"
        )
        #expect(model.weights() == before)
        #expect(model.parameters.allSatisfy { !$0.isTrainable && $0.gradient == nil })
        #expect(try model.predict("w10 w20").probability.isFinite)
    }

    /// Weights that no loss has shown to be sound are not what is restored, though an epoch ended
    /// with them.
    @Test(arguments: [true, false])
    func whatAnEpochEndedWithIsNotTrustedBlindly(_ validates: Bool) async throws {
        let model = try TinyModel.classifier()
        let data = TinyModel.examples(8)
        var good: [String: [Float]] = [:]
        let plan = Plan(
            name: "late",
            phases: [
                Plan.Phase(stages: .all, epochs: 2, headRate: 1e-3, stageRate: 1e-3),
                Plan.Phase(stages: .all, epochs: 2, headRate: 1e30, stageRate: 1e30),
            ])
        let trainer = Trainer(
            model, plan: plan,
            settings: TrainingSettings(schedule: .constant, batch: .examples(8)))
        trainer.listen { event in
            if case .epoch(let summary) = event, summary.epoch == 2 { good = model.weights() }
        }
        let error = await trainingError {
            try await trainer.fit(on: data, validating: validates ? data : nil)
        }
        guard case .nonFiniteLoss(_, epoch: 4, step: 4, let restored) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        // With validation the best of the two good epochs, without the last of them.
        #expect(restored.hasPrefix("the weights of the end of epoch "))
        if !validates { #expect(model.weights() == good) }
        #expect(model.parameters.allSatisfy { $0.value.isFinite })
        #expect(model.parameters.allSatisfy { $0.value.maximum() < 1e3 })
    }

    /// The last step of a run may be the one that ruins it: no further loss would tell.
    @Test func aRuinousLastStepIsAnErrorToo() async throws {
        let model = try TinyModel.classifier()
        let before = model.weights()
        let trainer = Trainer(
            model, plan: .full(epochs: 1, learningRate: 1e300),
            settings: TrainingSettings(schedule: .constant))
        let error = await trainingError { try await trainer.fit(on: TinyModel.examples(8)) }
        #expect(
            error
                == .nonFiniteWeights(
                    epoch: 1, step: 1, restored: "its weights of before the run"))
        #expect(
            error?.description
                == "weights became infinite or not numbers by epoch 1, step 1; the model has its "
                + "weights of before the run. Use a smaller learning rate")
        #expect(model.weights() == before)
    }

    // MARK: Cancellation

    @Test func cancellingStopsWithinAStep() async throws {
        let model = try TinyModel.classifier()
        let data = TinyModel.examples(80)
        let task = Task {
            let trainer = Trainer(model, plan: .full(), settings: settings(nil))
            var steps = 0
            trainer.listen { event in
                guard case .step(let progress) = event else { return }
                steps += 1
                if progress.step == 3 { withUnsafeCurrentTask { $0?.cancel() } }
            }
            do {
                try await trainer.fit(on: data)
                return (steps, false)
            } catch {
                return (steps, error is CancellationError)
            }
        }
        let (steps, isCancelled) = await task.value
        #expect(isCancelled && steps == 3)
        #expect(model.parameters.allSatisfy { !$0.isTrainable && $0.gradient == nil })
        #expect(try model.predict("w10 w20").probability.isFinite)
        let report = try await Trainer(model, plan: .full(epochs: 1)).fit(on: data)
        #expect(report.epochs.count == 1)
    }

    // MARK: Settings

    @Test func settingsThatMakeNoSenseAreRefused() async throws {
        let model = try TinyModel.classifier()
        let wrong: [(TrainingSettings, String)] = [
            (TrainingSettings(batch: .examples(0)), "a batch of 0 holds nothing"),
            (TrainingSettings(batch: .tokens(-1)), "a batch of -1 holds nothing"),
            (TrainingSettings(accumulation: 0), "a step of 0 batches does nothing"),
            (
                TrainingSettings(gradientClipping: 0),
                "gradients cannot be clipped to a length of 0.0"
            ),
            (
                TrainingSettings(gradientClipping: .nan),
                "gradients cannot be clipped to a length of nan"
            ),
            (TrainingSettings(threads: 0), "0 threads cannot compute anything"),
            (
                TrainingSettings(earlyStopping: .init(patience: 0)),
                "early stopping cannot wait 0 epochs for an improvement of 0.0; give it at least one "
                    + "epoch, and an improvement that is not negative"
            ),
            (
                TrainingSettings(earlyStopping: .init(minimumImprovement: .nan)),
                "early stopping cannot wait 2 epochs for an improvement of nan; give it at least one "
                    + "epoch, and an improvement that is not negative"
            ),
            (
                TrainingSettings(earlyStopping: .init(minimumImprovement: -0.1)),
                "early stopping cannot wait 2 epochs for an improvement of -0.1; give it at least one "
                    + "epoch, and an improvement that is not negative"
            ),
            (
                TrainingSettings(schedule: Schedule(warmup: .share(.nan))),
                "a warm-up of nan of the steps is none"
            ),
            (
                TrainingSettings(featureCache: .init(memoryBytes: -1)),
                "features cannot be kept in -1 bytes"
            ),
            (
                TrainingSettings(featureCache: .init(fileBytes: -2)),
                "features cannot be kept in -2 bytes"
            ),
        ]
        for (settings, message) in wrong {
            let trainer = Trainer(model, settings: settings)
            let error = await trainingError { try await trainer.fit(on: TinyModel.examples(6)) }
            #expect(error == .unusableSetting(message) && error?.description == message)
        }
        let idle = Trainer(model, plan: .full(epochs: 0))
        let error = await trainingError { try await idle.fit(on: TinyModel.examples(6)) }
        #expect(error == .emptyPlan)
        #expect(error?.description == "the plan has no epoch: there is nothing to do")
    }

    /// Phases are checked before anything else: the data, without an example, is no good either.
    @Test(
        arguments: [
            (.none, -1, "phase 2 of the plan has -1 epochs; give it 0 to 1000000"),
            (
                .all, .max,
                "phase 2 of the plan has 9223372036854775807 epochs; give it 0 to 1000000"
            ),
            (
                .topShare(.nan), 1,
                "phase 2 of the plan trains a share of nan of the stages; give one in 0 ... 1"
            ),
        ] as [(Plan.Phase.Stages, Int, String)])
    func phasesThatMakeNoSenseAreRefused(
        _ stages: Plan.Phase.Stages, _ epochs: Int, _ message: String
    ) async throws {
        let plan = Plan(
            name: "wrong",
            phases: [
                Plan.Phase(stages: .none, epochs: 2, headRate: 1e-3, stageRate: 0),
                Plan.Phase(stages: stages, epochs: epochs, headRate: 1e-3, stageRate: 1e-3),
            ])
        let trainer = Trainer(try TinyModel.classifier(), plan: plan)
        let error = await trainingError {
            try await trainer.fit(on: LabeledTexts(texts: [], labels: []))
        }
        #expect(error == .unusableSetting(message) && error?.description == message)
    }
}

/// The training error that `body` throws; nil, and an issue, for anything else.
private nonisolated(nonsending) func trainingError(
    _ body: nonisolated(nonsending) () async throws -> some Any
) async -> TrainingError? {
    do {
        _ = try await body()
        Issue.record("nothing was thrown")
    } catch let error as TrainingError {
        return error
    } catch {
        Issue.record("\(error)")
    }
    return nil
}
