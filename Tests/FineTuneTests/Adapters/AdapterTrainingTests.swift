@testable import FineTune
import TestSupport
import Testing

/// Training an adapter: what learns, what stays, and what it costs.
@Suite struct AdapterTrainingTests {
    private static let head = ClassificationHead(labels: TinyModel.labels)

    static func model(
        _ adapter: Adapter, family: String = "bert", settings: JSON.Object = [:]
    ) throws -> TextClassifier {
        try TinyModel.backbone(family, settings: settings).attaching(
            head, adapter: adapter, seed: 3)
    }

    // MARK: Beginning

    /// Before training, an adapter changes no bit of what the model computes.
    @Test(arguments: TinyModel.families, Adapter.samples)
    func anUntrainedAdapterChangesNothing(_ family: String, _ adapter: Adapter) throws {
        let texts = TinyModel.examples(12).inputs
        let plain = try TinyModel.classifier(family)
        let adapted = try Self.model(adapter, family: family)
        let (expected, found) = (try plain.outputs(for: texts), try adapted.outputs(for: texts))
        // DoRA divides the length of each row by itself, and so rounds.
        let allowed: Float = adapter.method == .doRA ? 2e-6 : 0
        for (row, other) in zip(expected, found) {
            for (a, b) in zip(row, other) { #expect(abs(a - b) <= allowed) }
        }
    }

    @Test func theMapsAreChosenByTheirRoles() throws {
        func paths(_ family: String, _ layers: Set<LinearRole>) throws -> [String] {
            let model = try Self.model(.lora(rank: 1, layers: layers), family: family)
            return try #require(model.adaptation).places.map(\.map.path)
        }
        #expect(
            try paths("bert", [.value, .query]) == [
                "encoder.layer.0.attention.self.query", "encoder.layer.0.attention.self.value",
                "encoder.layer.1.attention.self.query", "encoder.layer.1.attention.self.value",
            ])
        #expect(
            try paths("distilbert", [.feedForwardOut, .output]) == [
                "transformer.layer.0.attention.out_lin", "transformer.layer.0.ffn.lin2",
                "transformer.layer.1.attention.out_lin", "transformer.layer.1.ffn.lin2",
            ])
        #expect(try paths("bert", .allLinear).count == 12)
        #expect(try paths("bert", [.pooler]) == ["pooler.dense"])
        // RoBERTa's pooler is a part of the head, which trains as a whole.
        #expect(throws: AdapterError.self) { try paths("roberta", [.pooler]) }
        #expect(throws: AdapterError.noLayers("[]")) { try paths("bert", []) }
    }

    // MARK: What moves

    @Test(arguments: Adapter.samples)
    func trainingLowersTheLossAndLeavesTheBase(_ adapter: Adapter) async throws {
        let model = try Self.model(adapter, settings: TinyModel.withoutDropout)
        let adaptation = try #require(model.adaptation)
        let factors = adaptation.places.flatMap(\.adapter.parameters)
        let before = factors.map(\.value)
        let trainer = Trainer(
            model, plan: .adapter(epochs: 4, learningRate: 0.02),
            settings: TrainingSettings(schedule: .constant, batch: .examples(12)))
        var hasBaseGradient = false
        trainer.listen { event in
            if case .step = event, adaptation.base.contains(where: { $0.parameter.isTrainable }) {
                hasBaseGradient = true
            }
        }
        let report = try await trainer.fit(on: TinyModel.examples(60))
        #expect(!hasBaseGradient)
        let losses = report.epochs.map(\.loss)
        #expect(losses[3] < 0.8 * losses[0], "\(losses)")
        for (parameter, value) in adaptation.base {
            #expect(parameter.gradient == nil && sameBits(parameter.value, value))
            #expect(parameter.value.isMapped)
        }
        for (parameter, value) in zip(factors, before) {
            #expect(!sameBits(parameter.value, value), "\(parameter.path)")
        }
        #expect(
            report.trainedParameters
                == factors.reduce(0) { $0 + $1.value.elementCount } + 3 * 32 + 3)
    }

    @Test(arguments: Adapter.samples)
    func onlyTheAdapterAndTheHeadGetGradients(_ adapter: Adapter) throws {
        let model = try Self.model(adapter)
        let run = try TrainingRun(
            model: model, plan: .adapter(epochs: 1), settings: TrainingSettings(),
            data: TinyModel.examples(20), validation: nil)
        _ = run.beginEpoch()
        _ = try run.computeGradients(of: [[0, 1, 2, 3]])
        let trained = Set(model.parameters.filter { $0.gradient != nil }.map(\.path))
        let adaptation = try #require(model.adaptation)
        let expected = adaptation.places.flatMap(\.adapter.parameters) + model.taskParameters
        #expect(trained == Set(expected.map(\.path)))
    }

    /// The same seed gives the same weights on any number of threads, with dropout of all kinds.
    @Test func theSameSeedGivesTheSameBits() async throws {
        func train(threads: Int) async throws -> [String: [Float]] {
            let model = try Self.model(.lora(rank: 4, dropoutRate: 0.2, layers: .allLinear))
            try await Trainer(
                model, plan: .adapter(epochs: 2),
                settings: TrainingSettings(seed: 5, threads: threads)
            ).fit(on: TinyModel.examples(60))
            return model.weights()
        }
        let one = try await train(threads: 1)
        let two = try await train(threads: 2)
        #expect(one == two)
    }

    /// Kept features are those of stages with their adapters: a head that is trained alone, then
    /// with the adapter, then alone again has the same bits with and without them.
    @Test(arguments: Adapter.samples)
    func keptFeaturesChangeNoBit(_ adapter: Adapter) async throws {
        func train(_ caching: TrainingSettings.FeatureCaching?) async throws -> [String: [Float]] {
            let model = try Self.model(adapter)
            let head = Plan.headOnly(epochs: 2).phases[0]
            let plan = Plan(
                name: "in turn",
                phases: [head, Plan.adapter(epochs: 1, learningRate: 0.01).phases[0], head])
            let settings = TrainingSettings(
                schedule: .constant, batch: .examples(7), seed: 4, featureCache: caching)
            try await Trainer(model, plan: plan, settings: settings).fit(
                on: TinyModel.examples(40), validating: TinyModel.examples(10))
            return model.weights()
        }
        let kept = try await train(.init())
        let computed = try await train(nil)
        #expect(kept == computed)
    }

    // MARK: What it costs

    /// In a process of its own, because entries and bytes are counted for the whole process.
    @Test func nothingIsKeptBelowTheLowestAdapter() async {
        await #expect(processExitsWith: .success) {
            func entries(_ adapter: Adapter, lowest: Int) throws -> (entries: Int, bytes: Int) {
                let model = try AdapterTrainingTests.model(
                    adapter, settings: TinyModel.withoutDropout)
                for (index, stage) in model.stages.enumerated() where index < lowest {
                    for place in stage.linearMaps { place.map.adapter = nil }
                }
                let run = try TrainingRun(
                    model: model, plan: .adapter(epochs: 1), settings: TrainingSettings(),
                    data: TinyModel.examples(40), validation: nil)
                _ = run.beginEpoch()
                let items = try TinyModel.examples(40).inputs.map {
                    try model.preparation.prepared($0)
                }
                let bytes = Tensor.Memory.statistics.bytesInUse
                let pass = Pass.training(seed: 0, step: 0)
                let outputs = model.network(try model.headFeatures(items, in: pass), in: pass)
                defer { withExtendedLifetime(outputs) {} }
                return (Variable.tapeEntryCount, Tensor.Memory.statistics.bytesInUse - bytes)
            }
            // Stages are the embeddings, layer 0, layer 1 and the pooler.
            let whole = try entries(.lora(rank: 2), lowest: 0)
            let upper = try entries(.lora(rank: 2), lowest: 2)
            #expect(upper.entries < whole.entries)
            // Half of the layers, and what both have in common.
            #expect(upper.bytes < whole.bytes * 2 / 3)
            // The lowest layer's queries are constants without an adapter: its two factors and the map
            // are gone, and nothing takes their place.
            let values = try entries(.lora(rank: 2, layers: [.value]), lowest: 2)
            #expect(values.entries == upper.entries - 3)
        }
    }

    /// An adapted map keeps its input, and for the factors nothing that is as long as the batch.
    @Test func anAdaptedMapKeepsItsInputAlone() async {
        await #expect(processExitsWith: .success) {
            let source = ParameterSource(initializing: .float32, seed: 1)
            let map = try Linear(inputSize: 64, outputSize: 96, from: source["map"])
            let input = Variable(Samples.normal([512, 64], dtype: .float32))
            map.adapter = try Adapter.lora(rank: 4).makeLinearAdapter(
                for: map, role: .query, from: source)
            for parameter in map.adapter?.parameters ?? [] { parameter.isTrainable = true }
            let bytes = Tensor.Memory.statistics.bytesInUse
            let output = map(input, in: .training(seed: 0, step: 0))
            let kept = Tensor.Memory.statistics.bytesInUse - bytes
            #expect(output.needsGradient)
            #expect(kept <= output.value.byteCount + 256)
            #expect(Variable.tapeEntryCount == 3)
        }
    }

    // MARK: Plans

    @Test func aPlanAndAModelMustFit() throws {
        func start(_ model: TextClassifier, _ plan: Plan) throws {
            _ = try TrainingRun(
                model: model, plan: plan, settings: TrainingSettings(),
                data: TinyModel.examples(6), validation: nil)
        }
        let adapted = try Self.model(.lora())
        try start(adapted, .adapter())
        try start(adapted, .headOnly())
        #expect(throws: TrainingError.adapterLeftOut(plan: "full")) {
            try start(adapted, .full())
        }
        #expect(throws: TrainingError.noAdapter(plan: "adapter")) {
            try start(TinyModel.classifier(), .adapter())
        }
        try adapted.mergeAdapter()
        #expect(throws: TrainingError.noAdapter(plan: "adapter")) {
            try start(adapted, .adapter())
        }
        try start(adapted, .full())
    }

    @Test func thePlanHasItsDefaults() {
        let plan = Plan.adapter()
        #expect(plan.name == "adapter" && plan.epochs == 10)
        #expect(plan.phases[0].adapterRate == 5e-4 && plan.phases[0].headRate == 5e-4)
        #expect(plan.phases[0].rates(stages: 2) == [nil, nil])
        #expect(Plan.adapter(learningRate: 1e-3, headRate: 1e-2).phases[0].headRate == 1e-2)
        #expect(Plan.full().phases[0].adapterRate == nil)
    }
}
