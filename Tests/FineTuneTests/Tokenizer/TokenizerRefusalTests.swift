import FineTune
import Testing

/// Tokenizers' files that must be refused, each with the message that says why.
@Suite struct TokenizerRefusalTests {
    /// A file that must be refused with this message and no other.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        /// Without the path in front.
        let message: String

        init(_ description: String, _ bytes: [UInt8], _ message: String) {
            (testDescription, self.bytes, self.message) = (description, bytes, message)
        }

        init(_ text: String, _ message: String) { self.init(text, Array(text.utf8), message) }
    }

    /// Files with one part replaced by another.
    static func changes(
        of file: String, _ list: [(old: String, new: String, message: String)]
    ) -> [Refusal] {
        list.map { old, new, message in
            let changed = file.replacing(old, with: new, maxReplacements: 1)
            precondition(changed != file, "there is no \(old)")
            return Refusal("\(new) for \(old)", Array(changed.utf8), message)
        }
    }

    func check(_ refusal: Refusal, _ read: (String) throws -> Void) throws {
        try TokenizerFixtures.withFile(refusal.bytes) { path in
            let error = #expect(throws: TokenizerError.self) { try read(path) }
            #expect(error?.description == "'\(path)'\(refusal.message)")
        }
    }

    // MARK: tokenizer.json

    /// Of any kind.
    static let noFile: [Refusal] = [
        Refusal("", " is not valid JSON: line 1, column 1 (byte 0): the text is empty"),
        Refusal(
            "{",
            " is not valid JSON: line 1, column 2 (byte 1): the text ends here, before the value "
                + "does"),
        Refusal(
            "{\n}x",
            " is not valid JSON: line 2, column 2 (byte 3): more text follows the end of the "
                + "value"),
        Refusal(
            "{\"a\":NaN}",
            " is not valid JSON: line 1, column 6 (byte 5): 'N' stands where a value should"),
        Refusal(
            "{\"model\":1,\"model\":{}}",
            " is not valid JSON: line 1, column 12 (byte 11): the key 'model' appears twice in one "
                + "object"),
        Refusal(
            "\u{FEFF}{}",
            " is not valid JSON: line 1, column 1 (byte 0): a byte order mark stands "
                + "here; save the text without one"),
        Refusal(
            "UTF-16", [0x7B, 0, 0x7D, 0],
            " is not valid JSON: line 1, column 1 (byte 0): the text is UTF-16 or UTF-32; save it as "
                + "UTF-8"),
        Refusal(
            "not UTF-8", [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D],
            " is not valid JSON: line 1, column 3 (byte 2): these bytes are not UTF-8"),
        Refusal(
            String(repeating: "[", count: 100_000),
            " is not valid JSON: line 1, column 129 (byte 128): arrays and objects are nested deeper "
                + "than 128"),
        Refusal("[]", ": '(the file)' must be an object, but is an array"),
        Refusal("null", ": '(the file)' must be an object, but is null"),
        Refusal("{}", ": 'model' must be an object, but is missing"),
        Refusal("{\"model\":null}", ": 'model' must be an object, but is null"),
        Refusal("{\"model\":[]}", ": 'model' must be an object, but is an array"),
    ]

    static func unsupported(_ part: String, _ found: String, _ supported: String) -> String {
        ": \(part) is of the kind \(found), which is not supported; supported: \(supported)"
    }

    private static let bytePairFile =
        #"""
        {"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},
        "post_processor":null,"model":{"type":"BPE","dropout":null,"unk_token":"a","vocab":{
        "a":0,"b":1,"ab":2},"merges":["a b"]}}
        """#.replacing("\n", with: "")

    private static func merge(_ found: String) -> String {
        ": 'merges[0]' must be two tokens of the vocabulary that together are a third, but is "
            + "'\(found)'"
    }

    private static let noMerge = ": 'model.merges[0]' must be two tokens, but is something else"

    static let bytePairs: [Refusal] =
        noFile
        + changes(
            of: bytePairFile,
            [
                ("\"BPE\"", "\"WordPiece\"", unsupported("model", "WordPiece", "BPE")),
                (
                    "\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}",
                    unsupported("normalizer", "NFC", "null")
                ),
                (
                    "\"ByteLevel\"", "\"Metaspace\"",
                    unsupported("pre_tokenizer", "Metaspace", "ByteLevel")
                ),
                (
                    "\"add_prefix_space\":false", "\"use_regex\":1",
                    ": 'pre_tokenizer.use_regex' must be true or false, but is a number"
                ),
                (
                    "\"dropout\":null", "\"dropout\":0.5",
                    unsupported("model.dropout", "0.5", "null")
                ),
                (
                    "\"dropout\":null", "\"byte_fallback\":true",
                    unsupported("model.byte_fallback", "true", "false")
                ),
                (
                    "\"dropout\":null", "\"fuse_unk\":true",
                    unsupported("model.fuse_unk", "true", "false")
                ),
                (
                    "\"dropout\":null", "\"end_of_word_suffix\":\"</w>\"",
                    unsupported("model.end_of_word_suffix", "'</w>'", "null")
                ),
                (
                    "\"unk_token\":\"a\"", "\"unk_token\":\"c\"",
                    ": the vocabulary lacks the unknown token 'c'"
                ),
                ("[\"a b\"]", "{}", ": 'model.merges' must be an array, but is an object"),
                ("[\"a b\"]", "[\"a\"]", noMerge),
                ("[\"a b\"]", "[\"a b ab\"]", noMerge),
                ("[\"a b\"]", "[[\"a\"]]", noMerge),
                ("[\"a b\"]", "[[\"a\",\"b\",\"ab\"]]", noMerge),
                ("[\"a b\"]", "[1]", noMerge),
                ("[\"a b\"]", "[\"a c\"]", merge("a c")),
                ("[\"a b\"]", "[\"b a\"]", merge("b a")),
                ("[\"a b\"]", "[\" ab\"]", merge(" ab")),
            ])

    @Test(arguments: bytePairs)
    func refusesBytePairs(_ refusal: Refusal) throws {
        try check(refusal) { _ = try BytePairTokenizer(contentsOf: $0) }
    }

    // MARK: Lines

    private static func line(_ number: Int, _ problem: String) -> String {
        ", line \(number): \(problem)"
    }

    static let vocabularyLines: [Refusal] = [
        Refusal("", ": the vocabulary is empty"),
        Refusal(
            "\u{FEFF}[UNK]\n",
            line(1, "it begins with a byte order mark; save the file without one")),
        Refusal("\n", line(1, "it is empty; every line must hold one token")),
        Refusal("[UNK]\n\na\n", line(2, "it is empty; every line must hold one token")),
        Refusal("[UNK]\r\n\r\na\n", line(2, "it is empty; every line must hold one token")),
        Refusal(
            "Latin-1", [0x61, 0x0A, 0xE9, 0x0A], line(2, "it is not UTF-8; save the file as UTF-8")),
        Refusal(
            "a scalar in two lines", [0xC3, 0x0A, 0xA9, 0x0A],
            line(1, "it is not UTF-8; save the file as UTF-8")),
        Refusal(
            "[UNK]\n[CLS]\n[SEP]\na\n[CLS]\n", line(5, "the token '[CLS]' is already on line 2")),
        Refusal("[CLS]\n[SEP]\na\n", ": the vocabulary lacks the unknown token '[UNK]'"),
        Refusal("[UNK]\n[SEP]\na\n", ": the vocabulary lacks the classification token '[CLS]'"),
        Refusal("[UNK]\n[CLS]\na\n", ": the vocabulary lacks the separator token '[SEP]'"),
        Refusal("[unk]\n[cls]\n[sep]\n", ": the vocabulary lacks the unknown token '[UNK]'"),
        Refusal("[UNK] \n[CLS]\n[SEP]\n", ": the vocabulary lacks the unknown token '[UNK]'"),
        Refusal("[UNK]\r[CLS]\r[SEP]\r", ": the vocabulary lacks the unknown token '[UNK]'"),
    ]

    @Test(arguments: vocabularyLines)
    func refusesVocabularyLines(_ refusal: Refusal) throws {
        try check(refusal) { _ = try WordPieceTokenizer(vocabulary: $0) }
    }

    private static let twoTokens = "it does not hold two tokens with one space between"

    static let merges: [Refusal] = [
        Refusal("a\n", line(1, twoTokens)), Refusal("a b\na b c\n", line(2, twoTokens)),
        Refusal("\na b\n", line(1, twoTokens)), Refusal("a\tb\n", line(1, twoTokens)),
        Refusal("a  b\n", line(1, twoTokens)), Refusal("a b\r\n\r\n", line(2, twoTokens)),
        Refusal("#version: 0.2\na c\n", merge("a c")), Refusal("a b \n", line(1, twoTokens)),
        Refusal("\u{FEFF}a b\n", merge("\u{FEFF}a b")),
        Refusal("not UTF-8", [0xFF, 0x20, 0x62], merge("\u{FFFD} b")),
    ]

    @Test(arguments: merges)
    func refusesMerges(_ refusal: Refusal) throws {
        try TokenizerFixtures.withFile(Array(#"{"a":0,"b":1,"ab":2}"#.utf8)) { vocabulary in
            try check(refusal) { _ = try BytePairTokenizer(vocabulary: vocabulary, merges: $0) }
        }
    }

    // MARK: tokenizer_config.json

    static let settings: [Refusal] = [
        Refusal("[]", ": '(the file)' must be an object, but is an array"),
        Refusal(
            "{\"tokenizer_class\":1}", ": 'tokenizer_class' must be a string, but is a number"),
        Refusal(
            "{\"tokenizer_class\":\"T5Tokenizer\"}",
            unsupported(
                "tokenizer_class", "T5Tokenizer",
                "BertTokenizer, DistilBertTokenizer, ElectraTokenizer, MobileBertTokenizer, "
                    + "PreTrainedTokenizer")),
        Refusal(
            "{\"do_lower_case\":\"yes\"}",
            ": 'do_lower_case' must be true or false, but is a string"),
        Refusal(
            "{\"strip_accents\":0}", ": 'strip_accents' must be true or false, but is a number"),
        Refusal(
            "{\"tokenize_chinese_chars\":{}}",
            ": 'tokenize_chinese_chars' must be true or false, but is an object"),
        Refusal(
            "{\"do_basic_tokenize\":false}", unsupported("do_basic_tokenize", "false", "true")),
        Refusal("{\"mask_token\":5}", ": 'mask_token' must be a string, but is a number"),
        Refusal(
            "{\"mask_token\":{}}", ": 'mask_token.content' must be a string, but is missing"),
        Refusal(
            "{\"pad_token\":{\"content\":\"a\",\"rstrip\":1}}",
            ": 'pad_token.rstrip' must be true or false, but is a number"),
        Refusal(
            "{\"added_tokens_decoder\":[]}",
            ": 'added_tokens_decoder' must be an object, but is an array"),
        Refusal(
            "{\"added_tokens_decoder\":{\"x\":{}}}",
            ": 'added_tokens_decoder' must be an object from id to token, but is one with 'x'"),
        Refusal(
            "{\"added_tokens_decoder\":{\"-1\":{}}}",
            ": 'added_tokens_decoder' must be an object from id to token, but is one with '-1'"),
        Refusal(
            "{\"added_tokens_decoder\":{\"2147483648\":{}}}",
            ": 'added_tokens_decoder' must be an object from id to token, but is one with "
                + "'2147483648'"),
        Refusal(
            "{\"added_tokens_decoder\":{\"1\":null}}",
            ": 'added_tokens_decoder' must be an object from id to token, but is one with '1'"),
        Refusal(
            "{\"added_tokens_decoder\":{\"1\":{}}}",
            ": 'added_tokens_decoder.1.content' must be a string, but is missing"),
    ]

    @Test(arguments: settings)
    func refusesSettings(_ refusal: Refusal) throws {
        try TokenizerFixtures.withFile(Array("[UNK]\n[CLS]\n[SEP]\n".utf8)) { vocabulary in
            try check(refusal) {
                _ = try WordPieceTokenizer(vocabulary: vocabulary, configuration: $0)
            }
        }
    }

    @Test func theUnchangedFilesAreAccepted() throws {
        let (first, second) = (Array(Self.wordPieceFile.utf8), Array(Self.bytePairFile.utf8))
        try TokenizerFixtures.withFile(first) { path throws in
            #expect(try WordPieceTokenizer(contentsOf: path).vocabularySize == 4)
        }
        try TokenizerFixtures.withFile(second) { path throws in
            #expect(try BytePairTokenizer(contentsOf: path).vocabularySize == 3)
        }
    }

    @Test func thereAreEnough() {
        let json = Self.wordPiece + Self.bytePairs + Self.settings
        #expect((json + Self.vocabularyLines + Self.merges).count >= 120)
    }
}
