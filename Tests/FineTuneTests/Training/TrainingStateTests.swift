@testable import FineTune
import TestSupport
import Testing

/// A run that is stopped after any step, and goes on on a fresh model from its state, has the same
/// bits as one that is never stopped.
@Suite struct TrainingStateTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var plan: Plan
        var settings: TrainingSettings
        var adapter: Adapter?
        var family = "bert"
        var validates = true
        var testDescription: String { name }

        func model() throws -> TextClassifier {
            let backbone = try TinyModel.backbone(family)
            let head = ClassificationHead(labels: TinyModel.labels)
            guard let adapter else { return try backbone.attaching(head, seed: 3) }
            return try backbone.attaching(head, adapter: adapter, seed: 3)
        }

        var validation: LabeledTexts? { validates ? TinyModel.examples(9, seed: 2) : nil }
    }

    private static let data = TinyModel.examples(26)

    static let cases = [
        Case(
            name: "everything, with the defaults", plan: .full(epochs: 2, learningRate: 1e-3),
            settings: TrainingSettings(batch: .examples(8), seed: 4)),
        Case(
            name: "gradual, accumulated, cosine, SGD",
            plan: .gradualUnfreezing(epochs: 3, learningRate: 1e-2),
            settings: TrainingSettings(
                optimizer: .sgd(weightDecay: 0.1), schedule: Schedule(.cosine, warmup: .steps(2)),
                batch: .examples(5), accumulation: 2, gradientClipping: 0.5, seed: 5)),
        Case(
            name: "the head on kept features, without validation", plan: .headOnly(epochs: 3),
            settings: TrainingSettings(batch: .examples(8), seed: 6), validates: false),
        Case(
            name: "LP-FT by tokens, without a cache",
            plan: .linearProbeThenFineTune(probeEpochs: 2, epochs: 2, learningRate: 1e-3),
            settings: TrainingSettings(batch: .tokens(90), seed: 7, featureCache: nil),
            family: "roberta"),
        Case(
            name: "LoRA with dropout", plan: .adapter(epochs: 2, learningRate: 1e-2),
            settings: TrainingSettings(batch: .examples(8), seed: 8),
            adapter: .lora(rank: 2, dropoutRate: 0.2, layers: .allLinear)),
        Case(
            name: "DoRA", plan: .adapter(epochs: 2, learningRate: 1e-2),
            settings: TrainingSettings(schedule: .constant, batch: .examples(8), seed: 8),
            adapter: .doRA(rank: 2)),
        Case(
            name: "L2-SP, and early stopping",
            plan: .l2SP(epochs: 9, learningRate: 3e-2, penalty: .init(alpha: 0.5)),
            settings: TrainingSettings(
                schedule: .constant, batch: .examples(13), earlyStopping: .init(patience: 2),
                seed: 9)),
        Case(
            name: "re-initialised, then biases in steps, then until nothing is better",
            plan: Plan(
                name: "mixed",
                phases: [
                    Plan.Phase(
                        stages: .all, length: .steps(5), headRate: 1e-3, stageRate: 1e-3,
                        weightDecay: 0.5, reinitializedStages: 1),
                    Plan.Phase(
                        name: "biases", stages: .all, parameters: .biases, length: .steps(3),
                        headRate: 1e-3, stageRate: 1e-3),
                    Plan.Phase(
                        stages: .top(1),
                        length: .untilStalled(patience: 1, minimumImprovement: 2, atMost: 5),
                        headRate: 1e-3, stageRate: 1e-3, schedule: Schedule(.cosine)),
                    Plan.Phase(stages: .none, epochs: 1, headRate: 1e-3, stageRate: 0),
                ]),
            settings: TrainingSettings(batch: .examples(8), seed: 10), family: "distilbert"),
    ]

    /// What a run leaves and tells, without times.
    private struct Outcome: Equatable {
        var weights: [String: [Float]]
        var steps: [[Double]]
        var epochs: [[Double]]
        var score: Double?
        var stoppedEarly: Bool
    }

    /// Runs a case from a state or the beginning, and gives every state on the way.
    private static func run(
        _ test: Case, from state: TrainingState? = nil
    ) async throws -> (outcome: Outcome, states: [TrainingState]) {
        let model = try test.model()
        let trainer = Trainer(model, plan: test.plan, settings: test.settings)
        var states: [TrainingState] = []
        var steps: [[Double]] = []
        trainer.listen { event in
            if case .step(let step) = event {
                steps.append([
                    Double(step.step), Double(step.steps), Double(step.epoch), Double(step.epochs),
                    step.loss, step.learningRate,
                ])
            }
            if case .finished = event { return }
            if let state = trainer.captureState() { states.append(state) }
        }
        let report = try await trainer.fit(
            on: data, validating: test.validation, from: state)
        #expect(trainer.captureState() == nil)
        let outcome = Outcome(
            weights: model.weights(), steps: steps,
            epochs: report.epochs.map { [Double($0.epoch), $0.loss, $0.score ?? 0] },
            score: report.metrics?.score, stoppedEarly: report.stoppedEarly)
        return (outcome, states)
    }

    @Test(arguments: cases)
    func everyStepCanBeGoneOnFrom(_ test: Case) async throws {
        let (whole, states) = try await Self.run(test)
        #expect(states.count == whole.steps.count + whole.epochs.count)
        for (index, state) in states.enumerated() {
            // To capture a state at every step changes nothing either; now none is captured.
            var (rest, _) = try await Self.run(test, from: state)
            rest.steps = Array(whole.steps.prefix(state.step)) + rest.steps
            #expect(rest.weights == whole.weights, "state \(index)")
            #expect(rest.steps == whole.steps, "state \(index)")
            #expect(rest.epochs == whole.epochs, "state \(index)")
            #expect(rest.score == whole.score && rest.stoppedEarly == whole.stoppedEarly)
        }
    }

    /// Capturing costs no bit.
    @Test(arguments: cases)
    func whoCapturesNothingGetsTheSame(_ test: Case) async throws {
        let model = try test.model()
        try await Trainer(model, plan: test.plan, settings: test.settings).fit(
            on: Self.data, validating: test.validation)
        let (whole, _) = try await Self.run(test)
        #expect(model.weights() == whole.weights)
    }

    /// A state is a value: it can be gone on from twice, on the model that has trained further, with
    /// other threads and another cache.
    @Test func aStateStaysAsItIs() async throws {
        let test = Self.cases[1]
        let (whole, states) = try await Self.run(test)
        let model = try test.model()
        var settings = test.settings
        for (threads, cache) in [(1, nil), (2, TrainingSettings.FeatureCaching())] {
            (settings.threads, settings.featureCache) = (threads, cache)
            let trainer = Trainer(model, plan: test.plan, settings: settings)
            try await trainer.fit(
                on: Self.data, validating: test.validation, from: states[states.count / 2])
            #expect(model.weights() == whole.weights)
        }
        let first = states[0]
        #expect(first.step == 1 && first.epoch == 1 && first.phase == 0)
        #expect(states.last?.phase == 2)
    }

    /// What a guard has seen is part of the state: amounts, and the weights to go back to.
    @Test func aGuardGoesOnWatching() async throws {
        let backbone = try TinyModel.backbone()
        let references = TinyModel.examples(12, seed: 5).inputs
        func fit(
            from state: TrainingState? = nil
        ) async throws -> (
            report: TrainingReport<ClassificationMetrics>, weights: [String: [Float]],
            states: [TrainingState]
        ) {
            let model = try backbone.attaching(
                ClassificationHead(labels: TinyModel.labels), seed: 3)
            let trainer = Trainer(
                model, plan: .full(epochs: 6, learningRate: 3e-3),
                settings: TrainingSettings(
                    schedule: Schedule(.constant, warmup: .steps(9)), batch: .examples(8)))
            trainer.forgettingGuard = try ForgettingGuard(
                similaritiesOf: references, in: backbone, limit: 0.02)
            var states: [TrainingState] = []
            trainer.listen { event in
                if case .finished = event { return }
                if let state = trainer.captureState() { states.append(state) }
            }
            let report = try await trainer.fit(on: Self.data, from: state)
            return (report, model.weights(), states)
        }
        let whole = try await fit()
        #expect(whole.report.stopReason != nil && whole.report.epochs.count < 6)
        for state in whole.states {
            let copy = try TrainingState(fields: state.fields, tensors: state.tensors)
            let rest = try await fit(from: copy)
            #expect(rest.weights == whole.weights)
            #expect(rest.report.stopReason == whole.report.stopReason)
            #expect(rest.report.epochs.map(\.forgotten) == whole.report.epochs.map(\.forgotten))
        }
    }

    /// A cancelled run can be gone on from, too.
    @Test func aCancelledRunGoesOn() async throws {
        let test = Self.cases[0]
        let (whole, _) = try await Self.run(test)
        let task = Task {
            let trainer = Trainer(try test.model(), plan: test.plan, settings: test.settings)
            var last: TrainingState?
            trainer.listen { event in
                guard case .step(let step) = event else { return }
                last = trainer.captureState()
                if step.step == 3 { withUnsafeCurrentTask { $0?.cancel() } }
            }
            _ = try? await trainer.fit(on: Self.data, validating: test.validation)
            return last
        }
        let state = try #require(await task.value)
        #expect(state.step == 3)
        let (rest, _) = try await Self.run(test, from: state)
        #expect(rest.weights == whole.weights)
    }

    // MARK: Fields and tensors

    /// A state that was taken apart into a text and tensors goes on to the same bits, and says the same
    /// again.
    @Test(arguments: cases)
    func aStateCanBeTakenApart(_ test: Case) async throws {
        let (whole, states) = try await Self.run(test)
        for state in [states[1], states[states.count / 2], states[states.count - 2]] {
            let text = state.fields.serialized()
            let tensors = state.tensors.map { (name: $0.name, tensor: $0.tensor.copied()) }
            #expect(Set(tensors.map(\.name)).count == tensors.count)
            let copy = try TrainingState(fields: JSON(parsing: text), tensors: tensors)
            #expect(copy.fields.serialized() == text)
            #expect(copy.tensors.map(\.name) == tensors.map(\.name))
            let (rest, _) = try await Self.run(test, from: copy)
            #expect(rest.weights == whole.weights && rest.epochs == whole.epochs)
            #expect(rest.score == whole.score && rest.stoppedEarly == whole.stoppedEarly)
        }
    }

    /// Whatever field or tensor is missing or something else: an error, never a trap.
    @Test func aDamagedStateIsRefused() async throws {
        let test = Self.cases[0]
        let state = try #require(try await Self.run(test).states.dropLast(3).last)
        func expectRefusal(
            _ fields: JSON, _ tensors: [(name: String, tensor: Tensor)], _ what: String
        ) async throws {
            do {
                let damaged = try TrainingState(fields: fields, tensors: tensors)
                _ = try await Self.run(test, from: damaged)
                Issue.record("\(what) was taken")
            } catch is TrainingStateError {
            } catch is TrainingError {}
        }
        let fields = try #require(state.fields.object)
        let doubles = [
            "lossSum", "lossWeight", "trainingSeconds", "epochSeconds", "rateScale",
            "waitingSeconds",
        ]
        for (key, value) in fields where key != "epochs" && key != "candidate" {
            var damaged = fields
            damaged[key] = nil
            if key != "hasStart" {
                try await expectRefusal(.object(damaged), state.tensors, key)
            }
            for (inner, _) in value.object ?? [:] where inner != "score" && inner != "phaseScore" {
                for wrong: JSON in [.null, -1, 1e300, "x", 9_007_199_254_740_993] {
                    if value[inner] == wrong { continue }
                    // A number may be another one; what decides where the run stands may not.
                    if key != "position", wrong.int ?? -1 > 0 { continue }
                    if wrong.double != nil, doubles.contains(inner) { continue }
                    if key == "best", inner == "name", wrong.string != nil { continue }
                    if key == "position", wrong.int ?? -1 > 0,
                        ["epoch", "step", "skippedEpochs", "skippedSteps"].contains(inner)
                    {
                        continue
                    }
                    var object = value.object ?? [:]
                    object[inner] = wrong
                    damaged[key] = .object(object)
                    try await expectRefusal(
                        .object(damaged), state.tensors, "\(key).\(inner) \(wrong.serialized())")
                }
            }
        }
        for index in state.tensors.indices {
            var tensors = state.tensors
            let name = tensors[index].name
            if !name.hasPrefix("rows:") {
                tensors.remove(at: index)
                try await expectRefusal(state.fields, tensors, "no \(name)")
            }
            tensors = state.tensors
            tensors[index].tensor = Tensor([Int32(-1), 2, 1 << 30])
            try await expectRefusal(state.fields, tensors, "another \(name)")
        }
    }

    // MARK: What does not fit

    @Test func aStateOfAnotherRunIsRefused() async throws {
        let test = Self.cases[0]
        let state = try #require(try await Self.run(test).states.first)
        func message(
            _ plan: Plan, _ settings: TrainingSettings, _ model: TextClassifier,
            _ data: LabeledTexts = Self.data
        ) async throws -> String {
            let before = model.weights()
            let error = await #expect(throws: TrainingError.self) {
                try await Trainer(model, plan: plan, settings: settings).fit(
                    on: data, validating: test.validation, from: state)
            }
            #expect(model.weights() == before)
            return error?.description ?? ""
        }
        let model = try test.model()
        let other = try await message(.full(epochs: 3), test.settings, model)
        #expect(
            other
                == "the training state does not fit: its plan.phases[0].headRate is 0.001, but "
                + "that of this run is 5e-05")
        let settings = try await message(test.plan, TrainingSettings(seed: 1), model)
        #expect(settings.hasSuffix("its settings.seed is 4, but that of this run is 1"))
        let data = try await message(test.plan, test.settings, model, TinyModel.examples(27))
        #expect(
            data.hasSuffix("its data.training.examples is 26, but that of this run is 27"))
        let family = try await message(
            test.plan, test.settings, TinyModel.classifier("distilbert"))
        #expect(family.contains("its model.configuration."))
    }
}
