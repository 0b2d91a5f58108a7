@testable import FineTune
import TestSupport
import Testing

/// What a phase can say, and that it does what it says, bit for bit, beside training that is written
/// down plainly: `ReferenceTraining`.
@Suite struct PhaseTests {
    private static let data = TinyModel.examples(40)

    /// Trains one model by the plan and another one by the reference, and compares all weights.
    private func expectSame(
        _ plan: Plan, as phases: [ReferenceTraining.Phase], _ settings: TrainingSettings
    ) async throws {
        var settings = settings
        settings.gradientClipping = nil
        let model = try TinyModel.classifier()
        try await Trainer(model, plan: plan, settings: settings).fit(on: Self.data)
        let reference = try ReferenceTraining(
            TinyModel.classifier(), settings: settings, data: Self.data)
        try reference.train(phases)
        let (found, expected) = (model.weights(), reference.model.weights())
        #expect(found.count == expected.count)
        for (name, weights) in expected { #expect(found[name] == weights, "\(name)") }
        #expect(found != (try TinyModel.classifier().weights()))
    }

    static let settings = [
        TrainingSettings(batch: .examples(8), seed: 4),
        TrainingSettings(
            optimizer: .adamW(weightDecay: 0.1), schedule: .constant, batch: .examples(5),
            accumulation: 3, seed: 5),
        TrainingSettings(optimizer: .sgd(weightDecay: 0.1), batch: .tokens(90), seed: 6),
    ]

    private static func isHead(_ name: String) -> Bool { name.hasPrefix("classifier") }
    private static func isTop(_ name: String) -> Bool {
        isHead(name) || name.hasPrefix("encoder.layer.1.") || name.hasPrefix("pooler")
    }

    /// What trained before keeps its moments and its own count of steps, also after a time in which it
    /// was frozen; what is new begins without.
    @Test(arguments: settings)
    func theOptimizerRemembersAcrossPhases(_ settings: TrainingSettings) async throws {
        let head = Plan.Phase(stages: .none, epochs: 2, headRate: 2e-3, stageRate: 0)
        let top = Plan.Phase(stages: .top(1), epochs: 1, headRate: 1e-3, stageRate: 5e-4)
        let all = Plan.Phase(
            stages: .all, epochs: 2, headRate: 1e-3, stageRate: 4e-4, decay: 0.5)
        let rates: (String) -> Double? = { name in
            if Self.isHead(name) { return 1e-3 }
            return Self.isTop(name) ? 4e-4 : name.hasPrefix("encoder.layer.0.") ? 2e-4 : 1e-4
        }
        let headOnly = ReferenceTraining.Phase(epochs: 2) { Self.isHead($0) ? 2e-3 : nil }
        let topOnly = ReferenceTraining.Phase(epochs: 1) {
            Self.isHead($0) ? 1e-3 : Self.isTop($0) ? 5e-4 : nil
        }
        let whole = ReferenceTraining.Phase(epochs: 2, rate: rates)
        try await expectSame(
            Plan(name: "in turn", phases: [head, all, top, head, all]),
            as: [headOnly, whole, topOnly, headOnly, whole], settings)
    }

    /// A schedule of its own begins and ends with the phase; others follow that of the run.
    @Test func aPhaseCanHaveItsOwnScheduleAndWeightDecay() async throws {
        let schedule = Schedule(.cosine, warmup: .steps(2))
        let plan = Plan(
            name: "own",
            phases: [
                Plan.Phase(stages: .none, epochs: 1, headRate: 1e-3, stageRate: 0),
                Plan.Phase(
                    stages: .top(1), length: .epochs(2), headRate: 1e-3, stageRate: 1e-3,
                    schedule: schedule, weightDecay: 0.3),
                Plan.Phase(stages: .none, epochs: 1, headRate: 1e-3, stageRate: 0),
            ])
        let head = ReferenceTraining.Phase(epochs: 1) { Self.isHead($0) ? 1e-3 : nil }
        var top = ReferenceTraining.Phase(epochs: 2) { Self.isTop($0) ? 1e-3 : nil }
        top.weightDecay = 0.3
        top.schedule = { schedule.factor(step: $0, of: $1) }
        try await expectSame(plan, as: [head, top, head], Self.settings[0])
    }

    @Test func stagesKindsAndRatesCanBeChosen() async throws {
        let plan = Plan(
            name: "chosen",
            phases: [
                Plan.Phase(
                    stages: .range(0..<2), parameters: .kinds([.embedding, .bias]),
                    length: .epochs(1), headRate: 1e-3, stageRate: 1, stageRates: [9, 2e-4, 3e-4]),
                Plan.Phase(
                    stages: .all, parameters: .names(["encoder.layer.0.output.dense.weight"]),
                    length: .epochs(1), headRate: 1e-3, stageRate: 4e-4),
            ])
        let kinds = ReferenceTraining.Phase(epochs: 1) { name in
            if Self.isHead(name) { return 1e-3 }
            if name.hasPrefix("embeddings.") { return name.contains("LayerNorm") ? nil : 3e-4 }
            return name.hasPrefix("encoder.layer.0.") && name.hasSuffix("bias")
                && !name.contains("LayerNorm") ? 2e-4 : nil
        }
        let named = ReferenceTraining.Phase(epochs: 1) { name in
            Self.isHead(name) ? 1e-3 : name == "encoder.layer.0.output.dense.weight" ? 4e-4 : nil
        }
        try await expectSame(plan, as: [kinds, named], Self.settings[0])
    }

    // MARK: Starting point

    /// Tables included, of which a batch reads a few rows: with and without decay of the others, and
    /// after a phase in which they have decayed.
    @Test(
        arguments: [Optimizer.adamW(weightDecay: 0.1), .sgd(momentum: 0.5, weightDecay: 0.1)],
        [0.0, 0.2])
    func thePenaltyPullsBackToTheStartingPoint(
        _ optimizer: Optimizer, _ weightDecay: Double
    ) async throws {
        let settings = TrainingSettings(
            optimizer: optimizer, schedule: .constant, batch: .examples(8), accumulation: 2, seed: 4
        )
        let pulled = Plan.Phase(
            stages: .all, length: .epochs(2), headRate: 2e-3, stageRate: 1e-3,
            weightDecay: weightDecay, startingPointPenalty: .init(alpha: 0.3, beta: 0.2))
        let free = Plan.Phase(stages: .all, epochs: 1, headRate: 2e-3, stageRate: 1e-3)
        var phase = ReferenceTraining.Phase(epochs: 2) { Self.isHead($0) ? 2e-3 : 1e-3 }
        let freely = ReferenceTraining.Phase(epochs: 1) { Self.isHead($0) ? 2e-3 : 1e-3 }
        (phase.weightDecay, phase.alpha, phase.beta) = (weightDecay, 0.3, 0.2)
        try await expectSame(
            Plan(name: "pulled", phases: [pulled, free, pulled]), as: [phase, freely, phase],
            settings)
    }

    /// Where nothing decays, the rows of a table that no batch has read cost nothing.
    @Test func rowsThatNoBatchHasReadAreLeftAlone() throws {
        let model = try TinyModel.classifier()
        let run = try TrainingRun(
            model: model, plan: .l2SP(epochs: 2), settings: TrainingSettings(),
            data: Self.data, validation: nil)
        _ = run.beginEpoch()
        for _ in 0..<2 {
            while run.hasStep { _ = try run.takeStep() }
            _ = run.beginEpoch()
        }
        let table = try #require(model.stages[0].parameters.first)
        let rows = try #require(run.optimizer[table]?.touched?.rows)
        #expect(rows.count < table.shape[0] && rows.count > 50)
    }

    // MARK: Length

    private func steps(_ plan: Plan, validating: LabeledTexts? = nil) async throws -> (
        steps: [TrainingProgress], epochs: [EpochSummary<ClassificationMetrics>]
    ) {
        let trainer = Trainer(
            try TinyModel.classifier(), plan: plan,
            settings: TrainingSettings(schedule: Schedule(.linear), batch: .examples(8)))
        var steps: [TrainingProgress] = []
        trainer.listen { if case .step(let step) = $0 { steps.append(step) } }
        let report = try await trainer.fit(on: Self.data, validating: validating)
        return (steps, report.epochs)
    }

    /// Five steps an epoch: seven of them are an epoch and two steps.
    @Test func aPhaseCanBeCountedInSteps() async throws {
        let plan = Plan(
            name: "steps",
            phases: [
                Plan.Phase(stages: .none, length: .steps(7), headRate: 1e-3, stageRate: 0),
                Plan.Phase(stages: .all, length: .steps(0), headRate: 1e-3, stageRate: 1e-3),
                Plan.Phase(
                    name: "top", stages: .top(1), length: .epochs(1), headRate: 1, stageRate: 0),
            ])
        let (steps, epochs) = try await steps(plan)
        #expect(steps.map(\.epoch) == [1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3])
        #expect(steps.map(\.step) == Array(1...12))
        #expect(steps.allSatisfy { $0.steps == 12 && $0.epochs == 3 })
        #expect(
            steps.map(\.phase) == Array(repeating: "steps", count: 7)
                + Array(repeating: "top", count: 5))
        #expect(epochs.map(\.epoch) == [1, 2, 3])
        let schedule = Schedule(.linear)
        for (index, step) in steps.enumerated() {
            let rate = index < 7 ? 1e-3 : 1
            #expect(step.learningRate == rate * schedule.factor(step: index, of: 12))
        }
    }

    /// No score can be better by 2, so that a phase ends after its patience and one epoch more. The
    /// schedule goes on where the phase would have ended at the latest.
    @Test func aPhaseCanLastUntilValidationStalls() async throws {
        let plan = Plan(
            name: "stalling",
            phases: [
                Plan.Phase(
                    stages: .none,
                    length: .untilStalled(patience: 2, minimumImprovement: 2, atMost: 10),
                    headRate: 1e-3, stageRate: 0),
                Plan.Phase(
                    stages: .top(1),
                    length: .untilStalled(patience: 9, minimumImprovement: 0, atMost: 2),
                    headRate: 1e-3, stageRate: 1e-3),
            ])
        let (steps, epochs) = try await steps(plan, validating: TinyModel.examples(9, seed: 2))
        #expect(epochs.map(\.epoch) == [1, 2, 3, 4, 5])
        #expect(
            steps.map(\.epochs) == Array(repeating: 12, count: 15) + Array(repeating: 5, count: 10))
        #expect(
            steps.map(\.steps) == Array(repeating: 60, count: 15) + Array(repeating: 25, count: 10))
        let schedule = Schedule(.linear)
        for (index, step) in steps.enumerated() {
            let planned = index < 15 ? index : index + 35
            #expect(step.learningRate == 1e-3 * schedule.factor(step: planned, of: 60))
        }
        #expect(steps.last?.secondsLeft == 0)
    }

    /// Under a limit of tokens each epoch has its own number of steps. A hundred of them are counted,
    /// whose orders return.
    @Test func theLongestRunIsCountedAtOnce() async throws {
        var generator = SplitMix64(seed: 3)
        let sizes = (0..<40).map { _ in 3 + generator.next(below: 20) }
        let order = EpochOrder(
            BatchOrder(sizes: sizes, limit: .tokens(50), seed: 1, poolSize: 2), accumulation: 2)
        var phase = Plan.headOnly().phases[0]
        phase.length = .untilStalled(patience: 1, minimumImprovement: 2, atMost: 1_000_000)
        var second = phase
        second.length = .steps(1_000_000)
        let plan = Plan(name: "long", phases: [phase, second])
        let length = RunLength(plan, order: order)
        let counts = length.phases[0].stepCounts
        #expect(counts.count == 1_000_000 && Set(counts.prefix(100)).count > 1)
        for epoch in [0, 1, 7, 99, 100, 107, 999_999] {
            #expect(order.steps(ofEpoch: epoch).count == counts[epoch])
        }
        #expect(order.steps(ofEpoch: 107) == order.steps(ofEpoch: 7))
        #expect(order.steps(ofEpoch: 99) != order.steps(ofEpoch: 0))
        #expect(length.phases[0].stepCount == counts.reduce(0, +))
        #expect(length.phases[1].firstStep == length.phases[0].stepCount)
        #expect(length.phases[1].stepCount == 1_000_000)
        #expect(length.stepCount == length.phases[0].stepCount + 1_000_000)

        let trainer = Trainer(
            try TinyModel.classifier(), plan: Plan(name: "long", phases: [phase]),
            settings: TrainingSettings(batch: .tokens(200)))
        let report = try await trainer.fit(
            on: Self.data, validating: TinyModel.examples(9, seed: 2))
        #expect(report.epochs.count == 2)
    }

    // MARK: Mistakes

    @Test func aStallingPhaseNeedsValidation() async throws {
        let plan = Plan(
            name: "stalling",
            phases: [
                Plan.Phase(
                    stages: .none, length: .untilStalled(atMost: 3), headRate: 1e-3, stageRate: 0)
            ])
        let trainer = Trainer(try TinyModel.classifier(), plan: plan)
        await #expect(throws: TrainingError.phaseNeedsValidation(plan: "stalling")) {
            try await trainer.fit(on: Self.data)
        }
    }

    /// A name of another stage counts as unknown too: nothing would train.
    @Test(arguments: [
        ("encoder.layer.1.output.dense.weigth", Plan.Phase.Stages.all),
        ("encoder.layer.0.output.dense.weight", .top(1)), ("classifier.bias", .all),
    ])
    func anUnknownNameIsRefused(_ name: String, _ stages: Plan.Phase.Stages) async throws {
        let plan = Plan(
            name: "named",
            phases: [
                Plan.Phase(
                    stages: stages,
                    parameters: .names([name, "encoder.layer.1.output.dense.weight"]),
                    length: .epochs(1), headRate: 1e-3, stageRate: 1e-3)
            ])
        let trainer = Trainer(try TinyModel.classifier(), plan: plan)
        await #expect(throws: TrainingError.unknownParameter(name, phase: 1, plan: "named")) {
            try await trainer.fit(on: Self.data)
        }
    }

    @Test func numbersThatMakeNoSenseAreRefused() async throws {
        func phase(_ change: (inout Plan.Phase) -> Void) -> Plan.Phase {
            var phase = Plan.full(epochs: 1).phases[0]
            change(&phase)
            return phase
        }
        let wrong: [(Plan.Phase, String)] = [
            (phase { $0.headRate = -1 }, "has a rate or decay of -1.0"),
            (phase { $0.stageRates = [.nan] }, "has a rate or decay of nan"),
            (phase { $0.adapterRate = .infinity }, "has a rate or decay of inf"),
            (phase { $0.weightDecay = -0.1 }, "has a weight decay of -0.1"),
            (phase { $0.length = .steps(-1) }, "has -1 steps"),
            (phase { $0.length = .untilStalled(patience: 0, atMost: 2) }, "waits 0 epochs"),
            (
                phase { $0.startingPointPenalty = .init(alpha: -1) },
                "has a penalty of -1.0 and 0.01"
            ),
            (phase { $0.schedule = Schedule(warmup: .share(.nan)) }, "has a warm-up of nan"),
            (phase { $0.reinitializedStages = -1 }, "gives -1 stages new weights"),
        ]
        for (phase, message) in wrong {
            let trainer = Trainer(
                try TinyModel.classifier(), plan: Plan(name: "wrong", phases: [phase]))
            let error = await #expect(throws: TrainingError.self) {
                try await trainer.fit(on: Self.data)
            }
            #expect(error?.description.hasPrefix("phase 1 of the plan \(message)") == true)
        }
    }

    // MARK: Gradients

    /// A parameter that nothing is computed with is named in the first step of the phase that trains
    /// it, and not before.
    @Test func aParameterWithoutAGradientIsNamed() async throws {
        let (model, unused) = try TinyModel.classifierWithUnusedWeight()
        let weights = model.weights()
        let plan = Plan(
            name: "late",
            phases: [
                Plan.Phase(stages: .none, epochs: 1, headRate: 0, stageRate: 0),
                Plan.Phase(stages: .all, epochs: 1, headRate: 1e-3, stageRate: 1e-3),
            ])
        var steps = 0
        let trainer = Trainer(
            model, plan: plan,
            settings: TrainingSettings(optimizer: .sgd(momentum: 0), batch: .examples(8)))
        trainer.listen { if case .step = $0 { steps += 1 } }
        let error = await #expect(throws: TrainingError.self) {
            try await trainer.fit(on: Self.data)
        }
        #expect(error == .noGradient(parameters: [unused], phase: 2, plan: "late"))
        #expect(
            error?.description.contains("trains '\(unused)', which received no gradient") == true)
        #expect(steps == 5 && model.weights() == weights)
        #expect(model.parameters.allSatisfy { !$0.isTrainable && $0.gradient == nil })
    }
}
