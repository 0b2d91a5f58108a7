import Autograd
import Tensor

/// The first stage of the BERT family: the sum of the embeddings of token, position and token type,
/// normalised.
public final class TransformerEmbeddings: Stage {
    /// What the stage is called.
    public let name = "embeddings"
    private let words: Embedding
    private let positions: Embedding
    private let types: Embedding?
    private let norm: LayerNorm
    private let dropout: Dropout
    private let firstPosition: Int

    /// Loads the tables and the normalisation from their place.
    public init(configuration: TransformerConfiguration, from source: ParameterSource) throws {
        let width = configuration.width
        words = try Embedding(
            count: configuration.vocabularySize, width: width, from: source["word_embeddings"])
        positions = try Embedding(
            count: configuration.positions, width: width, from: source["position_embeddings"])
        types =
            configuration.tokenTypes > 0
            ? try Embedding(
                count: configuration.tokenTypes, width: width,
                from: source["token_type_embeddings"]) : nil
        norm = try LayerNorm(size: width, epsilon: configuration.epsilon, from: source["LayerNorm"])
        dropout = Dropout(rate: configuration.hiddenDropout, path: source.path)
        firstPosition = configuration.firstPosition
    }

    /// From token ids and types, `int32` of shape `[tokens, 2]`, to vectors `[tokens, width]`.
    public func callAsFunction(_ input: Features, in pass: Pass) -> Features {
        let ids = input.value.value
        let column = { (index: Int) in
            ids.sliced(index..<(index + 1), axis: 1).elements(as: Int32.self)
        }
        let places = (0..<input.segments.count).flatMap { sequence in
            (0..<input.segments[sequence].count).map { Int32(firstPosition + $0) }
        }
        var sum = words(column(0), in: pass) + positions(places, in: pass)
        if let types { sum = sum + types(column(1), in: pass) }
        return Features(norm(sum, in: pass).dropped(dropout.mask(pass)), segments: input.segments)
    }

    /// Why it cannot compute this, as a sentence; nil if it can.
    public func problem(with input: Features) -> String? {
        let ids = input.value.value.elements(as: Int32.self)
        let (count, typeCount) = (words.weight.shape[0], types?.weight.shape[0])
        for place in stride(from: 0, to: ids.count - 1, by: 2) {
            let (id, type) = (ids[place], ids[place + 1])
            guard id >= 0, Int(id) < count else {
                return "it has the token id \(id), but the model has \(count) embeddings of tokens"
            }
            guard let typeCount else { continue }
            guard type >= 0, Int(type) < typeCount else {
                return
                    "it has the token type \(type), but the model has \(typeCount) embeddings of "
                    + "types"
            }
        }
        let limit = positions.weight.shape[0] - firstPosition
        let lengths = (0..<input.segments.count).map { input.segments[$0].count }
        if let longest = lengths.max(), longest > limit {
            return "it has \(longest) tokens, but the model takes \(limit) at most"
        }
        return nil
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] {
        [words.weight, positions.weight] + (types.map { [$0.weight] } ?? []) + norm.parameters
    }
}
