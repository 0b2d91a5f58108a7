@testable import FineTune
import TestSupport
import Testing

/// Every recipe from a cold start on the tiny models.
@Suite struct RecipeTests {
    struct Recipe: Sendable, CustomTestStringConvertible {
        let plan: Plan
        /// Whether a pretrained parameter trains at the end, by its name.
        let trains: @Sendable (String) -> Bool
        var testDescription: String { plan.name }
    }

    private static let never: @Sendable (String) -> Bool = { _ in false }
    private static let always: @Sendable (String) -> Bool = { _ in true }
    /// Layer 1 and the pooler, in the names of all three families.
    private static let top: @Sendable (String) -> Bool = { name in
        name.contains("layer.1.") || !name.contains("layer.") && !name.hasPrefix("embeddings")
    }
    private static let norm: @Sendable (String) -> Bool = { name in
        name.contains("LayerNorm") || name.contains("layer_norm")
    }

    static let recipes = [
        Recipe(plan: .headOnly(epochs: 6, learningRate: 1e-2), trains: never),
        Recipe(plan: .full(epochs: 2, learningRate: 1e-3), trains: always),
        Recipe(plan: .top(1, epochs: 2, learningRate: 1e-3), trains: top),
        Recipe(plan: .gradualUnfreezing(epochs: 3, learningRate: 1e-3), trains: always),
        Recipe(
            plan: .linearProbeThenFineTune(probeEpochs: 2, epochs: 2, learningRate: 1e-3),
            trains: always),
        Recipe(plan: .layerwiseDecay(epochs: 2, learningRate: 1e-3), trains: always),
        Recipe(plan: .biasesOnly(epochs: 4, learningRate: 1e-2), trains: { $0.hasSuffix("bias") }),
        Recipe(plan: .normalizationsOnly(epochs: 4, learningRate: 1e-2), trains: norm),
        Recipe(plan: .reinitializingTop(1, epochs: 2, learningRate: 1e-3), trains: always),
        Recipe(plan: .l2SP(epochs: 2, learningRate: 1e-3), trains: always),
    ]

    /// What trains and what moves is what the recipe says, and the loss falls.
    @Test(arguments: TinyModel.families, recipes)
    func everyRecipeTrainsWhatItSays(_ family: String, _ recipe: Recipe) async throws {
        let model = try TinyModel.classifier(family)
        let before = model.weights()
        let head = Set(model.network.parameters.map(\.path))
        let trainer = Trainer(
            model, plan: recipe.plan,
            settings: TrainingSettings(schedule: .constant, batch: .examples(8), seed: 1))
        var trained: Set<String> = []
        trainer.listen { event in
            guard case .step = event else { return }
            trained = Set(model.parameters.filter(\.isTrainable).map(\.path))
        }
        let report = try await trainer.fit(
            on: TinyModel.examples(60), validating: TinyModel.examples(12, seed: 2))
        let expected = Set(before.keys.filter { head.contains($0) || recipe.trains($0) })
        #expect(trained == expected)
        let after = model.weights()
        for (name, weights) in after {
            #expect((weights != before[name]) == expected.contains(name), "\(name)")
        }
        let losses = report.epochs.map(\.loss)
        #expect(losses.allSatisfy(\.isFinite) && (losses.last ?? 9) < losses[0], "\(losses)")
        #expect(report.metrics?.count == 12)
    }

    /// The gradient of a bias does not depend on what else trains. Without dropout, which a stage in
    /// which nothing trains does not have.
    @Test(arguments: TinyModel.families)
    func aBiasAloneHasItsGradient(_ family: String) throws {
        func gradients(_ plan: Plan) throws -> [String: Tensor] {
            let model = try TinyModel.classifier(family, settings: TinyModel.withoutDropout)
            let run = try TrainingRun(
                model: model, plan: plan, settings: TrainingSettings(),
                data: TinyModel.examples(12), validation: nil)
            _ = run.beginEpoch()
            _ = try run.computeGradients(of: [[0, 1, 2, 3, 4, 5]])
            return Dictionary(
                uniqueKeysWithValues: model.parameters.compactMap { parameter in
                    parameter.gradient.map { (parameter.path, $0) }
                })
        }
        let whole = try gradients(.full())
        for plan in [Plan.biasesOnly(), .normalizationsOnly()] {
            let some = try gradients(plan)
            #expect(some.count > 10 && some.count < whole.count)
            for (name, gradient) in some {
                #expect(sameBits(gradient, try #require(whole[name])), "\(name)")
            }
        }
    }

    // MARK: Re-initialising

    /// Only what is on top begins anew, as BERT begins, and the same for the same seed.
    @Test(arguments: TinyModel.families)
    func theTopBeginsAnew(_ family: String) throws {
        func begun(_ seed: UInt64) throws -> TextClassifier {
            let model = try TinyModel.classifier(family)
            let run = try TrainingRun(
                model: model, plan: .reinitializingTop(1),
                settings: TrainingSettings(seed: seed), data: TinyModel.examples(12),
                validation: nil)
            _ = run.beginEpoch()
            return model
        }
        let before = try TinyModel.classifier(family).weights()
        let model = try begun(1)
        #expect(try begun(1).weights() == model.weights())
        #expect(try begun(2).weights() != model.weights())
        let anew = (model.stages[2].parameters + model.stages[3].parameters)
        let paths = Set(anew.map(\.path))
        #expect(paths.count == 18)
        for (name, weights) in model.weights() where !paths.contains(name) {
            #expect(weights == before[name], "\(name)")
        }
        for parameter in anew {
            let values = doubles(parameter.value)
            let mean = values.reduce(0, +) / Double(values.count)
            let deviation =
                (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
                / Double(values.count)).squareRoot()
            switch parameter.kind {
            // Some thousand numbers: the standard error of their deviation is 2%.
            case .weight: #expect(abs(deviation / 0.02 - 1) < 0.1 && abs(mean) < 0.003)
            case .bias, .normalizationShift: #expect(values.allSatisfy { $0 == 0 })
            default: #expect(values.allSatisfy { $0 == 1 })
            }
        }
    }

    /// An adapter is made for the weights that it is on.
    @Test func anAdapterIsNotPutOnNewWeights() async throws {
        let model = try TinyModel.backbone().attaching(
            ClassificationHead(labels: TinyModel.labels), adapter: .lora())
        var phase = Plan.adapter().phases[0]
        phase.reinitializedStages = 1
        let trainer = Trainer(model, plan: Plan(name: "both", phases: [phase]))
        let error = await #expect(throws: TrainingError.self) {
            try await trainer.fit(on: TinyModel.examples(12))
        }
        #expect(error?.description.hasPrefix("the plan 'both' gives stages new weights") == true)
    }

    // MARK: Details

    @Test func recipesHaveTheirNamesAndDefaults() {
        let plans = [
            Plan.linearProbeThenFineTune(), .layerwiseDecay(), .biasesOnly(),
            .normalizationsOnly(), .reinitializingTop(2), .l2SP(),
        ]
        #expect(
            plans.map(\.name) == [
                "LP-FT", "layer-wise decay", "biases", "normalizations", "reinitialized top2",
                "L2-SP",
            ])
        #expect(plans.map(\.epochs) == [8, 3, 10, 10, 5, 3])
        #expect(plans[0].phases.map(\.name) == ["probe", "fine-tune"])
        #expect(plans[0].phases.map(\.headRate) == [1e-3, 5e-5])
        #expect(plans[1].phases[0].rates(stages: 3) == [1e-4 * 0.8 * 0.8, 1e-4 * 0.8, 1e-4])
        #expect(plans[5].phases[0].startingPointPenalty == .init(alpha: 0.1, beta: 0.01))
        #expect(plans[5].phases[0].weightDecay == 0)
    }

    /// The probe's warm-up and decay are over when fine-tuning warms up again.
    @Test func bothPhasesOfLPFTWarmUp() async throws {
        let trainer = Trainer(
            try TinyModel.classifier(),
            plan: .linearProbeThenFineTune(probeEpochs: 2, epochs: 3, learningRate: 1e-4),
            settings: TrainingSettings(batch: .examples(6)))
        var rates: [Double] = []
        trainer.listen { if case .step(let step) = $0 { rates.append(step.learningRate) } }
        try await trainer.fit(on: TinyModel.examples(30))
        let schedule = Schedule()
        #expect(
            rates == (0..<10).map { 1e-3 * schedule.factor(step: $0, of: 10) }
                + (0..<15).map { 1e-4 * schedule.factor(step: $0, of: 15) })
    }

    /// The two lines of the docstring: a head in closed form, then fine-tuning.
    @Test func fineTuningCanBeginWithAComputedHead() async throws {
        let model = try TinyModel.classifier()
        let data = TinyModel.examples(90)
        let solved = try await model.solveHead(
            on: data, with: .ridge(), validating: data)
        let report = try await Trainer(
            model, plan: .full(epochs: 1, learningRate: 1e-5),
            settings: TrainingSettings(schedule: .constant)
        ).fit(on: data, validating: data)
        let (before, after) = (
            try #require(solved.metrics?.accuracy), try #require(report.metrics?.accuracy)
        )
        #expect(before > 0.6 && after >= before - 0.1)
    }
}
