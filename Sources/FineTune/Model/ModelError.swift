import Tensor

/// A model that cannot be made, used or saved as asked: what, where, and what to do.
public enum ModelError: Error, Hashable, CustomStringConvertible {
    /// The tokenizer has ids that the model has no embedding for.
    case vocabulary(String, tokenizer: Int, model: Int)
    /// The tokenizer gives token types that the model has no embedding for.
    case tokenTypes(String, tokenizer: Int, model: Int)
    /// A sentence-transformers folder makes its embeddings in a way that is not supported.
    case unsupportedEmbedding(String, found: String)
    /// The folder that a model should be saved to cannot be made or written.
    case unwritableFolder(FileError)
    /// The folder holds a model, but none with a head of the kind that was asked for.
    case noHead(String, reason: String)
    /// A text is empty where one must not be.
    case emptyText(position: Int)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .vocabulary(let path, let tokenizer, let model):
            "the tokenizer in '\(path)' has \(tokenizer) ids, but the model only \(model) "
                + "embeddings; the files belong to different models"
        case .tokenTypes(let path, let tokenizer, let model):
            "the tokenizer in '\(path)' gives \(tokenizer) token types, but the model has "
                + "\(model) embeddings of them; the files belong to different models"
        case .unsupportedEmbedding(let path, let found):
            "the sentence-transformers folder '\(path)' asks for \(found); supported are the "
                + "modules Transformer, Pooling (mean or first token) and Normalize"
        case .unwritableFolder(let error):
            "the model cannot be saved: \(error); choose a folder that can be written"
        case .noHead(let path, let reason):
            "the folder '\(path)' holds no fine-tuned model of this kind: \(reason)"
        case .emptyText(let position):
            "text \(position) is empty; leave it out or give it a content"
        }
    }
}
