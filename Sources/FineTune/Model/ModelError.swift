public import Layers
public import Tensor

/// A model that cannot be made, used or saved as asked: what, where, and what to do.
public enum ModelError: Error, Hashable, CustomStringConvertible {
    /// The tokenizer has ids that the model has no embedding for.
    case vocabulary(String, tokenizer: Int, model: Int)
    /// The tokenizer gives token types that the model has no embedding for.
    case tokenTypes(String, tokenizer: Int, model: Int)
    /// The special tokens that the tokenizer adds to a text, or to a pair of texts, leave no room for
    /// a token of each.
    case specialTokens(String, texts: Int, tokenizer: Int, model: Int)
    /// A sentence-transformers folder makes its embeddings in a way that is not supported.
    case unsupportedEmbedding(String, found: String)
    /// The folder that a model should be saved to cannot be made or written.
    case unwritableFolder(FileError)
    /// The folder holds a model, but none with a head of the kind that was asked for.
    case noHead(String, reason: String)
    /// A text is empty where one must not be.
    case emptyText(position: Int)
    /// A text of a group leaves no token, not even special ones, so that it has no vector.
    case emptyTextOfGroup([String], position: Int)

    /// An input became something that the model cannot compute, as a preparation of one's own may make it.
    case unsuitableInput(position: Int, reason: String)
    /// A text has more words than the model takes.
    case tooManyWords(fitting: Int, of: Int, limit: Int)
    /// An example has another number of words than of tags.
    case rowCount(example: Int, rows: Int, of: RowKind, targets: Int)
    /// The head answers for other parts of an input than the model gives it.
    case unsuitableRows(head: RowKind, preparation: RowKind, pooling: Pooling)

    /// A picture has not the size that the network takes.
    case imageSize(height: Int, width: Int, expectedHeight: Int, expectedWidth: Int)
    /// A network for images pools in its publisher's way only.
    case imagePooling(Pooling)
    /// The rate before a classifier is none that dropout can have.
    case dropoutRate(Double)

    /// Two models whose weights cannot be mixed.
    case notInterpolable(String)

    /// Vectors made by a pooling that sentence-transformers does not have.
    case unsavableEmbedding(Pooling)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .vocabulary(let path, let tokenizer, let model):
            "the tokenizer in '\(path)' has \(tokenizer) ids, but the model only \(model) "
                + "embeddings; the files belong to different models"
        case .tokenTypes(let path, let tokenizer, let model):
            "the tokenizer in '\(path)' gives \(tokenizer) token types, but the model has "
                + "\(model) embeddings of them; the files belong to different models"
        case .specialTokens(let path, let texts, let tokenizer, let model):
            "the tokenizer in '\(path)' adds \(tokenizer) special tokens to each "
                + (texts == 1 ? "text" : "pair of texts")
                + ", but the model takes \(model) tokens in all; the files belong to different models"
        case .unsupportedEmbedding(let path, let found):
            "the sentence-transformers folder '\(path)' asks for \(found); supported are the "
                + "modules Transformer, Pooling (mean or first token) and Normalize"
        case .unwritableFolder(let error):
            "the model cannot be saved: \(error); choose a folder that can be written"
        case .noHead(let path, let reason):
            "the folder '\(path)' holds no fine-tuned model of this kind: \(reason)"
        case .emptyText(let position):
            "text \(position) is empty; leave it out or give it a content"
        case .emptyTextOfGroup(let group, let position):
            "text \(position) of the group \(Self.listed(group)) leaves nothing to compute with; "
                + "give it a content, or leave the group out"
        case .unsuitableInput(let position, let reason):
            "input \(position) cannot be computed: \(reason); prepare inputs with the model's own "
                + "tokenizer and maximum length"
        case .unsavableEmbedding(let pooling):
            "sentence-transformers has no pooling '\(pooling.rawValue)'; attach the head with the "
                + "pooling 'mean' or 'cls', or use save(to:)"
        case .imageSize(let height, let width, let expectedHeight, let expectedWidth):
            "a picture of \(height) by \(width) pixels came to a network for \(expectedHeight) by "
                + "\(expectedWidth); resize it, as PretrainedModel.pictures() of the product "
                + "Pictures does"
        case .imagePooling(let pooling):
            "a network for images has no pooling '\(pooling.rawValue)'; leave it out"
        case .dropoutRate(let rate):
            "the dropout before a classifier cannot have the rate \(rate); give a rate from 0 to less "
                + "than 1"
        case .notInterpolable(let reason):
            "the models cannot be interpolated: \(reason); give the backbone that the model was "
                + "attached to, or a model of the same backbone and head"
        case .tooManyWords(let fitting, let count, let limit):
            "only the first \(fitting) of \(count) words fit into the \(limit) tokens that the model "
                + "takes; divide the text, WordPreparation.windows(of:) says where"
        case .rowCount(let example, let rows, let kind, let targets):
            "example \(example) has \(rows) \(kind.rawValue)\(rows == 1 ? "" : "s"), but "
                + "\(targets) target\(targets == 1 ? "" : "s"); give one for each"
        case .unsuitableRows(let head, let preparation, let pooling):
            "the head answers for each \(head.rawValue), the model prepares each "
                + "\(preparation.rawValue), and its pooling is '\(pooling.rawValue)': these do not go "
                + "together. Tags of words need PretrainedModel.words(contentsOf:) and the pooling "
                + "'tokens', heads that compare texts need the backbone's groups(), other heads "
                + "neither"
        }
    }

    /// The beginning of texts, by which they are found again.
    private static func listed(_ texts: [String]) -> String {
        let shown = texts.prefix(5).map { $0.count > 30 ? "'\($0.prefix(30))…'" : "'\($0)'" }
        let rest = texts.count - shown.count
        return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}
