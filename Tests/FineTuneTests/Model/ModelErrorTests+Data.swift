@testable import FineTune
import Testing

/// What is wrong with examples: their labels, texts and targets, and the tables that they are in.
extension ModelErrorTests {
    // MARK: Data

    private func fitError(
        _ data: LabeledTexts, validating validation: LabeledTexts? = nil
    ) async throws -> String? {
        let model = try TinyModel.classifier()
        let before = model.weights()
        do {
            try await Trainer(model).fit(on: data, validating: validation)
            return nil
        } catch {
            #expect(model.weights() == before)
            return "\(error)"
        }
    }

    @Test func anUnknownLabel() async throws {
        let data = LabeledTexts(texts: ["w9", "w10", "w11"], labels: ["a", "d", "b"])
        let expected =
            "example 1 has the label 'd', which the head does not know (it knows 'a', 'b', 'c'); "
            + "make the head with the labels of all data, or correct the example"
        #expect(try await fitError(data) == "training examples: \(expected)")
        #expect(
            try await fitError(TinyModel.examples(6), validating: data)
                == "validation examples: \(expected)")
        #expect(throws: HeadError.unknownLabel("d", example: 1, known: ["a", "b", "c"])) {
            try TinyModel.classifier().evaluate(on: data)
        }
        #expect(throws: HeadError.unknownLabel("q", example: 0, known: ["x"])) {
            try MultiLabelHead(labels: ["x"]).encoded([["x", "q"]])
        }
    }

    @Test func manyLabelsAreNotAllListed() {
        let known = (0..<12).map { "l\($0)" }
        let message = HeadError.unknownLabel("x", example: 3, known: known).description
        #expect(message.contains("'l8', 'l9' and 2 more"))
    }

    @Test func anAbsentLabel() throws {
        let file = try TemporaryFile("text,label\nw9,a\nw10,\n")
        let error = #expect(throws: DataError.self) {
            try LabeledTexts(csv: file.path, text: "text", label: "label")
        }
        #expect(
            error?.description
                == "'\(file.path)', line 3: the label is empty; remove the example or "
                + "give it a label")
    }

    @Test func aSingleClass() async throws {
        let data = LabeledTexts(texts: ["w9", "w10"], labels: ["b", "b"])
        #expect(
            try await fitError(data) == "every training example has the label 'b': a classifier "
                + "needs examples of at least two classes")
        #expect(throws: HeadError.singleClass("x")) {
            try MultiLabelHead(labels: ["x", "y"]).checkTrainable([[0], [0]])
        }
    }

    @Test(
        arguments: [
            ([], "none"), (["a"], "'a'"), (["a", "b", "a"], "'a', 'b', 'a'"),
        ] as [([String], String)])
    func labelsThatCannotBeToldApart(_ labels: [String], _ listed: String) throws {
        let error = #expect(throws: HeadError.unusableLabels(labels)) {
            try TinyModel.backbone().attaching(ClassificationHead(labels: labels))
        }
        #expect(
            error?.description
                == "a classifier needs at least two different labels, but was given \(listed)")
    }

    @Test func noExample() async throws {
        let expected = "there is no example; check that this is the right file"
        let empty = LabeledTexts(texts: [], labels: [])
        #expect(try await fitError(empty) == "training examples: \(expected)")
        #expect(
            try await fitError(TinyModel.examples(6), validating: empty)
                == "validation examples: \(expected)")
        #expect(throws: DataError(.noExamples)) {
            try TinyModel.classifier().evaluate(on: empty)
        }
        #expect(try TinyModel.classifier().predict([String]()).isEmpty)
        #expect(try TinyModel.backbone().embed([String]()).isEmpty)
    }

    @Test(arguments: ["", "  \n\t ", "\u{0}\u{7}\u{200B}"])
    func anEmptyText(_ text: String) async throws {
        let data = LabeledTexts(texts: ["w9", "w8", text], labels: ["a", "b", "c"])
        let expected = "text 2 is empty; leave it out or give it a content"
        #expect(try await fitError(data) == "training examples: \(expected)")
        #expect(
            try await fitError(TinyModel.examples(6), validating: data)
                == "validation examples: \(expected)")
        // To ask for is no harm: the special tokens alone give an answer.
        #expect(try TinyModel.classifier().predict(text).probability.isFinite)
    }

    @Test func aRaggedRow() throws {
        let file = try TemporaryFile("text,label\nw9,a\nw10,b,c\n")
        let error = #expect(throws: DataError.self) {
            try LabeledTexts(csv: file.path, text: "text", label: "label")
        }
        #expect(
            error?.description == "'\(file.path)', line 3: expected 2 columns but found 3; put a "
                + "field that holds the separator in double quotes")
    }

    @Test func anotherEncoding() throws {
        let file = try TemporaryFile(Array("text,label\ncaf".utf8) + [0xE9, 0x2C, 0x61, 0x0A])
        let error = #expect(throws: DataError.self) {
            try LabeledTexts(csv: file.path, text: "text", label: "label")
        }
        #expect(
            error?.description == "'\(file.path)', line 2: the text is not UTF-8: byte 14 of the "
                + "file is 0xE9, which is 'é' in Latin-1; if the file is Latin-1, convert it with "
                + "'iconv -f LATIN1 -t UTF-8'")
    }

    @Test(arguments: [Double.nan, .infinity, 1e300])
    func aTargetThatIsNoNumber(_ target: Double) throws {
        let error = #expect(throws: HeadError.self) {
            try RegressionHead().encoded([1, target])
        }
        #expect(
            error?.description == "example 1 has the target \(target); give a finite number")
    }

    /// The tiny models have room for 40 tokens (RoBERTa 38), the special ones included.
    @Test(arguments: [
        ("bert", nil, 40), ("distilbert", 100, 40), ("roberta", nil, 38), ("bert", 7, 7),
    ])
    func longTextsAreCutCountedAndReported(
        _ family: String, _ wanted: Int?, _ limit: Int
    ) async throws {
        let backbone = try TinyModel.backbone(family, maximumLength: wanted)
        #expect(backbone.preparation.maximumLength == limit)
        let long = (0..<200).map { "w\(20 + $0 % 90)" }.joined(separator: " ")
        let item = try backbone.preparation.prepared(long)
        #expect(item.ids.count == limit && item.truncatedCount == 202 - limit)
        let model = try backbone.attaching(ClassificationHead(labels: TinyModel.labels))
        let data = LabeledTexts(
            texts: [long, "w10 w11", long, "w12"], labels: ["a", "b", "c", "a"])
        let report = try await Trainer(model, plan: .full(epochs: 1)).fit(
            on: data, validating: LabeledTexts(texts: [long, "w9"], labels: ["a", "b"]))
        #expect(report.truncatedInputs == 3)
        #expect(
            report.description.hasSuffix(
                "3 inputs were longer than the model takes and were cut"))
        let cut = long.split(separator: " ").prefix(limit - 2).joined(separator: " ")
        #expect(try model.outputs(for: [long]) == model.outputs(for: [cut]))
    }
}
