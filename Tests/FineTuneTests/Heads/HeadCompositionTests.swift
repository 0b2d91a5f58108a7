@testable import FineTune
import TestSupport
import Testing

/// Heads of every kind of input beside the feature cache and adapters.
@Suite struct HeadCompositionTests {
    private let texts = TinyModel.examples(24)

    private func pairs() -> LabeledPairs {
        LabeledPairs(
            texts.map { Example(input: TextPair($0.input, "w7 w9"), target: $0.target) })
    }

    private func groups() -> TextGroups {
        TextGroups(groups: texts.inputs.map { [$0, $0 + " w9"] })
    }

    private let ordinal = OrdinalHead(labels: TinyModel.labels)
    private let tasks = MultiTaskHead(
        ClassificationHead(labels: TinyModel.labels), RegressionHead())

    private func answers() -> Dataset<String, MultiTaskTarget<String, Double>> {
        Dataset(
            texts.enumerated().map { index, example in
                Example(
                    input: example.input,
                    target: MultiTaskTarget(
                        first: index % 5 == 0 ? nil : example.target, second: Double(index % 3)))
            })
    }

    // MARK: The feature cache

    /// The same loss and the same outputs, bit for bit, whether features are kept or computed.
    private func reusedFeatures<P: Preparation, H: Head>(
        _ backbone: PretrainedModel<P>, _ head: H, _ data: Dataset<P.Input, H.Target>, plan: Plan
    ) async throws -> Int {
        var outputs: [[[Float]]] = []
        var reused: [Int] = []
        for cache in [TrainingSettings.FeatureCaching(), nil] {
            let model = try backbone.attaching(head, seed: 1)
            let report = try await Trainer(
                model, plan: plan, settings: .init(batch: .examples(8), featureCache: cache)
            ).fit(on: data)
            outputs.append(try model.outputs(for: data.inputs))
            reused.append(report.reusedFeatures)
        }
        #expect(outputs[0] == outputs[1])
        #expect(reused[1] == 0)
        return reused[0]
    }

    @Test func featuresAreKept() async throws {
        let backbone = try TinyModel.backbone()
        for plan in [Plan.headOnly(epochs: 3), .top(1, epochs: 3, learningRate: 1e-3)] {
            // All but those of the first epoch.
            let classifier = ClassificationHead(labels: TinyModel.labels)
            #expect(
                try await reusedFeatures(backbone.pairs(), classifier, pairs(), plan: plan) >= 48)
            #expect(try await reusedFeatures(backbone, ordinal, texts, plan: plan) >= 48)
            #expect(try await reusedFeatures(backbone, tasks, answers(), plan: plan) >= 48)
        }
        // A group is several sequences, of which the cache keeps none.
        let plan = Plan.top(1, epochs: 3, learningRate: 1e-3)
        #expect(
            try await reusedFeatures(backbone.groups(), ContrastiveHead(), groups(), plan: plan)
                == 0)
    }

    // MARK: Adapters

    private func checkAdapter<P: Preparation, H: Head>(
        _ backbone: PretrainedModel<P>, reopened: PretrainedModel<P>, _ head: H,
        _ data: Dataset<P.Input, H.Target>, maximumLength: (P) -> Int
    ) async throws {
        let model = try backbone.attaching(head, adapter: .lora(rank: 2))
        let before = try model.outputs(for: data.inputs)
        try await Trainer(
            model, plan: .adapter(epochs: 1, learningRate: 0.01),
            settings: .init(schedule: .constant)
        ).fit(on: data)
        #expect(try model.outputs(for: data.inputs) != before)
        let folder = try TemporaryFolder()
        try model.saveAdapter(to: folder.path)
        let restored = try FineTunedModel<P, H>(adapter: folder.path, on: reopened)
        #expect(maximumLength(restored.preparation) == 11)
        #expect(try restored.outputs(for: data.inputs) == model.outputs(for: data.inputs))
    }

    /// With the limit that the model was trained with, though the base was opened with another.
    @Test func adaptersComeBack() async throws {
        let (backbone, again) = try (
            TinyModel.backbone(maximumLength: 11), TinyModel.backbone()
        )
        try await checkAdapter(
            backbone.pairs(), reopened: again.pairs(), ClassificationHead(labels: TinyModel.labels),
            pairs()
        ) { $0.maximumLength }
        try await checkAdapter(
            backbone.groups(), reopened: again.groups(), ContrastiveHead(), groups()
        ) { $0.maximumLength }
        try await checkAdapter(
            backbone.groups(), reopened: again.groups(), SimilarityHead(),
            ScoredGroups(groups().map { Example(input: $0.input, target: 0.5) })
        ) { $0.maximumLength }
        try await checkAdapter(backbone, reopened: again, ordinal, texts) { $0.maximumLength }
        try await checkAdapter(backbone, reopened: again, tasks, answers()) { $0.maximumLength }
    }

    // MARK: Messages

    /// What a user reads says what is wrong, where, and what to do.
    @Test func messagesSayWhatToDo() async throws {
        let error = await #expect(throws: ExamplesError.self) {
            let model = try TinyModel.backbone().attaching(tasks)
            try await Trainer(model).fit(
                on: Dataset([
                    Example(input: "w5", target: MultiTaskTarget(first: "a", second: 1)),
                    Example(input: "w6", target: MultiTaskTarget(first: "z")),
                ]))
        }
        #expect(
            error?.description
                == "training examples: example 1 has the label 'z', which the head does not know "
                + "(it knows 'a', 'b', 'c'); make the head with the labels of all data, or correct "
                + "the example")
        let wrong = #expect(throws: ModelError.self) {
            try TinyModel.backbone().attaching(SimilarityHead())
        }
        #expect(wrong?.description.contains("groups()") == true, "\(String(describing: wrong))")
    }
}
