/// What a `tokenizer_config.json` says about special and added tokens, whatever the model.
struct TokenizerConfiguration {
    /// The parts that special tokens play.
    enum Role: String, CaseIterable {
        case unknown = "unk_token"
        case classification = "cls_token"
        case separator = "sep_token"
        case padding = "pad_token"
        case mask = "mask_token"
        case beginning = "bos_token"
        case end = "eos_token"
    }

    /// The token of each role that has one, without its id.
    private var special: [Role: AddedTokens.Token] = [:]
    private var added: [AddedTokens.Token] = []
    /// The model's `tokenizer_class`.
    let kind: String?
    /// The `model_max_length`, if it is one.
    let maximumLength: Int?

    /// Reads what a configuration has, or takes the defaults for what it, or all of it, lacks.
    init(_ file: TokenizerFields?, defaults: [Role: String]) throws(TokenizerError) {
        kind = try file?.string("tokenizer_class")
        // Where there is no limit, a huge number is written.
        maximumLength = file?.object["model_max_length"]?.int.flatMap {
            (1..<1 << 31).contains($0) ? $0 : nil
        }
        for role in Role.allCases {
            let token = try file.flatMap { file throws(TokenizerError) in
                try Self.token(file, role.rawValue)
            }
            special[role] = token ?? defaults[role].map { AddedTokens.Token(content: $0, id: -1) }
        }
        guard let file, let decoder = try file.fields("added_tokens_decoder") else { return }
        for key in decoder.object.keys {
            guard let id = Int32(key), id >= 0, let fields = try decoder.fields(key) else {
                throw file.invalid(
                    "added_tokens_decoder", expected: "an object from id to token",
                    found: "one with '\(key)'")
            }
            added.append(try AddedTokens.Token(fields, id: id))
        }
    }

    /// A special token: a string, or an object with its content and flags.
    private static func token(
        _ file: TokenizerFields, _ field: String
    ) throws(TokenizerError) -> AddedTokens.Token? {
        if file.object[field]?.object != nil, let fields = try file.fields(field) {
            return try AddedTokens.Token(fields, id: -1)
        }
        return try file.string(field).map { AddedTokens.Token(content: $0, id: -1) }
    }

    /// The content of a role's token, or nil if the role has none.
    subscript(role: Role) -> String? { special[role]?.content }

    /// The id of a role's token.
    func id(
        _ role: Role, name: String, path: String, _ id: (String) -> Int?
    ) throws(TokenizerError) -> Int32 {
        let token = special[role]?.content ?? ""
        guard let id = id(token) else {
            throw .missingToken(path: path, token: token, role: name)
        }
        return Int32(clamping: id)
    }

    /// The tokens to look for in the text: the special ones that the vocabulary has, and those
    /// that were added to it.
    ///
    /// - Parameters:
    ///   - stripsLeftOfMask: Whether white space before the mask belongs to it, unless the file
    ///     says otherwise.
    ///   - id: The id of a token of the vocabulary.
    /// - Returns: The tokens with their ids.
    func addedTokens(
        stripsLeftOfMask: Bool = false, id: (String) -> Int?
    ) -> [AddedTokens.Token] {
        var tokens = added
        for index in tokens.indices {
            if let known = id(tokens[index].content) { tokens[index].id = Int32(clamping: known) }
        }
        for role in Role.allCases {
            guard var token = special[role], let known = id(token.content),
                !tokens.contains(where: { $0.content.utf8.elementsEqual(token.content.utf8) })
            else { continue }
            token.id = Int32(clamping: known)
            if role == .mask, stripsLeftOfMask { token.stripsLeft = true }
            tokens.append(token)
        }
        return tokens.filter { !$0.content.isEmpty }
    }
}
