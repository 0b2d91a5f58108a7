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
        var file: TokenizerFields?
        if let configurationPath { file = try TokenizerFields(contentsOf: configurationPath) }
        let configuration = try TokenizerConfiguration(
            file,
            defaults: [
                .unknown: "[UNK]", .classification: "[CLS]", .separator: "[SEP]",
                .padding: "[PAD]", .mask: "[MASK]",
            ])
        let normalization = try file.map(Self.normalization) ?? BertNormalization()
        let list = try PieceList(lines: path)
        let id = { (token: String) in list.id(of: token).map(Int.init) }
        let unknownID = try configuration.id(.unknown, name: "unknown", path: path, id)
        let template = SequenceTemplate.bert(
            classification: try configuration.id(
                .classification, name: "classification", path: path, id),
            separator: try configuration.id(.separator, name: "separator", path: path, id))
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
            WordPieceModel(normalization, vocabulary), template: template,
            addedTokens: configuration.addedTokens { vocabulary.id($0) },
            suggestedMaximumLength: configuration.maximumLength)
    }

    /// Those whose tokenizers are BERT's. Others share the vocabulary's format, but divide text
    /// differently.
    private static let supportedClasses = [
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
        "PreTrainedTokenizer",
    ]

    private static func normalization(
        _ file: TokenizerFields
    ) throws(TokenizerError) -> BertNormalization {
        if let kind = try file.string("tokenizer_class"),
            !supportedClasses.contains(where: { kind == $0 || kind == $0 + "Fast" })
        {
            throw file.unsupported("tokenizer_class", found: kind, supported: supportedClasses)
        }
        if try file.bool("do_basic_tokenize") == false {
            throw file.unsupported("do_basic_tokenize", found: "false", supported: ["true"])
        }
        return BertNormalization(
            separatesIdeographs: try file.bool("tokenize_chinese_chars") ?? true,
            stripsAccents: try file.bool("strip_accents"),
            lowercases: try file.bool("do_lower_case") ?? true)
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
