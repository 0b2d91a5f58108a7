@testable import FineTune
import Tensor
import TestSupport
import Testing

@Suite struct FewShotTests {
    @Test func pairsHoldBothKindsForEveryExample() {
        let classes = [0, 0, 0, 1, 1, 2]
        let contrast = FewShotContrast(pairsPerExample: 4)
        let pairs = contrastivePairs(of: classes, contrast, seed: 1)
        #expect(pairs == contrastivePairs(of: classes, contrast, seed: 1))
        #expect(pairs != contrastivePairs(of: classes, contrast, seed: 2))
        for example in classes.indices {
            let own = pairs.filter { $0.first == example }
            // The only example of class 2 has none that is alike.
            #expect(own.count { $0.isAlike } == (example == 5 ? 0 : 4))
            #expect(own.count { !$0.isAlike } == 4)
        }
        for pair in pairs {
            #expect(pair.first != pair.second)
            #expect((classes[pair.first] == classes[pair.second]) == pair.isAlike)
        }
        let few = contrastivePairs(
            of: classes, FewShotContrast(pairsPerExample: 4, maximumPairs: 7), seed: 1)
        #expect(few == Array(pairs.prefix(7)))
    }

    /// The draws are those of lists of all others, as they are written down here.
    @Test func pairsAreThoseOfPlainLists() {
        let classes = (0..<45).map { [0, 1, 1, 2, 0, 3, 1, 4, 0][$0 * $0 % 9] } + [5]
        var generator = SplitMix64(seed: 6)
        var expected: [ContrastivePair] = []
        for _ in 0..<3 {
            for (example, label) in classes.enumerated() {
                let alike = classes.indices.filter { classes[$0] == label }
                let unlike = classes.indices.filter { classes[$0] != label }
                if alike.count > 1 {
                    let choice = alike[generator.next(below: alike.count - 1)]
                    expected.append(
                        ContrastivePair(
                            first: example,
                            second: choice == example ? alike[alike.count - 1] : choice,
                            isAlike: true))
                }
                expected.append(
                    ContrastivePair(
                        first: example, second: unlike[generator.next(below: unlike.count)],
                        isAlike: false))
            }
        }
        generator.shuffle(&expected)
        let contrast = FewShotContrast(pairsPerExample: 3)
        #expect(contrastivePairs(of: classes, contrast, seed: 6) == expected)
    }

    /// No more are made than leave a choice.
    @Test func aLimitBoundsTheWork() {
        let pairs = contrastivePairs(
            of: [0, 0, 1, 1], FewShotContrast(pairsPerExample: .max, maximumPairs: 10), seed: 1)
        #expect(pairs.count == 10)
        let alike = contrastivePairs(of: [0, 0, 0], FewShotContrast(), seed: 1)
        #expect(alike.allSatisfy { $0.isAlike })
    }

    @Test(arguments: [
        (10, -1, "nothing can be learned from at most -1 pairs"),
        (10, 0, "nothing can be learned from at most 0 pairs"),
        (0, 9, "an example cannot begin 0 pairs of a kind; give it 1 to 100000"),
        (Int.max, 9, "an example cannot begin 9223372036854775807 pairs of a kind"),
    ])
    func numbersOfPairsThatMakeNoSenseAreRefused(
        _ each: Int, _ most: Int, _ message: String
    ) async throws {
        let error = await #expect(throws: TrainingError.self) {
            try await TinyModel.backbone().fitFewShot(
                ClassificationHead(labels: TinyModel.labels), on: TinyModel.examples(9),
                contrast: FewShotContrast(pairsPerExample: each, maximumPairs: most))
        }
        #expect(error?.description.hasPrefix(message) == true)
    }

    @Test func fewExamplesTeachClasses() async throws {
        let data = TinyModel.examples(24)
        let backbone = try TinyModel.backbone(settings: TinyModel.withoutDropout)
        let seen = Locked(0)
        let result = try await backbone.fitFewShot(
            ClassificationHead(labels: TinyModel.labels), on: data,
            contrast: FewShotContrast(pairsPerExample: 10, learningRate: 2e-3), seed: 4,
            validating: TinyModel.examples(90, seed: 6)
        ) { if case .step = $0 { seen.withLock { $0 += 1 } } }
        // 24 examples in 20 pairs each, 16 a step.
        #expect(seen.withLock { $0 } == 30 && result.contrast.trainingExamples == 480)
        let metrics = try #require(result.head.metrics)
        #expect(metrics.accuracy > 0.6, "\(result.head)")
        #expect(try result.model.evaluate(on: TinyModel.examples(90, seed: 6)) == metrics)

        // The backbone that it was made from is as it was.
        let text = TinyModel.examples(1).inputs[0]
        let again = try TinyModel.backbone(settings: TinyModel.withoutDropout)
        #expect(try backbone.embed(text) == again.embed(text))
        #expect(try result.model.embed(text) != again.embed(text))

        let folder = try TemporaryFolder()
        try result.model.save(to: folder.path)
        let restored = try TextClassifier(contentsOf: folder.path)
        #expect(try restored.predict(data.inputs) == result.model.predict(data.inputs))
    }

    @Test func theSameSeedGivesTheSameBits() async throws {
        var outputs: [[[Float]]] = []
        for _ in 0..<2 {
            let result = try await TinyModel.backbone().fitFewShot(
                ClassificationHead(labels: TinyModel.labels), on: TinyModel.examples(9),
                contrast: FewShotContrast(pairsPerExample: 2), solver: .ridge(), seed: 3)
            outputs.append(try result.model.outputs(for: TinyModel.examples(9).inputs))
        }
        #expect(outputs[0] == outputs[1])
    }

    @Test func mistakesAreErrors() async throws {
        let backbone = try TinyModel.backbone()
        let head = ClassificationHead(labels: ["a", "b"])
        await #expect(throws: HeadError.singleClass("a")) {
            try await backbone.fitFewShot(
                head, on: LabeledTexts(texts: ["w5", "w6"], labels: ["a", "a"]))
        }
        let good = LabeledTexts(texts: ["w5", "w6"], labels: ["a", "b"])
        let listener: (TrainingEvent<SimilarityMetrics>) -> Void = { _ in
            Issue.record("something was learned before the mistake was found")
        }
        for (wrong, beginning) in [
            (
                LabeledTexts(texts: ["w5", "w6"], labels: ["a", "c"]), "example 1 has the label 'c'"
            ),
            (LabeledTexts(texts: ["w5", ""], labels: ["a", "b"]), "text 1 is empty"),
        ] {
            let training = await #expect(throws: ExamplesError.self) {
                try await backbone.fitFewShot(head, on: wrong, listener: listener)
            }
            #expect(training?.description.hasPrefix("training examples: \(beginning)") == true)
            let validation = await #expect(throws: ExamplesError.self) {
                try await backbone.fitFewShot(
                    head, on: good, validating: wrong, listener: listener)
            }
            #expect(validation?.description.hasPrefix("validation examples: \(beginning)") == true)
        }
    }
}
