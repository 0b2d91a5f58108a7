import Checkpoint

// The parts of a tokenizer.json that do not depend on the kind of the model.

extension PieceList {
    /// A model's `vocab`: an object from token to id.
    init(_ model: TokenizerFields) throws(TokenizerError) {
        guard let object = try model.fields("vocab")?.object else {
            throw model.invalid("vocab", expected: "an object from token to id")
        }
        try self.init(object, of: model, field: "vocab")
    }

    /// An object from token to id.
    init(
        _ object: JSON.Object, of fields: TokenizerFields, field: String
    ) throws(TokenizerError) {
        guard !object.isEmpty else { throw .emptyVocabulary(path: fields.path) }
        var entries: [(id: Int32, token: String)] = []
        entries.reserveCapacity(object.count)
        var isSorted = true
        for (token, value) in object {
            guard let number = value.int, let id = Int32(exactly: number), id >= 0 else {
                throw fields.invalid(
                    field, expected: "an object from token to id",
                    found:
                        "one where '\(token)' has \(value.int.map(String.init) ?? value.kindName)"
                )
            }
            if let last = entries.last, last.id >= id { isSorted = false }
            entries.append((id, token))
        }
        if !isSorted { entries.sort { $0.id < $1.id } }
        self.init()
        reserveCapacity(entries.count, byteCount: entries.count * 8)
        for (id, token) in entries {
            if let last = ids.last, last == id {
                throw fields.invalid(
                    field, expected: "without an id that two tokens share",
                    found: "one with the id \(id) for '\(self.token(at: count - 1))' and '\(token)'"
                )
            }
            append(token.utf8, id: id)
        }
    }
}

extension AddedTokens.Token {
    /// The file's `added_tokens`.
    ///
    /// - Parameters:
    ///   - file: The whole file.
    ///   - id: The id of a token of the model's vocabulary. It counts, whatever the file says, as
    ///     in the `tokenizers` package.
    /// - Returns: The tokens, those without content left out.
    /// - Throws: ``TokenizerError/invalidField(path:field:expected:found:)``.
    static func list(
        _ file: TokenizerFields, id: (String) -> Int?
    ) throws(TokenizerError) -> [AddedTokens.Token] {
        var tokens: [AddedTokens.Token] = []
        for fields in try file.list("added_tokens") {
            let ownID = try fields.id("id")
            let token = try AddedTokens.Token(fields, id: ownID)
            guard !token.content.isEmpty else { continue }
            tokens.append(token)
            if let known = id(token.content) { tokens[tokens.count - 1].id = Int32(known) }
        }
        return tokens
    }

    /// One more than the largest id of a vocabulary of this size and of added tokens.
    static func vocabularySize(_ size: Int, with tokens: [AddedTokens.Token]) -> Int {
        tokens.reduce(size) { max($0, Int($1.id) + 1) }
    }

    /// One token, as an object of a JSON file.
    init(_ fields: TokenizerFields, id: Int32) throws(TokenizerError) {
        guard let content = try fields.string("content") else {
            throw fields.invalid("content", expected: "a string")
        }
        let isSpecial = try fields.bool("special") ?? false
        self.init(
            content: content, id: id,
            isSingleWord: try fields.bool("single_word") ?? false,
            stripsLeft: try fields.bool("lstrip") ?? false,
            stripsRight: try fields.bool("rstrip") ?? false,
            isNormalized: try fields.bool("normalized") ?? !isSpecial)
    }
}

extension SequenceTemplate {
    private static let supportedKinds = [
        "TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel", "null",
    ]

    /// The file's `post_processor`.
    ///
    /// - Parameters:
    ///   - file: The whole file.
    ///   - vocabularySize: What the ids of special tokens must lie below.
    /// - Throws: ``TokenizerError``.
    init(_ file: TokenizerFields, vocabularySize: Int) throws(TokenizerError) {
        guard let fields = try Self.processor(file) else {
            self = .bare
            return
        }
        let kind = try fields.string("type") ?? "null"
        switch kind {
        case "TemplateProcessing":
            let special = try Self.specialTokens(fields, vocabularySize: vocabularySize)
            self.init(
                single: try Self.elements(fields, "single", special, sequences: ["A"]),
                pair: try Self.elements(fields, "pair", special, sequences: ["A", "B"]))
        case "BertProcessing":
            self = .bert(
                classification: try Self.id(fields, "cls", below: vocabularySize),
                separator: try Self.id(fields, "sep", below: vocabularySize))
        case "RobertaProcessing":
            self = .roberta(
                classification: try Self.id(fields, "cls", below: vocabularySize),
                separator: try Self.id(fields, "sep", below: vocabularySize))
        default:
            throw file.unsupported("post_processor", found: kind, supported: Self.supportedKinds)
        }
    }

    /// The one processor that adds tokens, or nil if there is none. `ByteLevel` only changes
    /// offsets, which are not kept here.
    private static func processor(
        _ file: TokenizerFields
    ) throws(TokenizerError) -> TokenizerFields? {
        guard let fields = try file.fields("post_processor") else { return nil }
        var processors = [fields]
        if try fields.string("type") == "Sequence" {
            guard try fields.array("processors") != nil else {
                throw fields.invalid("processors", expected: "an array")
            }
            processors = try fields.list("processors")
        }
        processors = processors.filter { $0.object["type"]?.string != "ByteLevel" }
        guard processors.count <= 1 else {
            throw file.unsupported(
                "post_processor", found: "Sequence of several", supported: supportedKinds)
        }
        return processors.first
    }

    /// A special token of BERT's or RoBERTa's processing: an array of token and id.
    private static func id(
        _ fields: TokenizerFields, _ field: String, below limit: Int
    ) throws(TokenizerError) -> Int32 {
        guard let id = try fields.array(field)?.last?.int, (0..<limit).contains(id) else {
            throw fields.invalid(
                field, expected: "an array of a token and its id, which is below \(limit)")
        }
        return Int32(clamping: id)
    }

    private static func specialTokens(
        _ fields: TokenizerFields, vocabularySize: Int
    ) throws(TokenizerError) -> JSON.Object {
        guard let tokens = try fields.fields("special_tokens") else { return JSON.Object() }
        for key in tokens.object.keys {
            guard let token = try tokens.fields(key) else {
                throw tokens.invalid(key, expected: "an object")
            }
            let ids = try token.array("ids") ?? []
            guard ids.allSatisfy({ ($0.int).map((0..<vocabularySize).contains) ?? false }) else {
                throw token.invalid("ids", expected: "an array of ids below \(vocabularySize)")
            }
        }
        return tokens.object
    }

    private static func elements(
        _ fields: TokenizerFields, _ field: String, _ special: JSON.Object, sequences: [String]
    ) throws(TokenizerError) -> [Element] {
        var elements: [Element] = []
        var found: [String] = []
        for piece in try fields.list(field) {
            if let sequence = try piece.fields("Sequence") {
                let name = try sequence.string("id") ?? ""
                let typeID = Int32(try sequence.count("type_id") ?? 0)
                found.append(name)
                elements.append(name == "B" ? .second(typeID: typeID) : .first(typeID: typeID))
            } else if let token = try piece.fields("SpecialToken") {
                let name = try token.string("id") ?? ""
                guard let ids = special[name]?["ids"]?.array else {
                    throw token.invalid(
                        "id", expected: "one of the special_tokens", found: "'\(name)'")
                }
                elements.append(
                    .special(
                        ids: ids.compactMap { $0.int.map { Int32(clamping: $0) } },
                        typeID: Int32(try token.count("type_id") ?? 0)))
            } else {
                throw fields.invalid(
                    field, expected: "an array of Sequence and SpecialToken objects")
            }
        }
        guard found.sorted() == sequences else {
            throw fields.invalid(
                field, expected: "an array with each of \(sequences) once", found: "with \(found)")
        }
        return elements
    }
}
