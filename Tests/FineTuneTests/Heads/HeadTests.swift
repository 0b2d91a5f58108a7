import FineTune
import TestSupport
import Testing

@Suite struct HeadTests {
    // MARK: Answers

    @Test func theMostProbableClassIsTheAnswer() {
        let head = ClassificationHead(labels: ["a", "b", "c"])
        let answers = head.predictions(
            from: Tensor([0, 1, 2, 5, 5, 5, -100, 300, 0] as [Float], shape: [3, 3]))
        #expect(answers.map(\.label) == ["c", "a", "b"])
        // exp 2 / (1 + e + exp 2)
        #expect(abs(answers[0].probability - 0.665_240_955) < 1e-6)
        #expect(abs(answers[0].probabilities[0] - 0.090_030_573) < 1e-6)
        #expect(answers[2].probabilities == [0, 1, 0])
        #expect(answers.map(\.description) == ["c (67%)", "a (33%)", "b (100%)"])
    }

    @Test func labelsReachTheirThreshold() {
        let outputs = Tensor([0, -1, 3, -9, -9, -9] as [Float], shape: [2, 3])
        let labels = ["a", "b", "c"]
        let even = MultiLabelHead(labels: labels).predictions(from: outputs)
        #expect(even.map(\.labels) == [["a", "c"], []])
        #expect(even.map(\.description) == ["a, c", "none"])
        #expect(abs(even[0].probabilities[1] - 0.268_941_42) < 1e-6)
        let strict = MultiLabelHead(labels: labels, threshold: 0.9).predictions(from: outputs)
        #expect(strict.map(\.labels) == [["c"], []])
    }

    @Test func aNumberIsTheOutputItself() {
        let outputs = Tensor([1.5, -2] as [Float], shape: [2, 1])
        #expect(RegressionHead().predictions(from: outputs) == [1.5, -2])
    }

    // MARK: Targets

    @Test func targetsAreNumberedInTheOrderOfTheLabels() throws {
        let labels = ["b", "a", "e\u{301}", "\u{e9}"]
        #expect(
            try ClassificationHead(labels: labels).encoded(["\u{e9}", "a", "b", "e\u{301}"])
                == [3, 1, 0, 2])
        #expect(
            try MultiLabelHead(labels: labels).encoded([["a", "b", "a"], [], ["\u{e9}"]])
                == [[0, 1], [], [3]])
        #expect(try RegressionHead().encoded([1, -2.5]) == [1, -2.5])
    }

    @Test func weightsOfTargetsAddUp() {
        let head = ClassificationHead(
            labels: ["a", "b"], classWeights: .perLabel([0.25, 4]))
        #expect(head.weight(of: [0, 0, 1]) == 4.5)
        #expect(ClassificationHead(labels: ["a", "b"]).weight(of: [0, 0, 1]) == 3)
        #expect(MultiLabelHead(labels: ["a"]).weight(of: [[], [0]]) == 2)
        #expect(RegressionHead().weight(of: [9, 9]) == 2)
    }

    // MARK: From training to the saved model

    /// Learns, measures what it then answers, and answers the same after a round trip.
    private func fitAndRestore<H: Head>(
        _ head: H, _ data: Dataset<String, H.Target>
    ) async throws -> (
        model: FineTunedModel<TextPreparation, H>, restored: FineTunedModel<TextPreparation, H>,
        report: TrainingReport<H.Metrics>, configuration: JSON
    ) {
        let model = try TinyModel.backbone(settings: TinyModel.withoutDropout)
            .attaching(head, seed: 2)
        let trainer = Trainer(
            model, plan: .full(epochs: 16, learningRate: 3e-3),
            settings: TrainingSettings(batch: .examples(8)))
        let report = try await trainer.fit(on: data, validating: data)
        let losses = report.epochs.map(\.loss)
        #expect(losses[15] < 0.5 * losses[0], "\(losses)")
        let target = try TemporaryFolder()
        try model.save(to: target.path)
        let restored = try FineTunedModel<TextPreparation, H>(contentsOf: target.path)
        #expect(try restored.outputs(for: data.inputs) == model.outputs(for: data.inputs))
        #expect(try restored.evaluate(on: data).score == report.metrics?.score)
        return (model, restored, report, try JSON(contentsOf: target.path + "/config.json"))
    }

    @Test func aClassifierLearns() async throws {
        let data = TinyModel.examples(60)
        let head = ClassificationHead(
            labels: TinyModel.labels,
            classWeights: ClassificationHead.balancedWeights(
                for: data.targets, labels: TinyModel.labels), labelSmoothing: 0.05)
        let (model, restored, report, configuration) = try await fitAndRestore(head, data)
        let answers = try model.predict(data.inputs)
        #expect(try restored.predict(data.inputs) == answers)
        let right = zip(answers, data.targets).count { $0.label == $1 }
        let metrics = try #require(report.metrics)
        #expect(metrics.accuracy == Double(right) / 60 && metrics.accuracy > 0.8)
        #expect(metrics.count == 60 && metrics.labels == TinyModel.labels)
        #expect(type(of: metrics).scoreName == "accuracy")
        #expect(configuration["problem_type"] == "single_label_classification")
    }

    @Test func aTaggerLearns() async throws {
        let texts = TinyModel.examples(60)
        let data = MultiLabeledTexts(
            inputs: texts.inputs,
            targets: texts.targets.map { $0 == "a" ? ["x"] : $0 == "b" ? ["x", "y"] : [] })
        let head = MultiLabelHead(labels: ["x", "y"], threshold: 0.375)
        let (model, restored, report, configuration) = try await fitAndRestore(head, data)
        let answers = try model.predict(data.inputs)
        #expect(try restored.predict(data.inputs) == answers)
        #expect(restored.head.threshold == 0.375)
        let right = zip(answers, data.targets).count { $0.labels == $1 }
        let metrics = try #require(report.metrics)
        #expect(metrics.subsetAccuracy == Double(right) / 60)
        #expect(metrics.score == metrics.microF1 && metrics.score > 0.7)
        #expect(configuration["problem_type"] == "multi_label_classification")
        #expect(configuration["id2label"] == ["0": "x", "1": "y"])
    }

    @Test func aScorerLearns() async throws {
        let texts = TinyModel.examples(60)
        let data = ScoredTexts(
            inputs: texts.inputs, targets: texts.targets.map { $0 == "a" ? -1 : $0 == "b" ? 0 : 2 })
        let (model, restored, report, configuration) = try await fitAndRestore(
            RegressionHead(), data)
        let answers = try model.predict(data.inputs)
        #expect(try restored.predict(data.inputs) == answers)
        let squares = zip(answers, data.targets).map { ($0 - $1) * ($0 - $1) }
        let metrics = try #require(report.metrics)
        let tolerance = Tolerance(relative: 1e-12)
        #expect(
            mismatch(metrics.meanSquaredError, squares.reduce(0, +) / 60, within: tolerance) == nil)
        #expect(metrics.score == -metrics.meanSquaredError)
        #expect(configuration["problem_type"] == "regression")
        #expect(configuration["id2label"] == ["0": "LABEL_0"])
    }

    // MARK: What a folder says of its head

    @Test func aFolderWithAnotherHeadIsRefused() throws {
        let folder = try TinyModel.folder()
        #expect(throws: HeadError.unusableConfiguration("its 'problem_type' is not 'regression'")) {
            try TextScorer(contentsOf: folder.path)
        }
        #expect(
            throws: HeadError.unusableConfiguration(
                "its 'problem_type' is not 'multi_label_classification'")
        ) { try TextTagger(contentsOf: folder.path) }
        try folder.configure(["problem_type": "regression"])
        #expect(throws: HeadError.unusableConfiguration("its 'problem_type' is 'regression'")) {
            try TextClassifier(contentsOf: folder.path)
        }
        #expect(
            HeadError.unusableConfiguration("it has no 'id2label'").description
                == "the folder's config.json describes no head of this kind: it has no 'id2label'")
    }

    @Test(
        arguments: [
            (nil, "it has no 'id2label'"), (["a", "b"], "it has no 'id2label'"),
            (["0": "a", "2": "c"], "its 'id2label' has 2 entries, but no text for '1'"),
            (["0": "a", "1": 7], "its 'id2label' has 2 entries, but no text for '1'"),
        ] as [(JSON?, String)])
    func labelsMustBeNumberedFromZero(_ labels: JSON?, _ message: String) throws {
        let folder = try TinyModel.folder(settings: ["id2label": labels ?? .null])
        #expect(throws: HeadError.unusableConfiguration(message)) {
            try TextClassifier(contentsOf: folder.path)
        }
    }

    @Test func labelsThatAreTheSameAreRefused() throws {
        let folder = try TinyModel.folder(settings: ["id2label": ["0": "a", "1": "a"]])
        #expect(throws: HeadError.unusableLabels(["a", "a"])) {
            try TextClassifier(contentsOf: folder.path)
        }
    }
}
