import FineTune
import Testing

/// A `tokenizer.json` of the kind WordPiece.
extension TokenizerRefusalTests {
    static let wordPieceFile =
        #"""
        {"truncation":{"max_length":128},"added_tokens":[{"id":1,"content":"[CLS]",
        "special":true}],"normalizer":{"type":"BertNormalizer","lowercase":true},
        "pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"BertProcessing",
        "sep":["[SEP]",2],"cls":["[CLS]",1]},"model":{"type":"WordPiece","unk_token":"[UNK]",
        "max_input_chars_per_word":100,"vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"fox":3}}}
        """#.replacing("\n", with: "")

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
}
