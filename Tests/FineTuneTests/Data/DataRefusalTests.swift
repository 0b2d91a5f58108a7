import FineTune
import Testing

/// Data files that must be refused, each with the line and the reason that it is refused for.
@Suite struct DataRefusalTests {
    typealias Problem = DataError.Problem

    /// A file that must be refused for this reason and no other.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let line: Int?
        let problem: Problem

        init(_ description: String, _ bytes: [UInt8], _ line: Int?, _ problem: Problem) {
            (testDescription, self.bytes) = (description, bytes)
            (self.line, self.problem) = (line, problem)
        }

        init(_ description: String, _ text: String, _ line: Int?, _ problem: Problem) {
            self.init(description, Array(text.utf8), line, problem)
        }
    }

    private func check(_ refusal: Refusal, _ read: (String) throws -> Void) throws {
        let file = try TemporaryFile(refusal.bytes)
        let error = #expect(throws: DataError.self) { try read(file.path) }
        #expect(error == DataError(refusal.problem, path: file.path, line: refusal.line))
    }

    // MARK: Any text

    private static func wide(_ text: String, _ mark: [UInt8] = []) -> [UInt8] {
        mark + text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    }

    static let encodings: [Refusal] = [
        Refusal("empty", "", nil, .noExamples),
        Refusal("byte order mark alone", "\u{FEFF}", nil, .noExamples),
        Refusal("half a byte order mark", [0xEF, 0xBB], 1, .notUTF8(byte: 0xEF, offset: 0)),
        Refusal("line ends alone", "\n\r\n\r\r\n", nil, .noExamples),
        Refusal("UTF-16", wide("ab"), 1, .utf16),
        Refusal("UTF-16 with mark", wide("ab", [0xFF, 0xFE]), 1, .utf16),
        Refusal("UTF-16, big-endian", [0xFE, 0xFF, 0, 0x61], 1, .utf16),
        Refusal("a NUL first", [0, 0x61], 1, .utf16),
        Refusal("Latin-1", [0x61, 0x0A, 0xE9, 0x62], 2, .notUTF8(byte: 0xE9, offset: 2)),
        Refusal("CP1252", [0x61, 0x0D, 0x93, 0x61, 0x94], 2, .notUTF8(byte: 0x93, offset: 2)),
        Refusal("a trail byte alone", [0x61, 0xBF], 1, .notUTF8(byte: 0xBF, offset: 1)),
        Refusal("overlong", [0xC0, 0xAF], 1, .notUTF8(byte: 0xC0, offset: 0)),
        Refusal("overlong NUL", [0xE0, 0x80, 0x80], 1, .notUTF8(byte: 0xE0, offset: 0)),
        Refusal("a surrogate", [0x61, 0xED, 0xA0, 0x80], 1, .notUTF8(byte: 0xED, offset: 1)),
        Refusal(
            "beyond Unicode", [0xF4, 0x90, 0x80, 0x80], 1, .notUTF8(byte: 0xF4, offset: 0)),
        Refusal("a scalar cut off", [0x61, 0xF0, 0x9F, 0x99], 1, .notUTF8(byte: 0xF0, offset: 1)),
        Refusal(
            "after CR LF, CR and LF", [0x0D, 0x0A, 0x0D, 0x0A, 0xFF], 3,
            .notUTF8(byte: 0xFF, offset: 4)),
    ]

    /// Whatever the format, the text is checked first.
    @Test(arguments: encodings)
    func refusesText(_ refusal: Refusal) throws {
        try check(refusal) { _ = try LabeledTexts(csv: $0, text: 0, label: 1) }
        try check(refusal) { _ = try LabeledTexts(tsv: $0, text: 0, label: 1, quoting: .none) }
        try check(refusal) { _ = try LabeledTexts(jsonLines: $0, text: "text", label: "label") }
        try check(refusal) { _ = try TaggedWords(conll: $0) }
        guard refusal.problem != .noExamples else { return }
        try check(refusal) { _ = try TaggedWords(parserator: $0) }
    }

    // MARK: Tables

    static let commaSeparated: [Refusal] = [
        Refusal("header alone", "text,label\n", nil, .noExamples),
        Refusal("one column too few", "text,label\na\n", 2, .raggedRow(expected: 2, found: 1)),
        Refusal("one too many", "text,label\na,b,c\n", 2, .raggedRow(expected: 2, found: 3)),
        Refusal("a comma at the end", "text,label\na,b,\n", 2, .raggedRow(expected: 2, found: 3)),
        Refusal(
            "a ragged row after a quoted line end", "text,label\n\"a\nb\",c\n\nd\n", 5,
            .raggedRow(expected: 2, found: 1)),
        Refusal("an unclosed quote", "text,label\n\"a,b\n", 2, .unclosedQuote),
        Refusal("an unclosed quote in the header", "text,\"label\na,b\n", 1, .unclosedQuote),
        Refusal("a quote at the end", "text,label\na,\"", 2, .unclosedQuote),
        Refusal("three quotes", "text,label\na,\"\"\"\n", 2, .unclosedQuote),
        Refusal("text after a quote", "text,label\n\"a\"b,c\n", 2, .textAfterQuote),
        Refusal("space after a quote", "text,label\n\"a\" ,c\n", 2, .textAfterQuote),
        Refusal("text after a quoted line end", "text,label\n\"a\r\n\"b,c\n", 3, .textAfterQuote),
        Refusal("no text", "text,label\n,b\n", 2, .emptyText),
        Refusal("a text of spaces", "text,label\n\" \u{A0}\u{3000}\",b\n", 2, .emptyText),
        Refusal("no label", "text,label\na,\n", 2, .absentLabel),
        Refusal("a label of tabs", "text,label\na,\t\n", 2, .absentLabel),
        Refusal(
            "no such column", "text,class\na,b\n", 2,
            .missingColumn("label", existing: ["text", "class"])),
        Refusal(
            "another case", "Text,label\na,b\n", 2,
            .missingColumn("text", existing: ["Text", "label"])),
        Refusal(
            "another separator", "text;label\na;b\n", 2,
            .missingColumn("text", existing: ["text;label"])),
        Refusal("two of the name", "text,label,text\na,b,c\n", 2, .ambiguousColumn("text")),
        Refusal(
            "a second byte order mark", "\u{FEFF}\u{FEFF}text,label\na,b\n", 2,
            .missingColumn("text", existing: ["\u{FEFF}text", "label"])),
    ]

    @Test(arguments: commaSeparated)
    func refusesCommaSeparated(_ refusal: Refusal) throws {
        try check(refusal) { _ = try LabeledTexts(csv: $0, text: "text", label: "label") }
    }

    static let tabSeparated: [Refusal] = [
        Refusal("spaces for tabs", "a    1\n", 1, .missingColumn(1, existing: ["0"])),
        Refusal("a ragged row", "a\t1\nb\n", 2, .raggedRow(expected: 2, found: 1)),
        Refusal("a word for a number", "a\tone\n", 1, .notANumber(1, found: "one")),
        Refusal("no number", "a\t1\nb\t\n", 2, .notANumber(1, found: "")),
        Refusal("NaN", "a\tnan\n", 1, .notANumber(1, found: "nan")),
        Refusal("infinity", "a\t-inf\n", 1, .notANumber(1, found: "-inf")),
        Refusal("too large a number", "a\t1e400\n", 1, .notANumber(1, found: "1e400")),
        Refusal("a decimal comma", "a\t1,5\n", 1, .notANumber(1, found: "1,5")),
        Refusal("hexadecimal", "a\t0x1p3\n", 1, .notANumber(1, found: "0x1p3")),
        Refusal("two numbers", "a\t1 2\n", 1, .notANumber(1, found: "1 2")),
        Refusal("other digits", "a\t१\n", 1, .notANumber(1, found: "१")),
        Refusal(
            "a long field", "a\t\(String(repeating: "x", count: 50))\n", 1,
            .notANumber(1, found: String(repeating: "x", count: 39) + "…")),
    ]

    @Test(arguments: tabSeparated)
    func refusesTabSeparated(_ refusal: Refusal) throws {
        try check(refusal) { _ = try ScoredTexts(tsv: $0, text: 0, number: 1) }
    }

    // MARK: JSON Lines

    private static func json(_ line: String, _ reason: String) -> Refusal {
        Refusal(line, "{\"text\":\"a\",\"label\":\"x\"}\n\n\(line)\n", 3, .malformedJSON(reason))
    }

    static let jsonLines: [Refusal] = [
        json("[1]", "it is an array"), json("null", "it is null"), json("1", "it is a number"),
        json("\"a\"", "it is a string"), json("true", "it is a truth value"),
        json("{", "column 2: the text ends here, before the value does"),
        json("{}{}", "column 3: more text follows the end of the value"),
        json("{},", "column 3: more text follows the end of the value"),
        json("{\"a\":1,}", "column 7: a comma stands before a closing bracket"),
        json("{a:1}", "column 2: 'a' stands where a key in '\"' should"),
        json("{'a':1}", "column 2: ''' stands where a key in '\"' should"),
        json("// a", "column 1: JSON has no comments"),
        json("{\"a\":NaN}", "column 6: 'N' stands where a value should"),
        json("{\"a\":01}", "column 6: a number begins with a needless zero"),
        json("{\"a\":1.}", "column 8: a digit is missing in a number"),
        json("{\"a\":\"\t\"}", "column 7: the control character 0x09 must be escaped"),
        json("{\"a\":\"\\x\"}", "column 7: this is no escape sequence"),
        json("{\"a\":\"\\ud83d\"}", "column 7: half of a surrogate pair is no character"),
        json("{\"a\":1,\"a\":2}", "column 8: the key 'a' appears twice in one object"),
        json(
            "{\"\\u0061\":1,\"a\":2}", "column 13: the key 'a' appears twice in one object"),
        json(
            String(repeating: "{\"a\":", count: 129),
            "column 641: arrays and objects are nested "
                + "deeper than 128"),
        json("\u{FEFF}{}", "column 1: a byte order mark stands here; save the text without one"),
        Refusal(
            "no text", "{\"label\":\"x\"}", 1, .missingColumn("text", existing: ["label"])),
        Refusal("text null", "{\"text\":null,\"label\":\"x\"}", 1, .emptyText),
        Refusal(
            "text in an array", "{\"text\":[\"a\"],\"label\":\"x\"}", 1,
            .wrongKind("text", expected: "a string")),
        Refusal(
            "label in an object", "{\"text\":\"a\",\"label\":{}}", 1,
            .wrongKind("label", expected: "a string or a number")),
        Refusal("an empty label", "{\"text\":\"a\",\"label\":\"\"}", 1, .absentLabel),
    ]

    @Test(arguments: jsonLines)
    func refusesJSONLines(_ refusal: Refusal) throws {
        try check(refusal) { _ = try LabeledTexts(jsonLines: $0, text: "text", label: "label") }
    }

    // MARK: XML

    private static func malformed(
        _ text: String, line: Int = 1, _ reason: String
    ) -> Refusal {
        Refusal(text, text, line, .malformedXML(reason))
    }

    static let xml: [Refusal] = [
        malformed(" ", "there is no element"),
        malformed("<!-- a -->", "there is no element"),
        malformed("a<A/>", "there is text outside the root element"),
        malformed("<A/>\na", line: 1, "there is text outside the root element"),
        malformed("<![CDATA[a]]><A/>", "there is text outside the root element"),
        malformed("<A></A><B/>", "there is a second root element 'B'"),
        malformed("<A>", "the element 'A' is never closed"),
        malformed("<A>\n<B></A>", line: 2, "'</A>' closes no element that is open"),
        malformed("</A>", "'</A>' closes no element that is open"),
        malformed("<A", "the tag of 'A' has no '>'"),
        malformed("<A/ >", "the tag of 'A' has no '>'"),
        malformed("<A></A", "the closing tag of 'A' has no '>'"),
        malformed("<A b></A>", "an attribute of 'A' has no value"),
        malformed("<A b=c></A>", "the value of an attribute of 'A' is not in quotes"),
        malformed("<A b='c></A>", "a value is never closed"),
        malformed("<1/>", "a '<' is followed by no name; write it as '&lt;'"),
        malformed("<A><B><C>1 < 2</C></B></A>", "a '<' is followed by no name; write it as '&lt;'"),
        malformed("<A>a & b</A>", "an '&' begins no reference; write it as '&amp;'"),
        malformed("<A>&nbsp;</A>", "'&nbsp;' is not known"),
        malformed("<A>&#0;</A>", "'&#0;' is not known"),
        malformed("<A>&#xD800;</A>", "'&#xD800;' is not known"),
        malformed("<A>&#x110000;</A>", "'&#x110000;' is not known"),
        malformed("<A>&#-1;</A>", "'&#-1;' is not known"),
        malformed("<A>&#+1;</A>", "'&#+1;' is not known"),
        malformed("<A>&#99999999;</A>", "'&#99999999;' is not known"),
        malformed("<!DOCTYPE a><A/>", "document types are not read; remove the '<!…>'"),
        malformed(
            "<!ENTITY a \"&b;&b;\"><A>&a;</A>", "document types are not read; remove the '<!…>'"),
        malformed("<A><!-- </A>", "a comment is never closed"),
        malformed("<A><? </A>", "a processing instruction is never closed"),
        malformed("<A><![CDATA[ </A>", "a CDATA section is never closed"),
        malformed(
            String(repeating: "<A>", count: 65), "'A' stands inside the word 'A'"),
        malformed("<A><B><C><D/></C></B></A>", "'D' stands inside the word 'C'"),
        malformed("<A>a<B/></A>", "'a' stands in no word"),
        malformed("<A><B> a<C>b</C></B></A>", "' a' stands in no word"),
        malformed("<A><B>\n<C>b</C> c</B></A>", line: 2, "' c' stands in no word"),
        Refusal("<A/>", "<A/>", nil, .noExamples),
        Refusal("no word", "<A><B><C> </C></B></A>", nil, .noExamples),
    ]

    @Test(arguments: xml)
    func refusesXML(_ refusal: Refusal) throws {
        try check(refusal) { _ = try TaggedWords(parserator: $0) }
    }

    // MARK: Tagged lines

    static let taggedLines: [Refusal] = [
        Refusal(
            "a word alone", "EU B-ORG\nrejects\n", 2, .missingColumn(.at(1), existing: ["0"])),
        Refusal("no line of words", "-DOCSTART- -X- O O\n\n", nil, .noExamples),
        Refusal("lines of spaces", " \n\t\n", nil, .noExamples),
        Refusal(
            "a separator of another kind", "EU,B-ORG\n", 1,
            .missingColumn(.at(1), existing: ["0"])),
    ]

    @Test(arguments: taggedLines)
    func refusesTaggedLines(_ refusal: Refusal) throws {
        try check(refusal) { _ = try TaggedWords(conll: $0) }
    }

    @Test func thereAreEnough() {
        let tables = Self.commaSeparated + Self.tabSeparated + Self.taggedLines
        #expect((Self.encodings + tables + Self.jsonLines + Self.xml).count >= 96)
    }
}
