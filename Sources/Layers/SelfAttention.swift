public import Autograd
public import Tensor

/// Multi-head self-attention inside each sequence of a packed batch (Vaswani et al. 2017,
/// arXiv:1706.03762, section 3.2.2).
public final class SelfAttention {
    /// The projections, each `[width, width]`.
    public let query: Linear, key: Linear, value: Linear, output: Linear
    /// The number of heads; they share the width evenly.
    public let heads: Int
    /// Drops probabilities while training.
    public let dropout: Dropout

    /// Loads the four projections under the given names.
    public init(
        width: Int, heads: Int, dropoutRate: Double, names: TransformerLayer.Names,
        from source: ParameterSource
    ) throws {
        query = try Linear(inputSize: width, outputSize: width, from: source[names.query])
        key = try Linear(inputSize: width, outputSize: width, from: source[names.key])
        value = try Linear(inputSize: width, outputSize: width, from: source[names.value])
        output = try Linear(
            inputSize: width, outputSize: width, from: source[names.attentionOutput])
        self.heads = heads
        dropout = Dropout(rate: dropoutRate, path: source[names.query].path + ".probabilities")
    }

    /// Applies the layer, the output projection included.
    ///
    /// - Parameters:
    ///   - x: Shape `[tokens, width]`.
    ///   - segments: The sequences that the rows belong to; none attends beyond its own.
    ///   - pass: Says whether gradients are recorded and dropout is active.
    /// - Returns: Same shape.
    public func callAsFunction(_ x: Variable, segments: Segments, in pass: Pass) -> Variable {
        let mixed = Variable.attention(
            query: query(x, in: pass), key: key(x, in: pass), value: value(x, in: pass),
            settings: .init(segments: segments, heads: heads, dropout: dropout.mask(pass)))
        return output(mixed, in: pass)
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] {
        query.parameters + key.parameters + value.parameters + output.parameters
    }
}
