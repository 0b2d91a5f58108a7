import Checkpoint
import Testing

@Suite struct JSONParsingTests {
    /// A text that must be refused.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let bytes: [UInt8]
        let reason: JSON.SyntaxError.Reason
        let offset: Int
        var testDescription: String { String(decoding: bytes.prefix(40), as: UTF8.self) }

        init(_ text: String, _ reason: JSON.SyntaxError.Reason, at offset: Int) {
            self.init(bytes: Array(text.utf8), reason, at: offset)
        }

        init(bytes: [UInt8], _ reason: JSON.SyntaxError.Reason, at offset: Int) {
            (self.bytes, self.reason, self.offset) = (bytes, reason, offset)
        }
    }

    static let refusals: [Refusal] = [
        Refusal("", .empty, at: 0),
        Refusal(" \t\r\n", .empty, at: 4),
        Refusal("\u{FEFF}1", .byteOrderMark, at: 0),
        Refusal(bytes: [0xFF, 0xFE, 0x31, 0x00], .wideEncoding, at: 0),
        Refusal(bytes: [0xFE, 0xFF, 0x00, 0x31], .wideEncoding, at: 0),
        Refusal(bytes: [0x7B, 0x00, 0x7D, 0x00], .wideEncoding, at: 0),
        Refusal(bytes: [0x00, 0x7B, 0x00, 0x7D], .wideEncoding, at: 0),
        Refusal(bytes: [0x00, 0x00, 0x00, 0x31], .wideEncoding, at: 0),
        Refusal(bytes: Array("\"a".utf8) + [0xFF, 0x22], .invalidUTF8, at: 2),
        Refusal(bytes: [0x22, 0xC0, 0xAF, 0x22], .invalidUTF8, at: 1),
        Refusal(bytes: [0x22, 0xE0, 0x80, 0x80, 0x22], .invalidUTF8, at: 1),
        Refusal(bytes: [0x22, 0xED, 0xA0, 0x80, 0x22], .invalidUTF8, at: 1),
        Refusal(bytes: [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], .invalidUTF8, at: 1),
        Refusal(bytes: [0x22, 0xF0, 0x9F, 0x98, 0x22, 0x22], .invalidUTF8, at: 1),
        Refusal(bytes: [0x22, 0xE2, 0x82], .invalidUTF8, at: 1),
        Refusal(bytes: [0x22, 0x80, 0x22], .invalidUTF8, at: 1),
        Refusal(bytes: [0x5B, 0xFF, 0x5D], .invalidUTF8, at: 1),
        Refusal("[1 2]", .unexpected(byte: 0x32, expected: "',' or ']'"), at: 3),
        Refusal("[\u{A0}1]", .unexpected(byte: 0xC2, expected: "a value"), at: 1),
        Refusal("{1:2}", .unexpected(byte: 0x31, expected: "a key in '\"'"), at: 1),
        Refusal("{\"a\" 2}", .unexpected(byte: 0x32, expected: "':'"), at: 5),
        Refusal("{\"a\":2]", .unexpected(byte: 0x5D, expected: "',' or '}'"), at: 6),
        Refusal("[1}", .unexpected(byte: 0x7D, expected: "',' or ']'"), at: 2),
        Refusal("]", .unexpected(byte: 0x5D, expected: "a value"), at: 0),
        Refusal("[,1]", .unexpected(byte: 0x2C, expected: "a value"), at: 1),
        Refusal("'a'", .unexpected(byte: 0x27, expected: "a value"), at: 0),
        Refusal("NaN", .unexpected(byte: 0x4E, expected: "a value"), at: 0),
        Refusal("nul!", .unexpected(byte: 0x21, expected: "'null'"), at: 3),
        Refusal("+1", .unexpected(byte: 0x2B, expected: "a value"), at: 0),
        Refusal(".5", .unexpected(byte: 0x2E, expected: "a value"), at: 0),
        Refusal("-Infinity", .malformedNumber, at: 1),
        Refusal("-", .malformedNumber, at: 1),
        Refusal("1.", .malformedNumber, at: 2),
        Refusal("1.e5", .malformedNumber, at: 2),
        Refusal("1e", .malformedNumber, at: 2),
        Refusal("1e+", .malformedNumber, at: 3),
        Refusal("01", .leadingZero, at: 0),
        Refusal("-01.5", .leadingZero, at: 1),
        Refusal("[1,]", .trailingComma, at: 2),
        Refusal("{\"a\":1 , }", .trailingComma, at: 7),
        Refusal("// a\n1", .comment, at: 0),
        Refusal("[1, /* a */ 2]", .comment, at: 4),
        Refusal("1 // a", .comment, at: 2),
        Refusal("1 2", .trailingContent, at: 2),
        Refusal("{}{}", .trailingContent, at: 2),
        Refusal("0x10", .trailingContent, at: 1),
        Refusal("{}\0", .trailingContent, at: 2),
        Refusal("{", .unexpectedEnd, at: 1),
        Refusal("[1", .unexpectedEnd, at: 2),
        Refusal("[1,", .unexpectedEnd, at: 3),
        Refusal("{\"a", .unexpectedEnd, at: 3),
        Refusal("{\"a\"", .unexpectedEnd, at: 4),
        Refusal("{\"a\":", .unexpectedEnd, at: 5),
        Refusal("\"a\\", .unexpectedEnd, at: 3),
        Refusal("\"a\\u00", .unexpectedEnd, at: 6),
        Refusal("tru", .unexpectedEnd, at: 3),
        Refusal("\"a\u{0}b\"", .controlCharacter(0), at: 2),
        Refusal("\"a\nb\"", .controlCharacter(10), at: 2),
        Refusal("\"\\n\u{1F}\"", .controlCharacter(31), at: 3),
        Refusal(#""\x41""#, .invalidEscape, at: 1),
        Refusal(#""\u00g0""#, .invalidEscape, at: 1),
        Refusal(#""\ud800""#, .loneSurrogate, at: 1),
        Refusal(#""\udc00""#, .loneSurrogate, at: 1),
        Refusal(#""\ud800\ud800""#, .loneSurrogate, at: 1),
        Refusal(#""\ud800\u0041""#, .loneSurrogate, at: 1),
        Refusal(#""\ud800\n""#, .loneSurrogate, at: 1),
        Refusal(#"{"a":1,"a":2}"#, .duplicateKey("a"), at: 7),
        Refusal(#"{"a":1,"\u0061":2}"#, .duplicateKey("a"), at: 7),
        Refusal(String(repeating: "[", count: 200), .tooDeep(limit: 128), at: 128),
        Refusal(String(repeating: "{\"a\":", count: 1_000_000), .tooDeep(limit: 128), at: 640),
    ]

    @Test(arguments: refusals) func refuses(_ refusal: Refusal) {
        let error = #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: refusal.bytes) }
        #expect(error?.reason == refusal.reason)
        #expect(error?.byteOffset == refusal.offset)
    }

    /// Every prefix of a valid object is refused and none traps.
    @Test func refusesEveryPrefix() throws {
        let text = Array(#"{"a":[1.5e-3,{"é\u00e9\ud83d\ude00":null}],"b":[true,false,""]}"#.utf8)
        #expect(throws: Never.self) { try JSON(parsing: text) }
        for length in text.indices {
            #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: Array(text[..<length])) }
        }
    }

    @Test func namesLineAndColumn() throws {
        let error = #expect(throws: JSON.SyntaxError.self) {
            try JSON(parsing: "{\n  \"é\": 1,\n  \"é😀\": x\n}")
        }
        #expect(error?.line == 3 && error?.column == 9)
        #expect(
            error.map { "\($0)" } == "line 3, column 9 (byte 25): 'x' stands where a value should")
    }

    @Test(
        arguments: [
            ("null", JSON.null), (" true ", true), ("false\n", false), ("[]", []), ("{ }", [:]),
            (#"[ 1 , "a" , [ ] ]"#, [1, "a", []]), (#"{"a":{"b":[{}]}}"#, ["a": ["b": [[:]]]]),
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#""\u0000\u00e9\u20AC\ud83d\uDE00z""#, "\0é€😀z"),
            ("\"é€😀\u{7F}\u{10FFFF}\"", "é€😀\u{7F}\u{10FFFF}"),
        ] as [(String, JSON)])
    func accepts(_ text: String, _ value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
    }

    @Test func acceptsTheDepthLimit() throws {
        let text = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(try JSON(parsing: text).serialized() == text)
        #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: "[[1]]", depthLimit: 1) }
        #expect(throws: Never.self) { try JSON(parsing: "1", depthLimit: 0) }
    }

    @Test func keepsTheLastOfDuplicatesIfAskedTo() throws {
        let value = try JSON(parsing: #"{"a":1,"b":2,"a":3}"#, duplicateKeys: .lastStays)
        #expect(value.serialized() == #"{"a":3,"b":2}"#)
    }

    @Test func readsFilesAndNamesTheirPaths() throws {
        try withTemporaryFolder { folder throws in
            let path = folder + "/config.json"
            #expect(throws: JSON.ReadError.self) { try JSON(contentsOf: path) }
            try write(Array("{\"a\": 01}".utf8), to: path)
            let error = #expect(throws: JSON.ReadError.self) { try JSON(contentsOf: path) }
            #expect(error?.description.contains("config.json' is not valid JSON: line 1") == true)
            try write(Array("{\"a\": 1}".utf8), to: path)
            #expect(try JSON(contentsOf: path)["a"]?.int == 1)
        }
    }
}
