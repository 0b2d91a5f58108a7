import Checkpoint

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Finds the tokenizer of a pretrained model.
public enum PretrainedTokenizer {
    /// Reads whichever tokenizer a folder has: `tokenizer.json`, or else `vocab.txt`, or else
    /// `vocab.json` with `merges.txt`, the latter two with the `tokenizer_config.json` if there is
    /// one.
    ///
    /// - Parameter folder: The model's folder.
    /// - Returns: A ``WordPieceTokenizer`` or a ``BytePairTokenizer``.
    /// - Throws: ``TokenizerError``: there is none, its kind is not supported, or a file is damaged.
    public static func load(from folder: String) throws(TokenizerError) -> any Tokenizer {
        func path(_ name: String) -> String? {
            let path = "\(folder)/\(name)"
            return access(path, F_OK) == 0 ? path : nil
        }
        if let path = path("tokenizer.json") { return try load(file: path) }
        let configuration = path("tokenizer_config.json")
        if let path = path("vocab.txt") {
            return try WordPieceTokenizer(vocabulary: path, configuration: configuration)
        }
        if let vocabulary = path("vocab.json"), let merges = path("merges.txt") {
            return try BytePairTokenizer(
                vocabulary: vocabulary, merges: merges, configuration: configuration)
        }
        throw .notFound(folder: folder)
    }

    /// Reads a `tokenizer.json` of either kind.
    private static func load(file path: String) throws(TokenizerError) -> any Tokenizer {
        let file = try TokenizerFields(contentsOf: path)
        guard let model = try file.fields("model") else {
            throw file.invalid("model", expected: "an object")
        }
        // Early versions of the package left out the kind of the model.
        switch try model.string("type") ?? (model.object["merges"] == nil ? "WordPiece" : "BPE") {
        case "WordPiece": return try WordPieceTokenizer(file: file)
        case "BPE": return try BytePairTokenizer(file: file)
        case let kind:
            throw file.unsupported("model", found: kind, supported: ["WordPiece", "BPE"])
        }
    }
}
