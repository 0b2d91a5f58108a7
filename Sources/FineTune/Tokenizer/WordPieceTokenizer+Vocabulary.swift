import Tensor

extension WordPieceTokenizer {
    /// Reads a `vocab.txt`, BERT's own format: one token a line, its id the number of the line
    /// from 0.
    ///
    /// - Parameters:
    ///   - path: The vocabulary, in UTF-8. Lines end with a line feed, or a carriage return and
    ///     a line feed.
    ///   - configurationPath: A `tokenizer_config.json` with `do_lower_case`, `strip_accents`,
    ///     `tokenize_chinese_chars`, the names of the special tokens, and `added_tokens_decoder`.
    ///     Without it, everything is as in an uncased BERT.
    /// - Throws: ``TokenizerError``; the tokens `[UNK]`, `[CLS]` and `[SEP]`, or what the
    ///   configuration names instead, must be in the vocabulary.
    public init(
        vocabulary path: String, configuration configurationPath: String? = nil
    ) throws(TokenizerError) {
        var configuration = BertConfiguration()
        if let configurationPath {
            configuration = try BertConfiguration(TokenizerFields(contentsOf: configurationPath))
        }
        let list = try PieceList(lines: path)
        func id(_ token: String, role: String) throws(TokenizerError) -> Int32 {
            guard let id = list.id(of: token) else {
                throw .missingToken(path: path, token: token, role: role)
            }
            return id
        }
        let unknownID = try id(configuration.unknown, role: "unknown")
        let template = SequenceTemplate.bert(
            classification: try id(configuration.classification, role: "classification"),
            separator: try id(configuration.separator, role: "separator"))
        let vocabulary: WordPieceVocabulary
        do throws(PieceTable.Duplicate) {
            vocabulary = try WordPieceVocabulary(
                list, unknownID: unknownID, continuingPrefix: "##", maximumWordLength: 100)
        } catch {
            throw .malformedLine(
                path: path, line: error.second + 1,
                .duplicate(token: list.token(at: error.second), firstLine: error.first + 1))
        }
        self.init(
            WordPieceModel(configuration.normalization, vocabulary), template: template,
            addedTokens: configuration.addedTokens { vocabulary.id($0) },
            suggestedMaximumLength: configuration.maximumLength)
    }
}

extension PieceList {
    /// The lines of a file, each a token.
    fileprivate init(lines path: String) throws(TokenizerError) {
        let file: MappedFile
        do throws(FileError) {
            file = try MappedFile(path: path)
        } catch {
            throw .unreadable(error)
        }
        defer { withExtendedLifetime(file) {} }
        let bytes = file.bytes.bindMemory(to: UInt8.self)
        guard !bytes.isEmpty else { throw .emptyVocabulary(path: path) }
        guard bytes.count <= Int(Int32.max) else {
            throw .unreadable(
                FileError(operation: "read", path: path, reason: "it has 2 GiB or more"))
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw .malformedLine(path: path, line: 1, .byteOrderMark)
        }
        self.init()
        reserveCapacity(bytes.count / 8, byteCount: bytes.count)
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            var line = bytes[start..<end]
            if line.last == 0x0D { line = line.dropLast() }
            guard !line.isEmpty else {
                throw .malformedLine(path: path, line: count + 1, .empty)
            }
            append(line, id: Int32(count))
            start = end + 1
        }
        if String(validating: bytes, as: UTF8.self) == nil {
            try throwFirstInvalidLine(path: path)
        }
    }

    private func throwFirstInvalidLine(path: String) throws(TokenizerError) {
        for position in 0..<count
        where String(validating: bytes[range(at: position)], as: UTF8.self) == nil {
            throw .malformedLine(path: path, line: position + 1, .notUTF8)
        }
    }
}

/// What a `tokenizer_config.json` says about a BERT tokenizer.
private struct BertConfiguration {
    var normalization = BertNormalization()
    var unknown = "[UNK]"
    var classification = "[CLS]"
    var separator = "[SEP]"
    var maximumLength: Int?
    /// Further tokens to look for in the text.
    private var others = ["[PAD]", "[MASK]"]
    private var added: [AddedTokens.Token] = []

    /// Those whose tokenizers are BERT's. Others share the vocabulary's format, but divide text
    /// differently.
    private static let supportedClasses = [
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
        "PreTrainedTokenizer",
    ]

    init() {}

    init(_ file: TokenizerFields) throws(TokenizerError) {
        if let kind = try file.string("tokenizer_class"),
            !Self.supportedClasses.contains(where: { kind == $0 || kind == $0 + "Fast" })
        {
            throw file.unsupported(
                "tokenizer_class", found: kind, supported: Self.supportedClasses)
        }
        if try file.bool("do_basic_tokenize") == false {
            throw file.unsupported("do_basic_tokenize", found: "false", supported: ["true"])
        }
        normalization = BertNormalization(
            separatesIdeographs: try file.bool("tokenize_chinese_chars") ?? true,
            stripsAccents: try file.bool("strip_accents"),
            lowercases: try file.bool("do_lower_case") ?? true)
        unknown = try Self.token(file, "unk_token") ?? unknown
        classification = try Self.token(file, "cls_token") ?? classification
        separator = try Self.token(file, "sep_token") ?? separator
        others = [
            try Self.token(file, "pad_token") ?? others[0],
            try Self.token(file, "mask_token") ?? others[1],
        ]
        // Written as a huge number where there is no limit.
        maximumLength = file.object["model_max_length"]?.int.flatMap { $0 < 1 << 31 ? $0 : nil }
        guard let decoder = try file.fields("added_tokens_decoder") else { return }
        for key in decoder.object.keys {
            guard let id = Int32(key), id >= 0, let fields = try decoder.fields(key) else {
                throw file.invalid(
                    "added_tokens_decoder", expected: "an object from id to token",
                    found: "one with '\(key)'")
            }
            added.append(try AddedTokens.Token(fields, id: id))
        }
    }

    /// A special token: a string, or an object with its content.
    private static func token(
        _ file: TokenizerFields, _ field: String
    ) throws(TokenizerError) -> String? {
        guard file.object[field]?.object != nil else { return try file.string(field) }
        return try file.fields(field)?.string("content")
    }

    /// The tokens to look for in the text: the special ones that the vocabulary has, and those
    /// that were added to it.
    func addedTokens(id: (String) -> Int?) -> [AddedTokens.Token] {
        var tokens = added.map { token in
            var token = token
            if let known = id(token.content) { token.id = Int32(known) }
            return token
        }
        for content in [unknown, classification, separator] + others
        where !tokens.contains(where: { $0.content.utf8.elementsEqual(content.utf8) }) {
            guard let known = id(content) else { continue }
            tokens.append(AddedTokens.Token(content: content, id: Int32(known)))
        }
        return tokens.filter { !$0.content.isEmpty }
    }
}
