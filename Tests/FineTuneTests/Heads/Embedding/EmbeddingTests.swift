@testable import FineTune
import TestSupport
import Testing

@Suite struct EmbeddingTests {
    private func backbone() throws -> PretrainedModel<TextGroupPreparation> {
        try TinyModel.backbone(settings: TinyModel.withoutDropout).groups()
    }

    /// Texts that share their first word fit each other.
    private func groups(_ count: Int, size: Int, seed: UInt64) -> TextGroups {
        var generator = SplitMix64(seed: seed)
        func text(_ topic: Int) -> String {
            let words = (0..<3).map { _ in "w\(60 + generator.next(below: 60))" }
            return (["w\(10 + topic)", "w\(10 + topic)"] + words).joined(separator: " ")
        }
        return TextGroups(
            groups: (0..<count).map { index in
                let topic = index % 20
                let others = (2..<max(2, size)).map { text((topic + 3 * $0) % 20) }
                return [text(topic), text(topic)] + others
            })
    }

    @Test(arguments: [
        ContrastiveHead(), ContrastiveHead(groupSize: 3), ContrastiveHead(.triplet()),
    ])
    func vectorsLearnWhatFits(_ head: ContrastiveHead) async throws {
        let model = try backbone().attaching(head)
        #expect(model.pooling == .mean)
        let (train, test) = (
            groups(60, size: head.groupSize, seed: 1), groups(20, size: head.groupSize, seed: 2)
        )
        let before = try model.evaluate(on: test)
        let report = try await Trainer(
            model, plan: .full(epochs: 8, learningRate: 3e-3),
            settings: TrainingSettings(batch: .examples(20))
        ).fit(on: train, validating: test)
        let after = try #require(report.metrics)
        #expect(after.accuracy > before.accuracy + 0.1, "\(before) → \(after)")
        #expect(after.meanReciprocalRank > before.meanReciprocalRank)
        #expect(after.count == 20 && after.candidateCount == 20 * (head.groupSize - 1))
        // Texts have no cache of features: a group is several sequences.
        #expect(report.reusedFeatures == 0)

        let answer = try model.predict(test.inputs[0])
        #expect(answer.count == head.groupSize && answer.allSatisfy { $0.count == 32 })
        #expect(try model.embed(test.inputs[0]) == answer.flatMap { $0 })
        #expect(try model.embed([["w5"], ["w6", "w7"]]).map(\.count) == [32, 64])

        let folder = try TemporaryFolder()
        try model.save(to: folder.path)
        let restored = try FineTunedModel<TextGroupPreparation, ContrastiveHead>(
            contentsOf: folder.path)
        #expect(restored.head.contrast == head.contrast)
        #expect(restored.head.groupSize == head.groupSize)
        #expect(try restored.predict(test.inputs) == model.predict(test.inputs))
    }

    @Test func similaritiesAreLearned() async throws {
        var generator = SplitMix64(seed: 3)
        let data = ScoredGroups(
            (0..<60).map { index in
                let (a, b) = (generator.next(below: 3), index % 3)
                let filler = "w\(60 + generator.next(below: 60))"
                return Example(
                    input: ["w\(10 + a) w\(10 + a) \(filler)", "w\(10 + b) w\(10 + b) \(filler)"],
                    target: a == b ? 1 : 0)
            })
        let model = try backbone().attaching(SimilarityHead())
        let report = try await Trainer(
            model, plan: .full(epochs: 10, learningRate: 3e-3),
            settings: TrainingSettings(batch: .examples(8))
        ).fit(on: data, validating: data)
        #expect(try #require(report.metrics).score > 0.6, "\(report)")
        let (alike, unlike) = try (
            model.predict(["w10 w10 w70", "w10 w10 w71"]),
            model.predict(["w10 w10 w70", "w12 w12 w70"])
        )
        #expect(alike > unlike && alike <= 1.000_001)
        let twice = try model.predict(["w20 w21", "w20 w21"])
        #expect(abs(twice - 1) < 1e-6)
    }

    /// What is saved embeds as the model was trained to.
    @Test(arguments: [true, false])
    func anEmbedderIsAFolderOfSentenceTransformers(_ normalizing: Bool) throws {
        let model = try TinyModel.backbone(maximumLength: 9).groups().attaching(ContrastiveHead())
        let folder = try TemporaryFolder()
        try model.saveEmbedder(to: folder.path, normalizing: normalizing)
        let texts = TinyModel.examples(20).inputs
        let restored = try PretrainedModel.text(contentsOf: folder.path)
        #expect(restored.preparation.maximumLength == 9)
        let vectors = try model.embed(texts.map { [$0] })
        for (vector, own) in zip(try restored.embed(texts), vectors) {
            let length = own.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            let scale = normalizing ? 1 / length : 1
            #expect(zip(vector, own).allSatisfy { abs(Double($0) - Double($1) * scale) < 1e-6 })
        }
        let modules = try JSON(contentsOf: folder.path + "/modules.json").array
        #expect(modules?.count == (normalizing ? 3 : 2))
        let pooler = try TinyModel.backbone().groups().attaching(
            ContrastiveHead(), pooling: .pooler)
        #expect(throws: ModelError.unsavableEmbedding(.pooler)) {
            try pooler.saveEmbedder(to: folder.path)
        }
    }

    /// By hand, with unit vectors at 0°, 30° and 90°.
    @Test func retrievalCountsHowManyAreNearer() {
        let queries = Tensor([1, 0, 0, 2, 3, 0] as [Float], shape: [3, 2])
        // 0 finds 30° before its own 90°, 1 its own, 2 shares its own with candidate 0.
        let own = Tensor([0, 1, 0, 5, 0.866, 0.5] as [Float], shape: [3, 2])
        let metrics = RetrievalMetrics(queries: queries, candidates: [own])
        // Query 0 (0°): own 90°; candidate 2 at 30° is nearer, candidate 1 at 90° as near: rank 3.
        // Query 1 (90°): own 90°, candidate 0 as near: rank 2. Query 2 (0°): own 30° is nearest.
        #expect(abs(metrics.accuracy - 1.0 / 3) < 1e-12)
        #expect(abs(metrics.meanReciprocalRank - (1.0 / 3 + 0.5 + 1) / 3) < 1e-12)
        #expect("\(metrics)".hasSuffix("(3 queries, 3 texts)"))
        let negatives = RetrievalMetrics(queries: queries, candidates: [own, queries])
        #expect(negatives.accuracy == 0 && negatives.candidateCount == 6)
        let none = RetrievalMetrics(queries: Tensor(zeros: [0, 2]), candidates: [])
        #expect(none.accuracy == 0 && none.meanReciprocalRank == 0)
    }

    @Test func mistakesAreErrors() async throws {
        let model = try backbone().attaching(ContrastiveHead())
        #expect(throws: ModelError.rowCount(example: 0, rows: 3, of: .text, targets: 2)) {
            try model.evaluate(on: TextGroups(groups: [["w5", "w6", "w7"]]))
        }
        await #expect(throws: HeadError.nothingToContrast) {
            try await Trainer(model).fit(on: TextGroups(groups: [["w5", "w6"]]))
        }
        await #expect(throws: ExamplesError.self) {
            try await Trainer(model).fit(on: TextGroups(groups: [["w5", ""], ["w6", "w7"]]))
        }
        #expect(throws: HeadError.impossibleSimilarity(1.5, example: 1)) {
            try SimilarityHead().encoded([0, 1.5])
        }
        #expect(throws: HeadError.self) { try SimilarityHead().encoded([.nan]) }
        #expect(throws: ModelError.self) { try TinyModel.backbone().attaching(SimilarityHead()) }
        #expect(throws: ModelError.self) {
            try backbone().attaching(ClassificationHead(labels: ["a", "b"]))
        }
        for configuration: JSON in [
            ["problem_type": "triplet", "group_size": 2], ["problem_type": "regression"],
            ["problem_type": "multiple_negatives", "group_size": 1],
            ["problem_type": "multiple_negatives", "group_size": 2, "scale": -20],
            ["problem_type": "triplet", "group_size": 3, "margin": 0],
        ] {
            #expect(throws: HeadError.self) { try ContrastiveHead(configuration: configuration) }
            #expect(throws: HeadError.self) { try SimilarityHead(configuration: configuration) }
        }
    }
}
