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
    private static func changes(
        of file: String, _ list: [(old: String, new: String, message: String)]
    ) -> [Refusal] {
        list.map { old, new, message in
            let changed = file.replacing(old, with: new, maxReplacements: 1)
            precondition(changed != file, "there is no \(old)")
            return Refusal("\(new) for \(old)", Array(changed.utf8), message)
        }
    }

    private func check(_ refusal: Refusal, _ read: (String) throws -> Void) throws {
        try TokenizerFixtures.withFile(refusal.bytes) { path in
            let error = #expect(throws: TokenizerError.self) { try read(path) }
            #expect(error?.description == "'\(path)'\(refusal.message)")
        }
    }

    // MARK: tokenizer.json

    /// Of any kind.
    private static let noFile: [Refusal] = [
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

    private static let wordPieceFile =
        #"""
        {"truncation":{"max_length":128},"added_tokens":[{"id":1,"content":"[CLS]",
        "special":true}],"normalizer":{"type":"BertNormalizer","lowercase":true},
        "pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"BertProcessing",
        "sep":["[SEP]",2],"cls":["[CLS]",1]},"model":{"type":"WordPiece","unk_token":"[UNK]",
        "max_input_chars_per_word":100,"vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"fox":3}}}
        """#.replacing("\n", with: "")

    private static func unsupported(_ part: String, _ found: String, _ supported: String) -> String
    {
        ": \(part) is of the kind \(found), which is not supported; supported: \(supported)"
    }

    private static func vocabulary(_ found: String) -> String {
        ": 'model.vocab' must be an object from token to id, but is one where 'fox' has \(found)"
    }

    private static let processors =
        "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, null"

    static let wordPiece: [Refusal] =
        noFile
        + changes(
            of: wordPieceFile,
            [
                ("\"WordPiece\"", "\"BPE\"", unsupported("model", "BPE", "WordPiece")),
                ("\"WordPiece\"", "\"Unigram\"", unsupported("model", "Unigram", "WordPiece")),
                ("\"WordPiece\"", "4", ": 'model.type' must be a string, but is a number"),
                (
                    "\"vocab\"", "\"words\"",
                    ": 'model.vocab' must be an object from token to id, but is missing"
                ),
                (
                    "{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"fox\":3}", "[\"[UNK]\"]",
                    ": 'model.vocab' must be an object, but is an array"
                ),
                (
                    "{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"fox\":3}", "{}",
                    ": the vocabulary is empty"
                ),
                ("\"fox\":3", "\"fox\":-1", vocabulary("-1")),
                ("\"fox\":3", "\"fox\":-0", vocabulary("a number")),
                ("\"fox\":3", "\"fox\":3.0", vocabulary("a number")),
                ("\"fox\":3", "\"fox\":2147483648", vocabulary("2147483648")),
                ("\"fox\":3", "\"fox\":9223372036854775808", vocabulary("a number")),
                ("\"fox\":3", "\"fox\":\"3\"", vocabulary("a string")),
                ("\"fox\":3", "\"fox\":null", vocabulary("null")),
                ("\"fox\":3", "\"fox\":[3]", vocabulary("an array")),
                (
                    "\"fox\":3", "\"fox\":2",
                    ": 'model.vocab' must be without an id that two tokens share, but is one with "
                        + "the id 2 for '[SEP]' and 'fox'"
                ),
                (
                    "\"unk_token\":\"[UNK]\"", "\"unk_token\":\"<unk>\"",
                    ": the vocabulary lacks the unknown token '<unk>'"
                ),
                (
                    "\"unk_token\":\"[UNK]\"", "\"unk_token\":0",
                    ": 'model.unk_token' must be a string, but is a number"
                ),
                (
                    "_word\":100", "_word\":100001",
                    ": 'model.max_input_chars_per_word' must be at most 100000, but is 100001"
                ),
                (
                    "_word\":100", "_word\":-1",
                    ": 'model.max_input_chars_per_word' must be an integer from 0 to 2147483647, but "
                        + "is a number"
                ),
                (
                    "_word\":100", "_word\":1e2",
                    ": 'model.max_input_chars_per_word' must be an integer from 0 to 2147483647, but "
                        + "is a number"
                ),
                (
                    "_word\":100", "_word\":100,\"continuing_subword_prefix\":1",
                    ": 'model.continuing_subword_prefix' must be a string, but is a number"
                ),
                (
                    "\"BertNormalizer\"", "\"NFKC\"",
                    unsupported("normalizer", "NFKC", "BertNormalizer, null")
                ),
                (
                    "\"BertNormalizer\"", "null",
                    unsupported("normalizer", "null", "BertNormalizer, null")
                ),
                (
                    "\"lowercase\":true", "\"lowercase\":1",
                    ": 'normalizer.lowercase' must be true or false, but is a number"
                ),
                (
                    "\"lowercase\":true", "\"strip_accents\":\"no\"",
                    ": 'normalizer.strip_accents' must be true or false, but is a string"
                ),
                (
                    "\"lowercase\":true", "\"clean_text\":[]",
                    ": 'normalizer.clean_text' must be true or false, but is an array"
                ),
                (
                    "{\"type\":\"BertNormalizer\",\"lowercase\":true}", "\"BertNormalizer\"",
                    ": 'normalizer' must be an object, but is a string"
                ),
                (
                    "\"BertPreTokenizer\"", "\"Metaspace\"",
                    unsupported("pre_tokenizer", "Metaspace", "BertPreTokenizer")
                ),
                (
                    "{\"type\":\"BertPreTokenizer\"}", "null",
                    unsupported("pre_tokenizer", "null", "BertPreTokenizer")
                ),
                ("\"id\":1", "\"id\":null", ": 'added_tokens[0].id' must be an id, but is null"),
                ("\"id\":1,", "", ": 'added_tokens[0].id' must be an id, but is missing"),
                (
                    "\"id\":1", "\"id\":-1",
                    ": 'added_tokens[0].id' must be an integer from 0 to 2147483647, but is a number"
                ),
                (
                    "\"id\":1", "\"id\":2147483648",
                    ": 'added_tokens[0].id' must be an integer from 0 to 2147483647, but is a number"
                ),
                (
                    "\"content\":\"[CLS]\",", "",
                    ": 'added_tokens[0].content' must be a string, but is missing"
                ),
                (
                    "\"content\":\"[CLS]\"", "\"content\":1",
                    ": 'added_tokens[0].content' must be a string, but is a number"
                ),
                (
                    "\"special\":true", "\"lstrip\":0",
                    ": 'added_tokens[0].lstrip' must be true or false, but is a number"
                ),
                (
                    "[{\"id\":1,\"content\":\"[CLS]\",\"special\":true}]", "{}",
                    ": 'added_tokens' must be an array, but is an object"
                ),
                (
                    "[{\"id\":1,\"content\":\"[CLS]\",\"special\":true}]", "[[]]",
                    ": 'added_tokens[0]' must be an object, but is an array"
                ),
                (
                    "\"max_length\":128", "\"max_length\":-1",
                    ": 'truncation.max_length' must be an integer from 0 to 2147483647, but is a "
                        + "number"
                ),
                (
                    "{\"max_length\":128}", "128",
                    ": 'truncation' must be an object, but is a number"
                ),
            ]) + changes(of: wordPieceFile, postProcessors)

    private static let postProcessors: [(old: String, new: String, message: String)] = [
        ("\"BertProcessing\"", "\"Other\"", unsupported("post_processor", "Other", processors)),
        (
            "\"BertProcessing\"", "\"Sequence\"",
            ": 'post_processor.processors' must be an array, but is missing"
        ),
        (
            "\"BertProcessing\"",
            "\"Sequence\",\"processors\":[{\"type\":\"BertProcessing\"},{\"type\":\"Other\"}]",
            unsupported("post_processor", "Sequence of several", processors)
        ),
        (
            "[\"[SEP]\",2]", "[\"[SEP]\",4]",
            ": 'post_processor.sep' must be an array of a token and its id, which is below 4, but is "
                + "an array"
        ),
        (
            "[\"[SEP]\",2]", "[\"[SEP]\",-1]",
            ": 'post_processor.sep' must be an array of a token and its id, which is below 4, but is "
                + "an array"
        ),
        (
            "\"sep\":[\"[SEP]\",2],", "",
            ": 'post_processor.sep' must be an array of a token and its id, which is below 4, but is "
                + "missing"
        ),
        (
            "[\"[CLS]\",1]", "[]",
            ": 'post_processor.cls' must be an array of a token and its id, which is below 4, but is "
                + "an array"
        ),
        ("[\"[CLS]\",1]", "1", ": 'post_processor.cls' must be an array, but is a number"),
        template(
            "", "'post_processor.single' must be an array with each of [\"A\"] once, but is with []"
        ),
        template(
            "\"single\":[{\"Sequence\":{\"id\":\"A\"}}],\"pair\":[{\"Sequence\":{\"id\":\"A\"}}]",
            "'post_processor.pair' must be an array with each of [\"A\", \"B\"] once, but is with "
                + "[\"A\"]"),
        template(
            "\"single\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":-1}}]",
            "'post_processor.single[0].Sequence.type_id' must be an integer from 0 to 2147483647, but "
                + "is a number"),
        template(
            "\"single\":[{\"SpecialToken\":{\"id\":\"[X]\"}}]",
            "'post_processor.single[0].SpecialToken.id' must be one of the special_tokens, but is "
                + "'[X]'"),
        template(
            "\"single\":[{\"Other\":{}}]",
            "'post_processor.single' must be an array of Sequence and SpecialToken objects, but is an "
                + "array"),
        template("\"single\":3", "'post_processor.single' must be an array, but is a number"),
        template(
            "\"special_tokens\":{\"[CLS]\":{\"ids\":[4]}}",
            "'post_processor.special_tokens.[CLS].ids' must be an array of ids below 4, but is an "
                + "array"),
        template(
            "\"special_tokens\":{\"[CLS]\":1}",
            "'post_processor.special_tokens.[CLS]' must be an object, but is a number"),
    ]

    private static func template(
        _ fields: String, _ message: String
    ) -> (old: String, new: String, message: String) {
        (
            #""type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]"#,
            "\"type\":\"TemplateProcessing\"" + (fields.isEmpty ? "" : ",\(fields)"), ": " + message
        )
    }

    @Test(arguments: wordPiece)
    func refusesWordPiece(_ refusal: Refusal) throws {
        try check(refusal) { _ = try WordPieceTokenizer(contentsOf: $0) }
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
