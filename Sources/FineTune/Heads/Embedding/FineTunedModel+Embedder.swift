import Checkpoint
import Layers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension FineTunedModel where H.Network == EmbeddingNetwork {
    /// Saves what ``save(to:)`` does, and says how texts become vectors in the way of
    /// sentence-transformers: that library and ``PretrainedModel/text(contentsOf:maximumLength:)`` then
    /// give the vectors that this model was trained for.
    ///
    /// - Parameters:
    ///   - path: The folder; it is made if it is missing.
    ///   - normalizing: Whether the vectors are scaled to length 1, so that their product is their
    ///     cosine.
    /// - Throws: ``ModelError`` if the folder cannot be written or the pooling is one that
    ///   sentence-transformers does not have.
    public func saveEmbedder(to path: String, normalizing: Bool = true) throws {
        guard pooling == .mean || pooling == .firstToken else {
            throw ModelError.unsavableEmbedding(pooling)
        }
        try save(to: path) { try writeModules(into: $0, normalizing: normalizing) }
    }

    private func writeModules(into path: String, normalizing: Bool) throws {
        try makeFolder("\(path)/1_Pooling")
        // A folder without a file in it, which sentence-transformers looks for.
        if normalizing { try makeFolder("\(path)/2_Normalize") }
        try write(
            [
                "word_embedding_dimension": JSON(architecture.featureSize),
                "pooling_mode_cls_token": .bool(pooling == .firstToken),
                "pooling_mode_mean_tokens": .bool(pooling == .mean),
                "pooling_mode_max_tokens": false, "pooling_mode_mean_sqrt_len_tokens": false,
            ], to: "\(path)/1_Pooling/config.json")
        let parts = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
        let modules = parts.prefix(normalizing ? 3 : 2).enumerated().map { index, part -> JSON in
            [
                "idx": JSON(index), "name": JSON("\(index)"), "path": JSON(part.0),
                "type": JSON("sentence_transformers.models.\(part.1)"),
            ]
        }
        try write(.array(modules), to: "\(path)/modules.json")
        let length = preparation.configuration.first { $0.0 == "maximum_length" }?.1
        try write(
            ["max_seq_length": length ?? .null, "do_lower_case": false],
            to: "\(path)/sentence_bert_config.json")
    }

    private func write(_ value: JSON, to path: String) throws {
        try AtomicFile.write(value.serialized(pretty: true) + "\n", to: path)
    }
}
