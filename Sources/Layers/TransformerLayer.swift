import Autograd
import Tensor

/// One layer of an encoder of the BERT family: self-attention and a feed-forward network, each
/// followed by dropout, the residual and layer normalisation (post-norm).
public final class TransformerLayer: Stage {
    /// What a publisher calls the parts of a layer.
    public struct Names: Sendable, Hashable {
        /// The projections of the attention.
        public var query, key, value, attentionOutput: String
        /// The normalisation after the attention.
        public var attentionNorm: String
        /// The feed-forward network.
        public var intermediate, output: String
        /// The normalisation after the feed-forward network.
        public var outputNorm: String

        /// BERT's and RoBERTa's.
        public static let bert = Names(
            query: "attention.self.query", key: "attention.self.key",
            value: "attention.self.value", attentionOutput: "attention.output.dense",
            attentionNorm: "attention.output.LayerNorm", intermediate: "intermediate.dense",
            output: "output.dense", outputNorm: "output.LayerNorm")

        /// DistilBERT's.
        public static let distilBERT = Names(
            query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
            attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm",
            intermediate: "ffn.lin1", output: "ffn.lin2", outputNorm: "output_layer_norm")
    }

    /// Such as `layer 3`, counted from 0.
    public let name: String
    /// Whether it gives the first token of each sequence and no other.
    public let keepsFirstTokens: Bool
    /// The attention.
    public let attention: SelfAttention
    /// The normalisation after the attention.
    public let attentionNorm: LayerNorm
    /// Shape `[feedForwardWidth, width]`.
    public let intermediate: Linear
    /// Shape `[width, feedForwardWidth]`.
    public let output: Linear
    /// The normalisation after the feed-forward network.
    public let outputNorm: LayerNorm
    private let activation: Activation
    private let attentionDropout: Dropout
    private let outputDropout: Dropout

    /// Loads layer `index` of the encoder from its place.
    ///
    /// - Parameters:
    ///   - index: Counted from 0.
    ///   - configuration: Sizes and settings.
    ///   - keepsFirstTokens: Whether only the first token of each sequence is wanted of it. Every
    ///     token is attended to, but nothing else is computed for the others.
    ///   - source: Where its parameters are.
    /// - Throws: What `source` throws for a parameter that is missing or does not fit.
    public init(
        index: Int, configuration: TransformerConfiguration, keepsFirstTokens: Bool = false,
        from source: ParameterSource
    ) throws {
        self.keepsFirstTokens = keepsFirstTokens
        let names = configuration.family.layerNames
        let width = configuration.width
        name = "layer \(index)"
        attention = try SelfAttention(
            width: width, heads: configuration.heads,
            dropoutRate: configuration.attentionDropout, names: names, from: source)
        attentionNorm = try LayerNorm(
            size: width, epsilon: configuration.epsilon, from: source[names.attentionNorm])
        intermediate = try Linear(
            inputSize: width, outputSize: configuration.feedForwardWidth,
            from: source[names.intermediate])
        output = try Linear(
            inputSize: configuration.feedForwardWidth, outputSize: width,
            from: source[names.output])
        outputNorm = try LayerNorm(
            size: width, epsilon: configuration.epsilon, from: source[names.outputNorm])
        activation = configuration.activation
        // DistilBERT drops nothing between the attention and its residual.
        attentionDropout = Dropout(
            rate: configuration.family == .distilBERT ? 0 : configuration.hiddenDropout,
            path: source[names.attentionOutput].path)
        outputDropout = Dropout(
            rate: configuration.hiddenDropout, path: source[names.output].path)
    }

    /// Applies the layer to features of shape `[tokens, width]`.
    ///
    /// - Returns: Same shape, or `[sequences, width]` if it keeps the first tokens.
    public func callAsFunction(_ input: Features, in pass: Pass) -> Features {
        let rows = keepsFirstTokens && !pass.keepsAllTokens ? input.firstRows : input
        let mixed = attention(input, for: rows, in: pass)
            .dropped(attentionDropout.mask(pass), adding: rows.value)
        let attended = attentionNorm(mixed, in: pass)
        let contracted = feedForward(attended, in: pass)
            .dropped(outputDropout.mask(pass), adding: attended)
        return Features(outputNorm(contracted, in: pass), segments: rows.segments)
    }

    private func feedForward(_ x: Variable, in pass: Pass) -> Variable {
        guard intermediate.adapter == nil, output.adapter == nil else {
            return output(intermediate(x, activation: activation, in: pass), in: pass)
        }
        return x.feedForward(
            innerWeight: intermediate.weight.variable(in: pass),
            innerBias: intermediate.bias?.variable(in: pass), activation: activation,
            weight: output.weight.variable(in: pass), bias: output.bias?.variable(in: pass))
    }

    /// Query, key, value and output of the attention, and both maps of the feed-forward network.
    public var linearMaps: [(role: LinearRole, map: Linear)] {
        [
            (.query, attention.query), (.key, attention.key), (.value, attention.value),
            (.output, attention.output), (.feedForwardIn, intermediate), (.feedForwardOut, output),
        ]
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] {
        attention.parameters + attentionNorm.parameters + intermediate.parameters
            + output.parameters + outputNorm.parameters
    }
}
