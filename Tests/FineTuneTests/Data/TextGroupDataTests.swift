@testable import FineTune
import Testing

@Suite struct TextGroupDataTests {
    @Test func pairsAreReadFromTables() throws {
        let expected = LabeledPairs([
            Example(input: TextPair("a", "b, c"), target: "yes"),
            Example(input: TextPair("d", "e"), target: "no"),
        ])
        let csv = try TemporaryFile("label,one,two\nyes,a,\"b, c\"\nno,d,e\n")
        #expect(
            try LabeledPairs(csv: csv.path, first: "one", second: "two", label: "label")
                == expected)
        let tsv = try TemporaryFile("a\tb, c\tyes\nd\te\tno\n")
        #expect(try LabeledPairs(tsv: tsv.path, first: 0, second: 1, label: 2) == expected)
        let lines = try TemporaryFile(
            #"{"p": "a", "q": "b, c", "l": "yes"}"# + "\n" + #"{"p": "d", "q": "e", "l": "no"}"#)
        #expect(
            try LabeledPairs(jsonLines: lines.path, first: "p", second: "q", label: "l")
                == expected)
        #expect(throws: DataError.self) {
            try LabeledPairs(csv: csv.path, first: "one", second: "three", label: "label")
        }
    }
    @Test func similaritiesAreReadFromTables() throws {
        let tsv = try TemporaryFile("score\ta\tb\n5\tx y\tx z\n1.25\tu\tv\n")
        let expected = ScoredGroups([
            Example(input: ["x y", "x z"], target: 1), Example(input: ["u", "v"], target: 0.25),
        ])
        #expect(
            try ScoredGroups(tsv: tsv.path, first: "a", second: "b", number: "score", highest: 5)
                == expected)
        let csv = try TemporaryFile("x y,x z,1\nu,v,0.25\n")
        #expect(try ScoredGroups(csv: csv.path, first: 0, second: 1, number: 2) == expected)
        let wrong = try TemporaryFile("x y,x z,high\n")
        #expect(throws: DataError.self) {
            try ScoredGroups(csv: wrong.path, first: 0, second: 1, number: 2)
        }
    }
}
