@testable import FineTune
import Foundation
import TestSupport
import Testing

@Suite struct TokenClassificationTests {
    private static let tags = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]

    // MARK: Parity, see `Fixtures/tokens/generate.py`

    private func folder(_ family: String) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let fixture = fixturePath("tokens/\(family)")
        try folder.copy(fixture + "/model.safetensors")
        try folder.configure(TinyModel.withoutDropout, from: fixture + "/config.json")
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + (5..<120).map { "w\($0)" }
        try folder.write(words.joined(separator: "\n") + "\n", to: "vocab.txt")
        return folder
    }

    private func expected(_ family: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: fixturePath("tokens/\(family)/expected.safetensors"))
    }

    private func items(_ expected: SafetensorsFile) throws -> [WordPreparation.Item] {
        var first = try expected.integers("first").map(Int.init)[...]
        let words = try expected.integers("words").map(Int.init)
        return zip(try expected.rows(), words).map { ids, count in
            defer { first = first.dropFirst(count) }
            let zeros = [Int32](repeating: 0, count: ids.count)
            return WordPreparation.Item(
                text: TokenizedText(ids: ids, typeIDs: zeros),
                firstTokens: Array(first.prefix(count)))
        }
    }

    @Test(arguments: TinyModel.families)
    func logitsAndGradientsAreThoseOfTransformers(_ family: String) throws {
        let folder = try folder(family)
        let model = try WordTagger(contentsOf: folder.path)
        #expect(model.head.labelNames == Self.tags && model.head.scheme == .bio)
        let expected = try expected(family)
        let items = try items(expected)
        let logits = try model.outputs(for: items)
        let tolerance = Tolerance(absolute: 2e-6, relative: 2e-6)
        #expect(mismatch(logits, try expected.doubles("logits"), within: tolerance) == nil)

        var labels = try expected.integers("labels").map(Int.init)[...]
        let targets = try expected.integers("words").map { count in
            defer { labels = labels.dropFirst(Int(count)) }
            return Array(labels.prefix(Int(count)))
        }
        for parameter in model.parameters { parameter.isTrainable = true }
        let pass = Pass.training(seed: 0, step: 0)
        let outputs = model.network(try model.headFeatures(items, in: pass), in: pass)
        let loss = model.head.loss(outputs, targets: targets) * (1 / model.head.weight(of: targets))
        loss.backward()
        #expect(abs(loss.value.scalar - (try expected.required("loss").scalar)) < 1e-6)
        for parameter in model.parameters {
            let name = "gradient." + model.architecture.savedName(of: parameter.path)
            let gradient = try #require(parameter.gradient, "\(name)")
            #expect(
                normMismatch(gradient, try expected.required(name), relative: 1e-5, absolute: 1e-6)
                    == nil, "\(name)")
        }
    }

    @Test(arguments: TinyModel.families)
    func savesWhatTransformersSaved(_ family: String) throws {
        let (source, target) = (try folder(family), try TemporaryFolder())
        try WordTagger(contentsOf: source.path).save(to: target.path)
        let original = try SafetensorsFile(path: source.path + "/model.safetensors")
        let saved = try SafetensorsFile(path: target.path + "/model.safetensors")
        #expect(Set(saved.names) == Set(original.names))
        for name in original.names {
            #expect(sameBits(try saved.required(name), try original.required(name)), "\(name)")
        }
        let before = try JSON(contentsOf: source.path + "/config.json").object ?? [:]
        let after = try JSON(contentsOf: target.path + "/config.json").object ?? [:]
        for (key, value) in before { #expect(after[key] == value, "\(key)") }
        let added = Set(after.keys).subtracting(before.keys)
        #expect(added == ["tag_scheme", "swift_finetune"])
    }

    // MARK: Learning

    /// `w10` begins a person, `w11` goes on, `w12` is a place of one word; other words are outside.
    private func examples(_ count: Int, seed: UInt64 = 1) -> TaggedWords {
        let tags = ["w10": "B-PER", "w11": "I-PER", "w12": "B-LOC"]
        var generator = SplitMix64(seed: seed)
        return TaggedWords(
            (0..<count).map { _ in
                let words = (0...generator.next(below: 8)).flatMap { _ in
                    switch generator.next(below: 4) {
                    case 0: ["w10", "w11"]
                    case 1: ["w12"]
                    default: ["w\(20 + generator.next(below: 100))"]
                    }
                }
                return Example(input: words, target: words.map { tags[$0] ?? "O" })
            })
    }

    private func backbone(
        _ family: String = "bert", maximumLength: Int? = nil
    ) throws -> PretrainedModel<WordPreparation> {
        try PretrainedModel.words(
            contentsOf: TinyModel.folder(family, settings: TinyModel.withoutDropout).path,
            maximumLength: maximumLength)
    }

    @Test(arguments: TinyModel.families)
    func learnsAndAnswersTheSameAfterARoundTrip(_ family: String) async throws {
        let data = examples(60)
        let model = try backbone(family).attaching(
            TokenClassificationHead(labels: ["O", "B-PER", "I-PER", "B-LOC"]), seed: 4)
        #expect(model.pooling == .tokens)
        let report = try await Trainer(
            model, plan: .full(epochs: 6, learningRate: 5e-3),
            settings: TrainingSettings(batch: .examples(8))
        ).fit(on: data, validating: examples(30, seed: 2))
        let metrics = try #require(report.metrics)
        #expect(metrics.wordAccuracy > 0.95 && metrics.spanF1 > 0.9, "\(metrics)")
        #expect(try model.evaluate(on: examples(30, seed: 2)) == metrics)

        let answer = try model.predict(["w50", "w10", "w11", "w12"])
        #expect(answer.tags == ["O", "B-PER", "I-PER", "B-LOC"])
        #expect("\(answer)" == "O B-PER I-PER B-LOC")
        #expect(
            answer.spans
                == [TagSpan(label: "PER", words: 1..<3), TagSpan(label: "LOC", words: 3..<4)])
        #expect(answer.words.allSatisfy { $0.probabilities.count == 4 })

        let target = try TemporaryFolder()
        try model.save(to: target.path)
        let restored = try WordTagger(contentsOf: target.path)
        let inputs = data.inputs
        #expect(try restored.predict(inputs) == model.predict(inputs))
        #expect(try restored.outputs(for: inputs) == model.outputs(for: inputs))
        let kind = try JSON(contentsOf: target.path + "/config.json")["architectures"]?.array
        let name = ["bert": "Bert", "distilbert": "DistilBert", "roberta": "Roberta"][family] ?? ""
        #expect(kind == [JSON(name + "ForTokenClassification")])
        #expect(throws: ModelError.self) { try TextClassifier(contentsOf: target.path) }
    }

    /// Batches, their order and what shares them do not matter to an answer.
    @Test func eachTextIsAnsweredForItself() throws {
        let model = try backbone().attaching(TokenClassificationHead(labels: Self.tags), seed: 4)
        let inputs = examples(40, seed: 3).inputs
        let together = try model.predict(inputs)
        for (input, answer) in zip(inputs, together) {
            let alone = try model.predict(input)
            #expect(alone.tags == answer.tags && alone.spans == answer.spans)
            #expect(answer.words.count == input.count)
            for (one, other) in zip(alone.words, answer.words) {
                #expect(abs(one.probability - other.probability) < 1e-6)
            }
        }
        let rows = try model.outputs(for: inputs)
        #expect(rows.map(\.count) == inputs.map { $0.count * 5 })
        let embeddings = try model.embed(inputs)
        #expect(embeddings.map(\.count) == inputs.map { $0.count * 32 })
        #expect(try backbone().embed(inputs) == embeddings)
        #expect(try model.predict([[]] as [[String]]).map(\.tags) == [[]])
        #expect(try model.predict([[], ["w7"], []]).map(\.tags.count) == [0, 1, 0])
    }

    @Test func aFrozenBackboneGivesTheSameWithItsFeaturesKept() async throws {
        var weights: [[String: [Float]]] = []
        for cache in [nil, TrainingSettings.FeatureCaching()] {
            let model = try backbone().attaching(TokenClassificationHead(labels: Self.tags))
            let settings = TrainingSettings(batch: .examples(8), featureCache: cache)
            let trainer = Trainer(model, plan: .headOnly(epochs: 3), settings: settings)
            let report = try await trainer.fit(on: examples(30), validating: examples(10))
            #expect((report.reusedFeatures > 0) == (cache != nil))
            weights.append(model.weights())
        }
        #expect(weights[0] == weights[1], "the cache changed a weight")
    }

    @Test func theHeadIsSolvedInClosedForm() async throws {
        let model = try backbone().attaching(
            TokenClassificationHead(labels: ["O", "B-PER", "I-PER", "B-LOC"]))
        for solver in [ClassificationSolver.ridge(), .logisticRegression()] {
            let report = try await model.solveHead(
                on: examples(60), with: solver, validating: examples(30, seed: 2))
            #expect(try #require(report.metrics).wordAccuracy > 0.75, "\(report)")
        }
    }

    // MARK: Words and tokens

    @Test func aWordIsItsFirstToken() throws {
        let backbone = try PretrainedModel.words(contentsOf: MiniLM.folder(), maximumLength: 16)
        let preparation = backbone.preparation
        // [CLS] un ##bel ##ie ##va ##bly fine [SEP], as the tokenizers package says.
        let item = try preparation.prepared(["unbelievably", "fine"])
        #expect(item.firstTokens == [1, item.text.ids.count - 2])
        #expect(preparation.tokenizer.token(Int(item.text.ids[0])) == "[CLS]")
        #expect(preparation.size(of: item) == item.text.ids.count)
        // A word of which nothing remains is unknown, not missing.
        let odd = try preparation.prepared(["a", " ", "\u{200B}", "", "b"])
        #expect(odd.firstTokens == [1, 2, 3, 4, 5])
        let unknown = preparation.tokenizer.id("[UNK]").map(Int32.init)
        #expect(odd.text.ids[2...4].allSatisfy { $0 == unknown })
    }

    @Test func wordsThatDoNotFitAreAnErrorAndCanBeDivided() throws {
        let preparation = try backbone(maximumLength: 6).preparation
        let words = (10..<20).map { "w\($0)" }
        #expect(throws: ModelError.tooManyWords(fitting: 4, of: 10, limit: 6)) {
            try preparation.prepared(words)
        }
        // Also if one of them would have no token.
        #expect(throws: ModelError.tooManyWords(fitting: 4, of: 10, limit: 6)) {
            try preparation.prepared(["w5", " "] + words[2...])
        }
        #expect(preparation.windows(of: words) == [0..<4, 4..<8, 8..<10])
        #expect(preparation.windows(of: []) == [] && preparation.windows(of: ["w5"]) == [0..<1])
        for window in preparation.windows(of: words) {
            #expect(throws: Never.self) { try preparation.prepared(Array(words[window])) }
        }
    }

    // MARK: Mistakes

    @Test func mistakesAreErrors() async throws {
        let model = try backbone().attaching(TokenClassificationHead(labels: Self.tags))
        let uneven = TaggedWords(inputs: [["w5"], ["w5", "w6"]], targets: [["O"], ["O"]])
        let expected = ModelError.rowCount(example: 1, rows: 2, of: .word, targets: 1)
        #expect(throws: expected) { try model.evaluate(on: uneven) }
        #expect("\(expected)" == "example 1 has 2 words, but 1 target; give one for each")
        await #expect(throws: ExamplesError.self) { try await Trainer(model).fit(on: uneven) }
        #expect(throws: HeadError.self) {
            try model.evaluate(on: TaggedWords(inputs: [["w5"]], targets: [["X"]]))
        }
        #expect(throws: HeadError.unusableTag("PER")) {
            try backbone().attaching(
                TokenClassificationHead(labels: ["O", "PER"], scheme: .bio))
        }
        #expect(throws: ModelError.self) {
            try TinyModel.backbone().attaching(TokenClassificationHead(labels: Self.tags))
        }
        #expect(throws: ModelError.self) {
            try backbone().attaching(ClassificationHead(labels: ["a", "b"]))
        }
        #expect(throws: ModelError.self) {
            try TinyModel.backbone().attaching(
                ClassificationHead(labels: ["a", "b"]), pooling: .tokens)
        }
    }

    @Test func theSchemeIsSaved() throws {
        for scheme in [TagScheme.bio, .plain(), .plain(outside: "O")] {
            let head = TokenClassificationHead(labels: Self.tags, scheme: scheme)
            let configuration = JSON.object(
                head.configuration.reduce(into: [:] as JSON.Object) { $0[$1.0] = $1.1 })
            #expect(try TokenClassificationHead(configuration: configuration).scheme == scheme)
        }
        #expect(TokenClassificationHead(labels: ["O", "Street"]).scheme == .plain())
        #expect(throws: HeadError.self) {
            try TokenClassificationHead(configuration: ["tag_scheme": "iobes", "id2label": [:]])
        }
    }
}
