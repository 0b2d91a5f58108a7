import Checkpoint
import Tensor

// MARK: tokenizer.json

extension BytePairTokenizer {
    /// Reads a `tokenizer.json`, the format of the `tokenizers` package.
    ///
    /// The file must describe a `BPE` model over bytes, with the `ByteLevel` pre-tokenizer and no
    /// normalizer. The padding that it stores is ignored, because batches here are packed. The
    /// length that it stores is kept as ``suggestedMaximumLength``.
    ///
    /// - Throws: ``TokenizerError``.
    public init(contentsOf path: String) throws(TokenizerError) {
        try self.init(file: TokenizerFields(contentsOf: path))
    }

    init(file: TokenizerFields) throws(TokenizerError) {
        guard let model = try file.fields("model") else {
            throw file.invalid("model", expected: "an object")
        }
        let kind = try model.string("type") ?? (model.object["merges"] == nil ? "null" : "BPE")
        guard kind == "BPE" else {
            throw file.unsupported("model", found: kind, supported: ["BPE"])
        }
        if let normalizer = try file.fields("normalizer") {
            throw file.unsupported(
                "normalizer", found: try normalizer.string("type") ?? "null", supported: ["null"])
        }
        let list = try PieceList(model)
        let options = try Self.options(file, model, list)
        let bytePairs = try Self.model(
            list, options: options, path: file.path, pairs: Self.pairs(model))
        let addedTokens = try AddedTokens.Token.list(file) { bytePairs.id($0) }
        let size = AddedTokens.Token.vocabularySize(bytePairs.size, with: addedTokens)
        self.init(
            bytePairs, template: try SequenceTemplate(file, vocabularySize: size),
            addedTokens: addedTokens,
            suggestedMaximumLength: try file.fields("truncation")?.count("max_length"))
    }

    private static func options(
        _ file: TokenizerFields, _ model: TokenizerFields, _ list: PieceList
    ) throws(TokenizerError) -> BytePairModel.Options {
        let words = try file.fields("pre_tokenizer")
        let kind = try words?.string("type") ?? "null"
        guard let words, kind == "ByteLevel" else {
            throw file.unsupported("pre_tokenizer", found: kind, supported: ["ByteLevel"])
        }
        for field in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = try model.string(field), !affix.isEmpty {
                throw model.unsupported(field, found: "'\(affix)'", supported: ["null"])
            }
        }
        for field in ["byte_fallback", "fuse_unk"] where try model.bool(field) == true {
            throw model.unsupported(field, found: "true", supported: ["false"])
        }
        if let dropout = model.object["dropout"]?.double, dropout != 0 {
            throw model.unsupported("dropout", found: "\(dropout)", supported: ["null"])
        }
        var options = BytePairModel.Options(
            addsLeadingSpace: try words.bool("add_prefix_space") ?? true,
            dividesIntoWords: try words.bool("use_regex") ?? true,
            prefersWholeWords: try model.bool("ignore_merges") ?? false)
        if let unknown = try model.string("unk_token") {
            guard let id = list.id(of: unknown) else {
                throw .missingToken(path: file.path, token: unknown, role: "unknown")
            }
            options.unknownID = id
        }
        return options
    }

    /// The model's `merges`: strings of two tokens with a space between, or arrays of two.
    private static func pairs(
        _ model: TokenizerFields
    ) throws(TokenizerError) -> [(left: [UInt8], right: [UInt8])] {
        var pairs: [(left: [UInt8], right: [UInt8])] = []
        guard let merges = try model.array("merges") else {
            throw model.invalid("merges", expected: "an array")
        }
        pairs.reserveCapacity(merges.count)
        for (index, merge) in merges.enumerated() {
            if let text = merge.string, let pair = pair(Array(text.utf8)[...]) {
                pairs.append(pair)
            } else if let left = merge[0]?.string, let right = merge[1]?.string, merge[2] == nil {
                pairs.append((Array(left.utf8), Array(right.utf8)))
            } else {
                throw model.invalid(
                    "merges[\(index)]", expected: "two tokens", found: "something else")
            }
        }
        return pairs
    }

    /// Two tokens with one space between.
    private static func pair(_ line: ArraySlice<UInt8>) -> (left: [UInt8], right: [UInt8])? {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        return parts.count == 2 ? (Array(parts[0]), Array(parts[1])) : nil
    }

    /// The model, with its merges in the order of their ranks.
    private static func model(
        _ list: PieceList, options: BytePairModel.Options, path: String,
        pairs: [(left: [UInt8], right: [UInt8])]
    ) throws(TokenizerError) -> BytePairModel {
        let table: PieceTable
        do throws(PieceTable.Duplicate) {
            table = try PieceTable(list)
        } catch {
            throw .invalidField(
                path: path, field: "vocab", expected: "without duplicates",
                found: "one with '\(list.token(at: error.second))' twice")
        }
        var merges = BytePairMerges(capacity: pairs.count)
        for (rank, pair) in pairs.enumerated() {
            guard let left = table.id(of: pair.left), let right = table.id(of: pair.right),
                let id = table.id(of: pair.left + pair.right)
            else {
                let text = String(decoding: pair.left + [0x20] + pair.right, as: UTF8.self)
                throw .invalidField(
                    path: path, field: "merges[\(rank)]",
                    expected: "two tokens of the vocabulary that together are a third",
                    found: "'\(text)'")
            }
            merges.insert(left, right, BytePairMerges.Merge(rank: UInt32(rank), id: id))
        }
        return BytePairModel(list, table: table, merges: merges, options: options)
    }
}

// MARK: vocab.json and merges.txt

extension BytePairTokenizer {
    /// Reads a `vocab.json` and a `merges.txt`, GPT-2's own format.
    ///
    /// - Parameters:
    ///   - path: The vocabulary: an object from token to id.
    ///   - mergesPath: The merges: two tokens a line, in the order of their ranks. A first line
    ///     that begins with `#version` is passed over.
    ///   - configurationPath: A `tokenizer_config.json` with `tokenizer_class`,
    ///     `add_prefix_space`, the names of the special tokens, and `added_tokens_decoder`.
    ///     Without it, a vocabulary with `<s>` and `</s>` is RoBERTa's, any other GPT-2's.
    /// - Throws: ``TokenizerError``.
    public init(
        vocabulary path: String, merges mergesPath: String,
        configuration configurationPath: String? = nil
    ) throws(TokenizerError) {
        var file: TokenizerFields?
        if let configurationPath { file = try TokenizerFields(contentsOf: configurationPath) }
        let vocabulary = try TokenizerFields(contentsOf: path)
        let list = try PieceList(vocabulary.object, of: vocabulary, field: "(the file)")
        let kind = try Self.kind(file, list)
        let configuration = try TokenizerConfiguration(file, defaults: kind.specialTokens)
        let options = BytePairModel.Options(
            unknownID: configuration[.unknown].flatMap(list.id),
            addsLeadingSpace: try file?.bool("add_prefix_space") ?? false)
        let model = try Self.model(
            list, options: options, path: mergesPath, pairs: Self.pairs(lines: mergesPath))
        var template = SequenceTemplate.bare
        if kind == .roberta {
            template = .roberta(
                classification: try configuration.id(
                    .classification, name: "classification", path: path, model.id),
                separator: try configuration.id(
                    .separator, name: "separator", path: path, model.id))
        }
        self.init(
            model, template: template,
            addedTokens: configuration.addedTokens(stripsLeftOfMask: kind == .roberta) {
                model.id($0)
            }, suggestedMaximumLength: configuration.maximumLength)
    }

    /// The models that have these files.
    private enum Kind {
        case roberta, gpt2

        var specialTokens: [TokenizerConfiguration.Role: String] {
            switch self {
            case .roberta:
                [
                    .unknown: "<unk>", .classification: "<s>", .separator: "</s>",
                    .padding: "<pad>", .mask: "<mask>",
                ]
            case .gpt2: [.unknown: "<|endoftext|>"]
            }
        }
    }

    private static func kind(
        _ file: TokenizerFields?, _ list: PieceList
    ) throws(TokenizerError) -> Kind {
        switch try file?.string("tokenizer_class") {
        case "RobertaTokenizer", "RobertaTokenizerFast": return .roberta
        case "GPT2Tokenizer", "GPT2TokenizerFast": return .gpt2
        case nil: return list.id(of: "<s>") != nil && list.id(of: "</s>") != nil ? .roberta : .gpt2
        case let found?:
            throw .unsupported(
                path: file?.path ?? "", part: "tokenizer_class", found: found,
                supported: ["RobertaTokenizer", "GPT2Tokenizer"])
        }
    }

    private static func pairs(
        lines path: String
    ) throws(TokenizerError) -> [(left: [UInt8], right: [UInt8])] {
        let file: MappedFile
        do throws(FileError) {
            file = try MappedFile(path: path)
        } catch {
            throw .unreadable(error)
        }
        defer { withExtendedLifetime(file) {} }
        let bytes = file.bytes.bindMemory(to: UInt8.self)
        var pairs: [(left: [UInt8], right: [UInt8])] = []
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (index, line) in lines.enumerated() {
            let line = line.last == 0x0D ? line.dropLast() : line
            if line.starts(with: "#version".utf8) { continue }
            guard let pair = pair(Array(line)[...]) else {
                throw .malformedLine(path: path, line: index + 1, .noMerge)
            }
            pairs.append(pair)
        }
        return pairs
    }
}
