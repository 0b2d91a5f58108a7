import FineTune
import Testing

@Suite struct LineFileTests {
    @Test func jsonLinesAreExamples() throws {
        let file = try TemporaryFile(
            """
            {"text": "a\\nb", "label": "x", "id": 1}

              {"label": 2, "text": "c"}\r
            {"text": "\\u00e9", "label": true}
            """)
        let data = try LabeledTexts(jsonLines: file.path, text: "text", label: "label")
        #expect(data == LabeledTexts(texts: ["a\nb", "c", "é"], labels: ["x", "2", "true"]))
    }

    @Test func jsonLinesHaveNumbersAndSeveralLabels() throws {
        let file = try TemporaryFile(
            """
            {"text": "a", "score": 1.5, "kinds": ["x", 3]}
            {"text": "b", "score": "-2", "kinds": "y, z"}
            {"text": "c", "score": 0, "kinds": []}
            {"text": "d", "score": 1e2, "kinds": null}
            """)
        #expect(
            try ScoredTexts(jsonLines: file.path, text: "text", number: "score").targets
                == [1.5, -2, 0, 100])
        #expect(
            try MultiLabeledTexts(jsonLines: file.path, text: "text", labels: "kinds").targets
                == [["x", "3"], ["y", "z"], [], []])
    }

    @Test(arguments: [
        (#"{"text": "a"}"#, DataError.Problem.missingColumn("label", existing: ["text"])),
        (#"{"text": "", "label": "x"}"#, .emptyText),
        (#"{"text": null, "label": "x"}"#, .emptyText),
        (#"{"text": 1, "label": "x"}"#, .wrongKind("text", expected: "a string")),
        (#"{"text": "a", "label": null}"#, .absentLabel),
        (#"{"text": "a", "label": {}}"#, .wrongKind("label", expected: "a string or a number")),
        (#"["a", "x"]"#, .malformedJSON("it is an array")),
    ])
    func aWrongObjectIsNamed(_ line: String, _ problem: DataError.Problem) throws {
        let file = try TemporaryFile(#"{"text": "a", "label": "x"}"# + "\n\n" + line)
        #expect(throws: DataError(problem, path: file.path, line: 3)) {
            try LabeledTexts(jsonLines: file.path, text: "text", label: "label")
        }
    }

    @Test func brokenJSONIsNamed() throws {
        let file = try TemporaryFile(#"{"text": "a", "label": "x",}"#)
        let error = #expect(throws: DataError.self) {
            try LabeledTexts(jsonLines: file.path, text: "text", label: "label")
        }
        #expect(error?.line == 1)
        #expect(
            error?.description.contains("line 1: the line is not one JSON object: column ") == true)
    }

    private static let questions = """
        DESC:manner How does a moth fly ?
        NUM:dist How far is the moon ?\r
        DESC:def What is a moth ?
        """

    private func parsed(_ path: String, skipping: Int = 0) throws -> LabeledTexts {
        try LabeledTexts(lines: path, skipping: skipping) { line in
            guard let parts = line.wholeMatch(of: /(\w+):\w+ (.+)/)?.output else { return nil }
            return (text: String(parts.2), label: String(parts.1))
        }
    }

    @Test func linesOfAnyFormAreExamples() throws {
        let file = try TemporaryFile(Self.questions)
        let data = try parsed(file.path)
        #expect(data.labels == ["DESC", "NUM"])
        #expect(data.counts.map(\.count) == [2, 1])
        #expect(data[1].input == "How far is the moon ?")
        #expect(try parsed(file.path, skipping: 2).count == 1)
    }

    @Test func aLineOfAnotherFormRefusesTheFile() throws {
        let file = try TemporaryFile(Self.questions + "\n\nmoth")
        #expect(throws: DataError(.unexpectedForm("moth"), path: file.path, line: 5)) {
            try parsed(file.path)
        }
        struct Reason: Error, CustomStringConvertible { let description = "no moths" }
        #expect(throws: DataError(.refused("no moths"), path: file.path, line: 1)) {
            try LabeledTexts(lines: file.path, parse: { _ in throw Reason() })
        }
        #expect(throws: DataError(.absentLabel, path: file.path, line: 1)) {
            try LabeledTexts(lines: file.path) { (text: $0, label: "") }
        }
        #expect(throws: DataError(.emptyText, path: file.path, line: 1)) {
            try LabeledTexts(lines: file.path) { (text: " ", label: $0) }
        }
    }
}
