@testable import FineTune
import TestSupport
import Testing

@Suite struct PlanTests {
    /// The rates of the stages from the bottom to the top; nil is frozen.
    @Test func aPlanGivesEveryStageItsRate() {
        #expect(Plan.headOnly().phases[0].rates(stages: 4) == [nil, nil, nil, nil])
        #expect(Plan.full(learningRate: 2e-5).phases[0].rates(stages: 3) == [2e-5, 2e-5, 2e-5])
        #expect(
            Plan.full(learningRate: 8, decay: 0.5).phases[0].rates(stages: 4) == [1, 2, 4, 8])
        #expect(
            Plan.top(2, learningRate: 8, decay: 0.5).phases[0].rates(stages: 4)
                == [nil, nil, 4, 8])
        #expect(Plan.top(0).phases[0].rates(stages: 2) == [nil, nil])
        #expect(Plan.top(9, learningRate: 3).phases[0].rates(stages: 2) == [3, 3])
        #expect(Plan.top(-1).phases[0].rates(stages: 2) == [nil, nil])
    }

    /// No share ends the process; a trainer refuses the one that is no number.
    @Test(arguments: [
        (0.5, 4), (0.51, 5), (0, 0), (-2, 0), (7, 8), (1e300, 8), (.infinity, 8), (.nan, 0),
    ])
    func aShareOfTheStagesIsRoundedUpAndLimited(_ share: Double, _ count: Int) {
        #expect(Plan.Phase.Stages.topShare(share).count(of: 8) == count)
    }

    @Test func unfreezingGoesFromTheTopDown() {
        func counts(_ epochs: Int) -> [Int] {
            Plan.gradualUnfreezing(epochs: epochs).phases.map { $0.stages.count(of: 7) }
        }
        #expect(counts(1) == [7])
        #expect(counts(2) == [0, 7])
        #expect(counts(3) == [0, 4, 7])
        #expect(counts(4) == [0, 3, 5, 7])
        #expect(counts(8) == [0, 1, 2, 3, 4, 5, 6, 7])
        let plan = Plan.gradualUnfreezing(epochs: 3, learningRate: 1, decay: 0.5)
        #expect(plan.phases.allSatisfy { $0.epochs == 1 && $0.headRate == 1 })
        #expect(plan.phases[2].rates(stages: 3) == [0.25, 0.5, 1])
        #expect(plan.epochs == 3)
    }

    /// A number that a trainer refuses makes no phases without number.
    @Test func tooManyEpochsToUnfreezeIn() {
        let plan = Plan.gradualUnfreezing(epochs: .max)
        #expect(plan.phases.count == 1 && plan.name == "gradual")
        let expected = TrainingError.unusableSetting(
            "phase 1 of the plan has 9223372036854775807 epochs; give it 0 to 1000000")
        #expect(throws: expected) { try plan.check() }
    }

    @Test func plansHaveTheirNamesAndDefaults() {
        let plans = [Plan.headOnly(), .full(), .top(2), .gradualUnfreezing()]
        #expect(plans.map(\.name) == ["head", "full", "top2", "gradual"])
        #expect(plans.map(\.epochs) == [10, 3, 3, 3])
        #expect(plans.map { $0.phases[0].headRate } == [1e-3, 5e-5, 1e-4, 1e-4])
    }

    /// What may move in each epoch of a run, and what has moved after it. The tiny BERT has the
    /// stages embeddings, layer 0 and layer 1; its pooler goes with layer 1.
    @Test(arguments: TinyModel.families)
    func gradualUnfreezingTrainsMoreFromEpochToEpoch(_ family: String) async throws {
        let model = try TinyModel.classifier(family)
        let trainer = Trainer(
            model, plan: .gradualUnfreezing(epochs: 3, learningRate: 1e-3),
            settings: TrainingSettings(schedule: .constant, batch: .examples(8)))
        var before = model.weights()
        var trainable: [Set<String>] = []
        var moved: [Set<String>] = []
        trainer.listen { event in
            switch event {
            case .step: trainable.append(names(of: model) { $0.isTrainable })
            case .epoch:
                let now = model.weights()
                moved.append(Set(now.keys.filter { now[$0] != before[$0] }))
                before = now
            default: break
            }
        }
        try await trainer.fit(on: TinyModel.examples(16))
        let all = names(of: model) { _ in true }
        let head = Set(model.network.parameters.map(\.path))
        let embeddings = all.filter { $0.hasPrefix("embeddings") }
        #expect(trainable.count == 6)
        for step in 0..<2 { #expect(trainable[step] == head) }
        for step in 2..<4 { #expect(trainable[step] == all.subtracting(embeddings)) }
        for step in 4..<6 { #expect(trainable[step] == all) }
        #expect(moved[0] == head)
        #expect(moved[1].isDisjoint(with: embeddings) && moved[1].count > 30)
        #expect(moved[2].isSuperset(of: embeddings))
        #expect(names(of: model) { $0.isTrainable }.isEmpty)
    }

    /// A pooler goes with the layer below it, so `top(1)` trains both.
    @Test(arguments: TinyModel.families)
    func topTrainsTheTopmostLayerAndThePooler(_ family: String) async throws {
        let model = try TinyModel.classifier(family)
        let layer = model.stages[2].parameters.map(\.path)
        let pooler = model.stages[3].parameters.map(\.path)
        #expect(model.stages.count == 4 && layer.count == 16 && pooler.count == 2)
        let trained = try await trainedNames(of: model, plan: .top(1, epochs: 1))
        #expect(trained == Set(layer + pooler + model.network.parameters.map(\.path)))
    }

    /// The rate of each stage shows in how far plain gradient descent moves it.
    @Test func everyStageMovesAtItsOwnRate() async throws {
        func distances(decay: Double) async throws -> [Double] {
            let model = try TinyModel.classifier(settings: TinyModel.withoutDropout)
            let before = model.stages.map { $0.parameters.map(\.value) }
            let trainer = Trainer(
                model, plan: .full(epochs: 1, learningRate: 0.01, decay: decay),
                settings: TrainingSettings(
                    optimizer: .sgd(momentum: 0), schedule: .constant, batch: .examples(16),
                    gradientClipping: nil))
            try await trainer.fit(on: TinyModel.examples(16))
            return zip(model.stages, before).map { stage, old in
                zip(stage.parameters, old).reduce(0.0) { $0 + ($1.0.value - $1.1).sumOfSquares() }
                    .squareRoot()
            }
        }
        let even = try await distances(decay: 1)
        let decayed = try await distances(decay: 0.5)
        // Embeddings, layer 0, layer 1, and the pooler at the rate of layer 1. What is compared
        // is the difference of weights around 1, so a distance of 1e-3 has 4 digits.
        for (ratio, factor) in zip(zip(decayed, even).map { $0 / $1 }, [0.25, 0.5, 1, 1]) {
            #expect(abs(ratio / factor - 1) < 1e-2)
        }
    }

    /// Transformers' base models have no pooler (RoBERTa) or no `pre_classifier` (DistilBERT), and
    /// BERT may be published without: what begins at random trains with the head.
    @Test(arguments: TinyModel.families)
    func aFreshStageTrainsWithTheHead(_ family: String) async throws {
        let folder = try TinyModel.folder(family)
        let path = folder.path + "/model.safetensors"
        let file = try SafetensorsFile(path: path)
        let base = try file.names.filter { !$0.contains("class") && !$0.contains("pooler") }
            .map { (name: String($0.dropFirst(family.count + 1)), tensor: try file.required($0)) }
        try SafetensorsFile.write(base, to: path)
        let backbone = try PretrainedModel.text(contentsOf: folder.path)
        #expect(backbone.loadReport.missing.isEmpty)
        let model = try backbone.attaching(ClassificationHead(labels: TinyModel.labels))
        #expect(model.initializedStages == [3])
        let fresh = Set((model.stages[3].parameters + model.network.parameters).map(\.path))
        #expect(fresh.count == 4)
        #expect(try await trainedNames(of: model, plan: .headOnly(epochs: 1)) == fresh)
        #expect(model.stages[3].parameters.allSatisfy { !$0.value.isMapped })
    }

    private func trainedNames(of model: TextClassifier, plan: Plan) async throws -> Set<String> {
        let trainer = Trainer(model, plan: plan, settings: TrainingSettings(schedule: .constant))
        var trained: Set<String> = []
        trainer.listen { if case .step = $0 { trained = names(of: model) { $0.isTrainable } } }
        let before = model.weights()
        try await trainer.fit(on: TinyModel.examples(12))
        let after = model.weights()
        for (name, weights) in after where weights != before[name] {
            #expect(trained.contains(name), "\(name) moved")
        }
        return trained
    }
}

private func names(of model: TextClassifier, where isWanted: (Parameter) -> Bool) -> Set<String> {
    Set(model.parameters.filter(isWanted).map(\.path))
}
