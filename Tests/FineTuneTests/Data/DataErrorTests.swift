import FineTune
import Foundation
import Testing

@Suite struct DataErrorTests {
    private func error(
        of bytes: some Sequence<UInt8>, text: Column = "text", label: Column = "label"
    ) throws -> DataError {
        let file = try TemporaryFile(bytes)
        let error = try #require(throws: DataError.self) {
            try LabeledTexts(csv: file.path, text: text, label: label)
        }
        #expect(error.path == file.path)
        #expect(error.description.hasPrefix("'\(file.path)'"))
        return error
    }

    @Test(arguments: [
        ("text,label\na,b,c\n", 2, DataError.Problem.raggedRow(expected: 2, found: 3)),
        ("text,label\na,b\n\n\"x\ny\",l\nz\n", 6, .raggedRow(expected: 2, found: 1)),
        ("text,label\na,b,\n", 2, .raggedRow(expected: 2, found: 3)),
        ("text,label\n\"a,b\nc,d\n", 2, .unclosedQuote),
        ("text,label\n\"a\"b,c\n", 2, .textAfterQuote),
        ("text,label\n,b\n", 2, .emptyText),
        ("text,label\na,b\n\" \t\",b\n", 3, .emptyText),
        ("text,label\r\na,b\r\nc,\r\n", 3, .absentLabel),
        ("text,kind\na,b\n", 2, .missingColumn("label", existing: ["text", "kind"])),
        ("text,label,text\na,b,c\n", 2, .ambiguousColumn("text")),
    ])
    func aWrongRowIsNamed(_ text: String, _ line: Int, _ problem: DataError.Problem) throws {
        let error = try error(of: text.utf8)
        #expect(error.problem == problem)
        #expect(error.line == line)
        #expect(error.description.contains("line \(line): "))
    }

    @Test(arguments: ["", "\n\n", "text,label\n", "\u{FEFF}text,label"])
    func nothingToLearnFrom(_ text: String) throws {
        let error = try error(of: text.utf8)
        #expect(error.problem == .noExamples)
        #expect(error.line == nil)
    }

    @Test func theEncodingIsNamed() throws {
        let latin = try error(of: Array("text,label\na,b\n".utf8) + [0x63, 0xE9, 0x2C, 0x62])
        #expect(latin.problem == .notUTF8(byte: 0xE9, offset: 16))
        #expect(latin.line == 3)
        #expect(latin.description.contains("0xE9, which is 'é' in Latin-1"))
        let windows = try error(of: Array("text,label\r\na\u{20}".utf8) + [0x96, 0x2C, 0x62])
        #expect(windows.line == 2)
        #expect(windows.description.contains("CP1252"))
        let utf16 = "text,label\na,b\n".utf16
        let little = utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let big = utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        for bytes in [little, big, [0xFF, 0xFE] + little, [0xFE, 0xFF] + big] {
            #expect(try error(of: bytes).problem == .utf16)
        }
    }

    @Test func theSeparatorIsGuessed() throws {
        let error = try error(of: "text;label\na;b\n".utf8)
        #expect(error.description.contains("is ';' what separates the columns"))
    }

    @Test func positionsBeyondTheColumnsAreNamed() throws {
        let error = try error(of: "a,b\n".utf8, text: 0, label: 2)
        #expect(error.problem == .missingColumn(2, existing: ["0", "1"]))
        let negative = try self.error(of: "a,b\n".utf8, text: -1, label: 1)
        #expect(negative.problem == .missingColumn(-1, existing: ["0", "1"]))
    }

    @Test func aMissingFileIsNamed() {
        let error = #expect(throws: DataError.self) {
            try LabeledTexts(csv: "/nowhere/at/all.csv", text: 0, label: 1)
        }
        #expect(
            error?.description == "cannot open '/nowhere/at/all.csv': No such file or directory")
        #expect(throws: DataError.self) { try LabeledTexts(csv: "/", text: 0, label: 1) }
    }

    @Test func messagesSayWhatToDo() {
        #expect(
            "\(DataError(.raggedRow(expected: 2, found: 3), path: "a.csv", line: 12))"
                == "'a.csv', line 12: expected 2 columns but found 3; put a field that holds the "
                + "separator in double quotes")
        #expect(
            "\(DataError(.missingColumn("class", existing: ["a", "b"]), path: "a.csv", line: 2))"
                == "'a.csv', line 2: there is no column 'class'; there are: 'a', 'b'")
        #expect(
            "\(DataError(.noExamples))" == "there is no example; check that this is the right file")
    }

    /// Python's decoder is the reference: `bytes.decode("utf-8")` reports these `start`s.
    @Test(
        arguments: [
            ([0x41, 0x80], 1), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xE0, 0x80, 0x80], 0),
            ([0xED, 0xA0, 0x80], 0), ([0xF0, 0x8F, 0xBF, 0xBF], 0), ([0xF4, 0x90, 0x80, 0x80], 0),
            ([0xF5, 0x80, 0x80, 0x80], 0), ([0xC3], 0), ([0xE2, 0x82], 0), ([0xF0, 0x9F, 0x99], 0),
            ([0xE2, 0x28, 0xA1], 0), ([0xC3, 0xA9, 0xFF], 2),
            ([0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0xE9, 0x41], 9),
        ] as [([UInt8], Int)])
    func invalidUTF8IsFound(_ bytes: [UInt8], _ offset: Int) {
        #expect(bytes.withUnsafeBytes { firstInvalidUTF8(in: $0) } == offset)
    }

    @Test func theUTF8CheckAgreesWithTheStandardLibrary() {
        var generator = SplitMix64(seed: 5)
        let bytes: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF,
            0xF0, 0xF3, 0xF4,
        ]
        for _ in 0..<20_000 {
            let sample = (0..<generator.next(below: 12)).map { _ in
                bytes[generator.next(below: bytes.count)]
            }
            let isValid = String(validating: sample, as: UTF8.self) != nil
            #expect((sample.withUnsafeBytes { firstInvalidUTF8(in: $0) } == nil) == isValid)
        }
    }

    /// Any bytes at all give a dataset or an error, never a trap.
    @Test func randomBytesNeverTrap() throws {
        var generator = SplitMix64(seed: 3)
        let bytes = Array("\",\n\r\t;a{}[]:\u{FEFF}é0".utf8) + [0x00, 0xFF]
        for _ in 0..<500 {
            let sample = (0..<generator.next(below: 40)).map { _ in
                bytes[generator.next(below: bytes.count)]
            }
            let file = try TemporaryFile(sample)
            _ = try? LabeledTexts(csv: file.path, text: 0, label: 1)
            _ = try? LabeledTexts(tsv: file.path, text: "a", label: 1, quoting: .none)
            _ = try? LabeledTexts(jsonLines: file.path, text: "a", label: "b")
        }
    }
}
