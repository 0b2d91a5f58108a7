extension WordPieceTokenizer {
    /// Reads a `tokenizer.json`, the format of the `tokenizers` package.
    ///
    /// The file must describe a `WordPiece` model with BERT's pre-tokenizer, BERT's normalizer or
    /// none, and a template, BERT's, RoBERTa's or no post-processing. The padding that it stores
    /// is ignored, because batches here are packed. The length that it stores is kept as
    /// ``suggestedMaximumLength``.
    ///
    /// - Throws: ``TokenizerError``.
    public init(contentsOf path: String) throws(TokenizerError) {
        try self.init(file: TokenizerFields(contentsOf: path))
    }

    init(file: TokenizerFields) throws(TokenizerError) {
        let vocabulary = try Self.vocabulary(file)
        let addedTokens = try AddedTokens.Token.list(file) { vocabulary.id($0) }
        let size = AddedTokens.Token.vocabularySize(vocabulary.size, with: addedTokens)
        self.init(
            WordPieceModel(try Self.normalization(file), vocabulary),
            template: try SequenceTemplate(file, vocabularySize: size),
            addedTokens: addedTokens,
            suggestedMaximumLength: try file.fields("truncation")?.count("max_length"))
    }

    private static func normalization(
        _ file: TokenizerFields
    ) throws(TokenizerError) -> BertNormalization {
        let supportedWords = ["BertPreTokenizer"]
        let words = try file.fields("pre_tokenizer")?.string("type")
        guard words == supportedWords[0] else {
            throw file.unsupported(
                "pre_tokenizer", found: words ?? "null", supported: supportedWords)
        }
        guard let fields = try file.fields("normalizer") else { return .none }
        let kind = try fields.string("type") ?? "null"
        guard kind == "BertNormalizer" else {
            throw file.unsupported(
                "normalizer", found: kind, supported: ["BertNormalizer", "null"])
        }
        return BertNormalization(
            cleansText: try fields.bool("clean_text") ?? true,
            separatesIdeographs: try fields.bool("handle_chinese_chars") ?? true,
            stripsAccents: try fields.bool("strip_accents"),
            lowercases: try fields.bool("lowercase") ?? true)
    }

    private static func vocabulary(
        _ file: TokenizerFields
    ) throws(TokenizerError) -> WordPieceVocabulary {
        guard let model = try file.fields("model") else {
            throw file.invalid("model", expected: "an object")
        }
        // Early versions of the package left out the kind of the model.
        let kind =
            try model.string("type")
            ?? (model.object["max_input_chars_per_word"] == nil ? "null" : "WordPiece")
        guard kind == "WordPiece" else {
            throw file.unsupported("model", found: kind, supported: ["WordPiece"])
        }
        let list = try PieceList(model)
        let unknown = try model.string("unk_token") ?? "[UNK]"
        let maximumWordLength = try model.count("max_input_chars_per_word") ?? 100
        guard maximumWordLength <= WordPieceVocabulary.longestMaximumWordLength else {
            throw model.invalid(
                "max_input_chars_per_word",
                expected: "at most \(WordPieceVocabulary.longestMaximumWordLength)",
                found: "\(maximumWordLength)")
        }
        let prefix = try model.string("continuing_subword_prefix") ?? "##"
        guard let unknownID = list.id(of: unknown) else {
            throw .missingToken(path: file.path, token: unknown, role: "unknown")
        }
        do throws(PieceTable.Duplicate) {
            return try WordPieceVocabulary(
                list, unknownID: unknownID, continuingPrefix: prefix,
                maximumWordLength: maximumWordLength)
        } catch {
            throw model.invalid(
                "vocab", expected: "without duplicates",
                found: "one with '\(list.token(at: error.second))' twice")
        }
    }
}
