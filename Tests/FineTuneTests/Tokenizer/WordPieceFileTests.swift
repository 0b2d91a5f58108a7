import Checkpoint
import FineTune
import Foundation
import Testing

/// Files that describe no tokenizer: each is refused with an error that says what and where.
@Suite struct WordPieceFileTests {
    // MARK: vocab.txt

    private static let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfox\n##es\nÄ\na\n"

    private func vocabularyError(_ content: some Sequence<UInt8>) throws -> TokenizerError? {
        try TokenizerFixtures.withFile(content) { path in
            #expect(throws: TokenizerError.self) { try WordPieceTokenizer(vocabulary: path) }
        }
    }

    @Test("lines may end with LF or CRLF, and the last one with nothing")
    func lineEnds() throws {
        let contents = [
            Self.vocabulary, String(Self.vocabulary.dropLast()),
            String(Self.vocabulary.map { $0 == "\n" ? "\r\n" : $0 }),
        ]
        for content in contents {
            try TokenizerFixtures.withFile(content.utf8) { path in
                let tokenizer = try WordPieceTokenizer(vocabulary: path)
                #expect(tokenizer.vocabularySize == 9)
                #expect(
                    tokenizer.encode("Foxes [MASK] á\r\n", maximumLength: 9).ids
                        == [2, 5, 6, 4, 8, 3])
                #expect(tokenizer.token(7) == "Ä")
                #expect(tokenizer.id("##es") == 6)
                #expect(tokenizer.token(9) == nil && tokenizer.token(-1) == nil)
                #expect(tokenizer.id("none") == nil && tokenizer.id("") == nil)
            }
        }
    }

    @Test("a bad line is named by its number")
    func badLines() throws {
        func problem(
            _ content: [UInt8]
        ) throws -> (line: Int, problem: TokenizerError.LineProblem)? {
            guard case .malformedLine(_, let line, let problem) = try vocabularyError(content)
            else {
                return nil
            }
            return (line, problem)
        }
        let start = Array("[UNK]\r\n[CLS]\r\n[SEP]\r\n".utf8)
        let duplicate = try #require(try problem(start + Array("a\nb\na\n".utf8)))
        #expect(duplicate.line == 6)
        #expect(duplicate.problem == .duplicate(token: "a", firstLine: 4))
        let empty = try #require(try problem(start + Array("a\n\nb\n".utf8)))
        #expect(empty.line == 5 && empty.problem == .empty)
        let bytes = try #require(try problem(start + [0x61, 0x0A, 0xC3, 0x28, 0x0A]))
        #expect(bytes.line == 5 && bytes.problem == .notUTF8)
        // Each line by itself: a scalar must not be put together from two.
        let split = try #require(try problem(start + [0xC3, 0x0A, 0xA9, 0x0A]))
        #expect(split.line == 4 && split.problem == .notUTF8)
        let mark = try #require(try problem([0xEF, 0xBB, 0xBF] + start))
        #expect(mark.line == 1 && mark.problem == .byteOrderMark)
    }

    @Test("tokens that are canonically equal, but not the same bytes, are two tokens")
    func canonicalEquality() throws {
        let content = "[UNK]\n[CLS]\n[SEP]\n\u{E9}\ne\u{301}\n"
        try TokenizerFixtures.withFile(content.utf8) { path in
            let tokenizer = try WordPieceTokenizer(vocabulary: path)
            #expect(tokenizer.id("\u{E9}") == 3)
            #expect(tokenizer.id("e\u{301}") == 4)
        }
    }

    @Test("an empty vocabulary, a missing file and a missing special token are refused")
    func missing() throws {
        guard case .emptyVocabulary? = try vocabularyError([]) else {
            Issue.record("accepted")
            return
        }
        let error = try vocabularyError("[UNK]\n[SEP]\nfox\n".utf8)
        guard case .missingToken(_, "[CLS]", "classification")? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.description.hasSuffix("lacks the classification token '[CLS]'") == true)
        #expect(throws: TokenizerError.self) { try WordPieceTokenizer(vocabulary: "/none/v.txt") }
        #expect(throws: TokenizerError.self) { try WordPieceTokenizer(vocabulary: "/") }
    }

    @Test("the configuration beside vocab.txt counts")
    func configuration() throws {
        func ids(_ configuration: String, _ text: String) throws -> [Int32] {
            try TokenizerFixtures.withFile(Self.vocabulary.utf8) { vocabulary in
                try TokenizerFixtures.withFile(configuration.utf8) { configuration in
                    try WordPieceTokenizer(vocabulary: vocabulary, configuration: configuration)
                        .encode(text, maximumLength: 20).ids
                }
            }
        }
        #expect(try ids("{}", "Ä a FOX") == [2, 8, 8, 5, 3])
        #expect(try ids(#"{"do_lower_case": false}"#, "Ä a FOX") == [2, 7, 8, 1, 3])
        #expect(try ids(#"{"strip_accents": false}"#, "Ä a") == [2, 1, 8, 3])
        let added = """
            {"added_tokens_decoder": {"30": {"content": "<e>", "special": true},
             "5": {"content": "fox", "normalized": false}},
             "cls_token": {"content": "[PAD]"}, "model_max_length": 1e30}
            """
        #expect(try ids(added, "a<e>afox") == [0, 8, 30, 8, 5, 3])
        for wrong in [
            #"{"do_lower_case": 1}"#, #"{"tokenizer_class": "BertJapaneseTokenizer"}"#, "[]", "{",
            #"{"do_basic_tokenize": false}"#, #"{"unk_token": "none"}"#,
            #"{"added_tokens_decoder": {"-1": {"content": "x"}}}"#,
            #"{"added_tokens_decoder": {"9": {"content": 3}}}"#,
        ] {
            #expect(throws: TokenizerError.self, "\(wrong)") { try ids(wrong, "a") }
        }
    }

    // MARK: tokenizer.json

    private static let whole = """
        {"added_tokens": [{"id": 1, "content": "[CLS]", "special": true}],
         "normalizer": {"type": "BertNormalizer", "lowercase": true},
         "pre_tokenizer": {"type": "BertPreTokenizer"},
         "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
         "truncation": {"max_length": 128},
         "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
           "max_input_chars_per_word": 100,
           "vocab": {"fox": 3, "[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "##es": 9}}}
        """

    @Test("ids may have gaps and any order; the stored length is only suggested")
    func whole() throws {
        try TokenizerFixtures.withFile(Self.whole.utf8) { path in
            let tokenizer = try WordPieceTokenizer(contentsOf: path)
            #expect(tokenizer.vocabularySize == 10)
            #expect(tokenizer.suggestedMaximumLength == 128)
            #expect(tokenizer.specialTokenCount == 2)
            #expect(tokenizer.encode("Foxes", maximumLength: .max).ids == [1, 3, 9, 2])
            #expect(tokenizer.token(9) == "##es" && tokenizer.token(5) == nil)
            let long = String(repeating: "fox ", count: 300)
            #expect(tokenizer.encode(long, maximumLength: .max).ids.count == 302)
        }
    }

    @Test("the template may use tokens that were added to the vocabulary")
    func addedSpecialToken() throws {
        var content = Self.whole.replacing(
            #""special": true}"#,
            with: #""special": true}, {"id": 12, "content": "<begin>", "special": true}"#)
        content = content.replacing(#"["[CLS]", 1]"#, with: #"["<begin>", 12]"#)
        try TokenizerFixtures.withFile(content.utf8) { path in
            let tokenizer = try WordPieceTokenizer(contentsOf: path)
            #expect(tokenizer.vocabularySize == 13)
            #expect(tokenizer.encode("fox<begin>", maximumLength: 9).ids == [12, 3, 12, 2])
        }
    }

    @Test(
        "a part that is missing, wrong or of another kind is named",
        arguments: [
            ("\"WordPiece\"", "\"BPE\"", "model is of the kind BPE"),
            ("\"WordPiece\"", "\"Unigram\"", "supported: WordPiece"),
            ("BertNormalizer", "NFKC", "normalizer is of the kind NFKC"),
            ("BertPreTokenizer", "Metaspace", "pre_tokenizer is of the kind Metaspace"),
            ("BertProcessing", "Other", "post_processor is of the kind Other"),
            ("BertProcessing", "Sequence", "'post_processor.processors' must be an array"),
            ("[\"[SEP]\", 2]", "[\"[SEP]\", 10]", "'post_processor.sep' must be"),
            ("\"fox\": 3", "\"fox\": -3", "where 'fox' has -3"),
            ("\"fox\": 3", "\"fox\": 3.0", "where 'fox' has a number"),
            ("\"fox\": 3", "\"fox\": 4294967296", "where 'fox' has 4294967296"),
            ("\"fox\": 3", "\"fox\": 2", "the id 2 for"),
            ("\"fox\": 3", "\"[UNK]\": 3", "the key '[UNK]' appears twice"),
            ("\"unk_token\": \"[UNK]\"", "\"unk_token\": \"<unk>\"", "unknown token '<unk>'"),
            ("\"lowercase\": true", "\"lowercase\": \"yes\"", "'normalizer.lowercase' must be"),
            ("_word\": 100", "_word\": 1000000000", "at most 100000, but is 1000000000"),
            ("_word\": 100", "_word\": -1", "'model.max_input_chars_per_word' must be"),
            ("\"id\": 1", "\"id\": null", "'added_tokens[0].id' must be"),
            ("{\"id\": 1, \"content\": \"[CLS]\", \"special\": true}", "7", "must be an object"),
            ("\"vocab\"", "\"words\"", "'model.vocab' must be an object"),
            ("\"model\"", "\"other\"", "'model' must be an object, but is missing"),
        ])
    func wrongPart(old: String, new: String, message: String) throws {
        let content = Self.whole.replacing(old, with: new)
        #expect(content != Self.whole)
        try TokenizerFixtures.withFile(content.utf8) { path in
            let error = #expect(throws: TokenizerError.self) {
                try WordPieceTokenizer(contentsOf: path)
            }
            let description = error?.description ?? ""
            #expect(description.contains(message) && description.contains(path), "\(description)")
        }
    }

    @Test(
        "a template must be whole",
        arguments: [
            #""single": [], "pair": []"#,
            #""single": [{"Sequence": {"id": "A"}}], "pair": [{"Sequence": {"id": "A"}}]"#,
            #""single": [{"SpecialToken": {"id": "[X]"}}]"#, #""single": [{"Other": {}}]"#,
            #""single": 3"#, #""special_tokens": {"[CLS]": {"ids": [99]}}"#,
            #""special_tokens": {"[CLS]": 1}"#,
        ])
    func template(fields: String) throws {
        let content = Self.whole.replacing(
            #""type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]"#,
            with: #""type": "TemplateProcessing", \#(fields)"#)
        try TokenizerFixtures.withFile(content.utf8) { path in
            #expect(throws: TokenizerError.self) { try WordPieceTokenizer(contentsOf: path) }
        }
    }

    @Test("no cut or changed byte of a file makes the reader trap")
    func damage() throws {
        let bytes = Array(Self.whole.utf8)
        for count in stride(from: 0, to: bytes.count, by: 7) {
            try TokenizerFixtures.withFile(bytes.prefix(count)) { path in
                #expect(throws: TokenizerError.self) { try WordPieceTokenizer(contentsOf: path) }
            }
        }
        for position in stride(from: 0, to: bytes.count, by: 3) {
            var changed = bytes
            changed[position] = changed[position] == 0x39 ? 0x30 : 0x39
            try TokenizerFixtures.withFile(changed) { path in
                _ = try? WordPieceTokenizer(contentsOf: path).encode("foxes", maximumLength: 8)
            }
        }
    }
}
