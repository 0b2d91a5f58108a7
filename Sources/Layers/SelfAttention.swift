public import Autograd
import Tensor

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
    ///   - input: Shape `[tokens, width]`; no token attends beyond its own sequence.
    ///   - rows: The rows of it that are wanted, shape `[rows, width]`, of the same sequences.
    ///   - pass: Says whether gradients are recorded and dropout is active.
    /// - Returns: The shape of `rows`.
    public func callAsFunction(
        _ input: Features, for rows: Features, in pass: Pass
    ) -> Variable {
        let mixed = Variable.attention(
            query: query(rows.value, in: pass), key: key(input.value, in: pass),
            value: value(input.value, in: pass),
            settings: .init(
                segments: input.segments, queries: rows.segments, heads: heads,
                dropout: dropout.mask(pass)))
        return output(mixed, in: pass)
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] {
        query.parameters + key.parameters + value.parameters + output.parameters
    }
}
