public import Tensor

/// The sizes and settings of an encoder of the BERT family.
public struct TransformerConfiguration: Sendable, Hashable {
    /// The architectures, which differ in names, positions and token types.
    public enum Family: String, Sendable, Hashable, CaseIterable {
        /// BERT (arXiv:1810.04805) and all that share its architecture, such as MiniLM.
        case bert
        /// DistilBERT (arXiv:1910.01108): no token types.
        case distilBERT = "distilbert"
        /// RoBERTa (arXiv:1907.11692): positions begin after the padding id.
        case roberta

        var layerNames: TransformerLayer.Names { self == .distilBERT ? .distilBERT : .bert }
        var layers: String { self == .distilBERT ? "transformer.layer" : "encoder.layer" }
    }

    /// The architecture.
    public var family: Family
    /// The number of token ids.
    public var vocabularySize: Int
    /// The width of every activation between layers.
    public var width: Int
    /// The number of layers.
    public var layers: Int
    /// The number of attention heads, which share the width evenly.
    public var heads: Int
    /// The width inside the feed-forward network.
    public var feedForwardWidth: Int
    /// The rows of the position table.
    public var positions: Int
    /// The rows of the token type table; 0 if the architecture has none.
    public var tokenTypes: Int
    /// The position of the first token: 0, or the padding id + 1 in RoBERTa.
    public var firstPosition: Int
    /// Added to the variance in layer normalisations.
    public var epsilon: Double
    /// The activation inside the feed-forward network.
    public var activation: Activation
    /// The dropout of embeddings and of each half of a layer.
    public var hiddenDropout: Double
    /// The dropout of attention probabilities.
    public var attentionDropout: Double

    /// A configuration; the defaults are BERT's (arXiv:1810.04805, appendix A.2).
    public init(
        family: Family, vocabularySize: Int, width: Int, layers: Int, heads: Int,
        feedForwardWidth: Int, positions: Int = 512, tokenTypes: Int = 2, firstPosition: Int = 0,
        epsilon: Double = 1e-12, activation: Activation = .gelu, hiddenDropout: Double = 0.1,
        attentionDropout: Double = 0.1
    ) {
        self.family = family
        self.vocabularySize = vocabularySize
        self.width = width
        self.layers = layers
        self.heads = heads
        self.feedForwardWidth = feedForwardWidth
        self.positions = positions
        self.tokenTypes = tokenTypes
        self.firstPosition = firstPosition
        self.epsilon = epsilon
        self.activation = activation
        self.hiddenDropout = hiddenDropout
        self.attentionDropout = attentionDropout
    }

    /// The longest sequence that the position table has room for, in tokens.
    public var maximumLength: Int { positions - firstPosition }

    /// The stages of the encoder: the embeddings and each layer.
    ///
    /// - Parameters:
    ///   - keepsFirstTokens: Whether only the first token of each sequence is wanted of the last layer;
    ///     see ``TransformerLayer/keepsFirstTokens``.
    ///   - source: Where the parameters are.
    /// - Returns: The stages from the bottom to the top.
    /// - Throws: What `source` throws for a parameter that is missing or does not fit.
    public func stages(
        keepsFirstTokens: Bool = false, from source: ParameterSource
    ) throws -> [any Stage] {
        let embeddings = try TransformerEmbeddings(
            configuration: self, from: source["embeddings"])
        var stages: [any Stage] = [embeddings]
        // One by one: room for all would be made on the word of a file that may hold only a few.
        for index in 0..<layers {
            stages.append(
                try TransformerLayer(
                    index: index, configuration: self,
                    keepsFirstTokens: keepsFirstTokens && index == layers - 1,
                    from: source[family.layers][index]))
        }
        return stages
    }
}
