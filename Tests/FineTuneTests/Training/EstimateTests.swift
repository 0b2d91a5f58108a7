@testable import FineTune
import Foundation
import TestSupport
import Testing

@Suite struct EstimateTests {
    private static let data = TinyModel.examples(60)
    private static let validation = TinyModel.examples(20, seed: 2)

    // MARK: What is left

    static let plans: [Plan] = [
        .full(epochs: 2, learningRate: 1e-3), .gradualUnfreezing(epochs: 3, learningRate: 1e-3),
        .linearProbeThenFineTune(probeEpochs: 1, epochs: 1), .reinitializingTop(1, epochs: 1),
        .l2SP(epochs: 1), .biasesOnly(epochs: 1),
    ]

    /// Weights stay where they are, in memory or in the file, and a run after an estimate has the same
    /// bits as one without.
    @Test(arguments: plans)
    func anEstimateLeavesEverythingAsItWas(_ plan: Plan) async throws {
        func trained(estimating: Bool) async throws -> [String: [Float]] {
            let model = try TinyModel.classifier()
            let trainer = Trainer(
                model, plan: plan,
                settings: TrainingSettings(batch: .examples(8), accumulation: 2, seed: 3))
            if estimating {
                let before = model.parameters.map(\.value)
                let estimate = try await trainer.estimate(
                    on: Self.data, validating: Self.validation)
                #expect(estimate.phases.count == plan.phases.count)
                for (parameter, value) in zip(model.parameters, before) {
                    #expect(parameter.value.isIdentical(to: value), "\(parameter.path)")
                    #expect(!parameter.isTrainable && parameter.gradient == nil)
                }
            }
            try await trainer.fit(on: Self.data, validating: Self.validation)
            // And between two runs of one trainer, with features that it has kept.
            if estimating { _ = try await trainer.estimate(on: Self.data) }
            try await trainer.fit(on: Self.data, validating: Self.validation)
            return model.weights()
        }
        let with = try await trained(estimating: true)
        let without = try await trained(estimating: false)
        #expect(with == without)
    }

    @Test func whatCannotRunCannotBeEstimated() async throws {
        let model = try TinyModel.classifier()
        await #expect(throws: TrainingError.emptyPlan) {
            try await Trainer(model, plan: .full(epochs: 0)).estimate(on: Self.data)
        }
        await #expect(throws: TrainingError.noAdapter(plan: "adapter")) {
            try await Trainer(model, plan: .adapter()).estimate(on: Self.data)
        }
        let (unusable, path) = try TinyModel.classifierWithUnusedWeight()
        await #expect(
            throws: TrainingError.noGradient(parameters: [path], phase: 1, plan: "full")
        ) {
            try await Trainer(unusable, plan: .full()).estimate(on: Self.data)
        }
    }

    // MARK: Counts

    @Test func parametersAndStepsAreThoseOfTheRun() async throws {
        let model = try TinyModel.classifier()
        let plan = Plan(
            name: "three",
            phases: [
                Plan.Phase(
                    name: "probe", stages: .none, length: .steps(11), headRate: 1, stageRate: 0),
                Plan.Phase(stages: .all, epochs: 0, headRate: 1, stageRate: 1),
                Plan.Phase(stages: .all, epochs: 2, headRate: 1e-3, stageRate: 1e-3),
            ])
        let trainer = Trainer(model, plan: plan, settings: TrainingSettings(batch: .examples(8)))
        let estimate = try await trainer.estimate(on: Self.data, validating: Self.validation)
        #expect(estimate.phases.map(\.name) == ["probe", "phase 3"])
        #expect(estimate.phases.map(\.steps) == [11, 16])
        #expect(estimate.phases.map(\.trainableParameters) == [99, model.parameterCount])
        #expect(estimate.phases.allSatisfy { $0.seconds > 0 && $0.peakMemoryBytes > 1 << 20 })
        #expect(estimate.totalParameters == model.parameterCount && estimate.plan == "three")
        let lines = estimate.description.split(separator: "\n")
        #expect(lines.count == 4 && lines[0].hasPrefix("plan three: "))
        #expect(lines[2].hasPrefix("probe           99     11  "))
    }

    /// By hand for the tiny BERT: width 32, inner width 64, two layers, three classes. A gradient of a
    /// weight and one of an input take what the product takes. Of the last layer the pooler reads the
    /// first token: keys and values are those of all, the rest is one row of each text.
    @Test func operationsAreThoseOfTheFormulas() async throws {
        let model = try TinyModel.classifier()
        let lengths = try Self.data.inputs.map { text in
            try Double(model.preparation.prepared(text).ids.count)
        }
        let (tokens, texts) = (lengths.reduce(0, +), Double(lengths.count))
        let squares = lengths.reduce(0) { $0 + $1 * $1 }
        let attention = 4 * 32 * squares
        let layer = 2 * tokens * (4 * 32 * 32 + 2 * 32 * 64) + attention
        let last =
            2 * tokens * 2 * 32 * 32 + 2 * texts * (2 * 32 * 32 + 2 * 32 * 64) + 4 * 32 * tokens
        let (pooler, head) = (2 * texts * 32 * 32, 2 * texts * 32 * 3)
        func operations(_ plan: Plan, cached: Bool = true) async throws -> Double {
            let settings = TrainingSettings(featureCache: cached ? .init() : nil)
            return try await Trainer(model, plan: plan, settings: settings).estimate(
                on: Self.data
            ).operations
        }
        let backbone = layer + last + pooler
        #expect(try await operations(.full(epochs: 2)) == 6 * (backbone + head))
        #expect(try await operations(.headOnly(epochs: 5)) == backbone + 10 * head)
        #expect(
            try await operations(.headOnly(epochs: 5), cached: false)
                == 5 * backbone + 10 * head)
        // Nobody asks for the gradient of what the trained layer gets.
        let inputs = 2 * (2 * tokens + texts) * 32 * 32
        #expect(
            try await operations(.top(1, epochs: 2))
                == layer + 2 * (3 * (last + pooler + head) - inputs))
    }

    // MARK: Memory

    /// Estimates in one process, trains in another, which has no memory of trials. A sanitizer takes some for
    /// itself.
    private func expectMemory(_ kind: String) async throws {
        let path: String = try TemporaryFolder().path + "-estimate"
        defer { try? FileManager.default.removeItem(atPath: path) }
        await #expect(processExitsWith: .success) {
            [kind = kind as String, path = path as String] in
            let (trainer, train, test) = try EstimateTests.work(kind)
            let estimate = try await trainer.estimate(on: train, validating: test)
            try AtomicFile.write("\(estimate.peakMemoryBytes)", to: path)
        }
        await #expect(processExitsWith: .success) {
            [kind = kind as String, path = path as String] in
            let (trainer, train, test) = try EstimateTests.work(kind)
            let report = try await trainer.fit(on: train, validating: test)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let estimated = try #require(Double(text))
            let ratio = estimated / Double(report.peakMemoryBytes)
            #expect(abs(ratio - 1) < 0.1, "\(kind): \(ratio)")
        }
    }

    /// The program itself is most of what the tiny model takes.
    @Test(.disabled(if: Sanitizer.isOn), arguments: ["tiny full", "tiny head", "tiny gradual"])
    func memoryOfATinyModelIsEstimated(_ kind: String) async throws {
        try await expectMemory(kind)
    }

    @Test(.disabled(if: Sanitizer.isOn), arguments: ["full", "head", "gradual", "adapter"])
    func memoryOfTheRealModelIsEstimated(_ kind: String) async throws {
        try await expectMemory(kind)
    }

    private static func work(
        _ kind: String
    ) throws -> (Trainer<TextPreparation, ClassificationHead>, LabeledTexts, LabeledTexts?) {
        let plans: [String: Plan] = [
            "full": .full(epochs: 2), "head": .headOnly(epochs: 3),
            "gradual": .gradualUnfreezing(epochs: 3), "adapter": .adapter(epochs: 2),
        ]
        let plan = try #require(plans[String(kind.split(separator: " ").last ?? "")])
        if kind.hasPrefix("tiny") {
            return (Trainer(try TinyModel.classifier(), plan: plan), data, validation)
        }
        let backbone = try PretrainedModel.text(contentsOf: MiniLM.folder(), maximumLength: 64)
        let head = ClassificationHead(labels: ["a", "b"])
        let model =
            try plan.name == "adapter"
            ? backbone.attaching(head, adapter: .lora()) : backbone.attaching(head)
        // Every second text, the longest among them.
        let texts = try MiniLM.texts().enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        let examples = LabeledTexts(
            texts: texts, labels: texts.indices.map { $0 % 2 == 0 ? "a" : "b" })
        let (train, test) = examples.split(holdingOut: 0.2, stratified: true, seed: 1)
        let trainer = Trainer(model, plan: plan, settings: TrainingSettings(batch: .examples(16)))
        return (trainer, train, test)
    }
}
