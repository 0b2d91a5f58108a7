import FineTune
import Foundation
import Testing

@Suite struct DelimitedFileTests {
    private static let header = "question,class\n"

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let body: String
        let expected: [[String]]
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "plain", body: "a,b\n", expected: [["a", "b"]]),
        Case(name: "no line end at the end", body: "a,b", expected: [["a", "b"]]),
        Case(name: "CR LF", body: "a,b\r\nc,d\r\n", expected: [["a", "b"], ["c", "d"]]),
        Case(name: "CR", body: "a,b\rc,d", expected: [["a", "b"], ["c", "d"]]),
        Case(
            name: "empty lines", body: "\n\na,b\n\n\nc,d\n\n", expected: [["a", "b"], ["c", "d"]]),
        Case(name: "quotes", body: "\"a,b\",c\n", expected: [["a,b", "c"]]),
        Case(name: "quote at the end", body: "a,\"b\"", expected: [["a", "b"]]),
        Case(name: "doubled quotes", body: "\"say \"\"a\"\"\",c", expected: [["say \"a\"", "c"]]),
        Case(name: "only a quote", body: "\"\"\"\",c", expected: [["\"", "c"]]),
        Case(name: "quote inside a bare field", body: "5\" disk,c", expected: [["5\" disk", "c"]]),
        Case(
            name: "embedded LF", body: "\"a\nb\",c\nd,e", expected: [["a\nb", "c"], ["d", "e"]]),
        Case(name: "embedded CR LF", body: "\"a\r\n\",c\r\n", expected: [["a\r\n", "c"]]),
        Case(name: "spaces belong to a field", body: " a , b \n", expected: [[" a ", " b "]]),
        Case(name: "any script", body: "é世界🙂,ß\n", expected: [["é世界🙂", "ß"]]),
    ])
    func rowsOfRFC4180(_ example: Case) throws {
        for mark in ["", "\u{FEFF}"] {
            let file = try TemporaryFile(mark + Self.header + example.body)
            let data = try LabeledTexts(csv: file.path, text: "question", label: "class")
            // Compared by bytes: CR LF is one Character, and == ignores composition.
            #expect(
                data.map { [Array($0.input.utf8), Array($0.target.utf8)] }
                    == example.expected.map { $0.map { Array($0.utf8) } })
        }
    }

    @Test func columnsAreFoundByNameInAnyOrder() throws {
        let file = try TemporaryFile("id\tclass\tquestion\n1\tx\ta, b\n2\ty\tc\n")
        let data = try LabeledTexts(tsv: file.path, text: "question", label: "class")
        #expect(data == LabeledTexts(texts: ["a, b", "c"], labels: ["x", "y"]))
    }

    @Test func positionsMeanNoHeader() throws {
        let file = try TemporaryFile("x;a\ny;b\n")
        let all = try LabeledTexts(csv: file.path, text: 1, label: 0, separator: ";")
        #expect(all == LabeledTexts(texts: ["a", "b"], labels: ["x", "y"]))
        let rest = try LabeledTexts(
            csv: file.path, text: 1, label: 0, hasHeader: true, separator: ";")
        #expect(rest == LabeledTexts(texts: ["b"], labels: ["y"]))
        let name = "a"
        let named = try LabeledTexts(
            csv: file.path, text: .named(name), label: .at(0), separator: ";")
        #expect(named == rest)
    }

    @Test func quotesCanBeOrdinary() throws {
        let file = try TemporaryFile("\"What\" is it?\tx\n\"\ty\n")
        let data = try LabeledTexts(tsv: file.path, text: 0, label: 1, quoting: .none)
        #expect(data.inputs == ["\"What\" is it?", "\""])
        #expect(throws: DataError(.textAfterQuote, path: file.path, line: 1)) {
            try LabeledTexts(tsv: file.path, text: 0, label: 1)
        }
    }

    @Test func numbersAreTargets() throws {
        let file = try TemporaryFile("text,score\na,1\nb, -2.5e-3 \nc,+.5\n")
        let data = try ScoredTexts(csv: file.path, text: "text", number: "score")
        #expect(data.targets == [1, -0.0025, 0.5])
    }

    @Test(arguments: ["", "x", "nan", "inf", "1e999", "0x10", "1 2", "1,5", "--1", "१"])
    func otherSpellingsAreNoNumber(_ field: String) throws {
        let file = try TemporaryFile("text;score\na;1\nb;\(field)\n")
        let expected = DataError(.notANumber("score", found: field), path: file.path, line: 3)
        #expect(throws: expected) {
            try ScoredTexts(csv: file.path, text: "text", number: "score", separator: ";")
        }
    }

    @Test func severalLabelsAreTargets() throws {
        let file = try TemporaryFile("text\tkinds\na\tx| y |z\nb\t\nc\ty\n")
        let data = try MultiLabeledTexts(
            tsv: file.path, text: "text", labels: "kinds", separatedBy: "|")
        #expect(data.targets == [["x", "y", "z"], [], ["y"]])
        #expect(data.labels == ["x", "y", "z"])
        #expect(data.counts.map(\.count) == [1, 2, 1])
        let wrong = try TemporaryFile("text\tkinds\na\tx||y\n")
        #expect(throws: DataError(.absentLabel, path: wrong.path, line: 2)) {
            try MultiLabeledTexts(tsv: wrong.path, text: "text", labels: "kinds", separatedBy: "|")
        }
    }

    @Test func anyInputCanBeMadeOfARow() throws {
        struct Pair: Hashable, Sendable { let first, second: String }
        let file = try TemporaryFile("a,b,same\nx,y,1\n")
        let data = try Dataset<Pair, Double>(csv: file.path) {
            try Example(
                input: Pair(first: $0.text("a"), second: $0.text("b")), target: $0.number("same"))
        }
        #expect(data.examples == [Example(input: Pair(first: "x", second: "y"), target: 1)])
    }

    @Test func randomTablesSurviveTheTrip() throws {
        var generator = SplitMix64(seed: 11)
        let pieces = ["a", "\"", ",", "\n", "\r\n", "\r", "é", "\t", " ", "🙂", ""]
        for _ in 0..<200 {
            let rows = (0..<5).map { _ in
                (0..<2).map { _ in
                    "x" + (0..<6).map { _ in pieces[generator.next(below: pieces.count)] }.joined()
                }
            }
            let text = rows.map { row in
                row.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",")
            }
            let file = try TemporaryFile(text.joined(separator: "\r\n"))
            let data = try LabeledTexts(csv: file.path, text: 0, label: 1)
            #expect(
                data.map { [Array($0.input.utf8), Array($0.target.utf8)] }
                    == rows.map { $0.map { Array($0.utf8) } })
        }
    }
}
