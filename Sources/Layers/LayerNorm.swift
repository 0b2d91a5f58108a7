public import Autograd
import Tensor

/// Normalises each vector to mean 0 and variance 1, then scales and shifts it (Ba et al. 2016,
/// arXiv:1607.06450).
public final class LayerNorm {
    /// The scale, shape `[size]`.
    public let weight: Parameter
    /// The shift, shape `[size]`.
    public let bias: Parameter
    /// Added to the variance.
    public let epsilon: Double

    /// Loads `weight` and `bias` from `source`.
    ///
    /// - Parameters:
    ///   - size: The width of the vectors.
    ///   - epsilon: The architecture's: 1e-12 in BERT, 1e-5 in RoBERTa.
    ///   - source: The place of the layer.
    /// - Throws: ``ParameterError`` if one is missing or is not of shape `[size]`.
    public init(size: Int, epsilon: Double, from source: ParameterSource) throws {
        weight = try source.parameter("weight", shape: [size], kind: .normalization, initial: .ones)
        bias = try source.parameter(
            "bias", shape: [size], kind: .normalizationShift, initial: .zeros)
        self.epsilon = epsilon
    }

    /// Applies the layer; the shape stays.
    public func callAsFunction(_ x: Variable, in pass: Pass) -> Variable {
        x.layerNormalized(
            gamma: weight.variable(in: pass), beta: bias.variable(in: pass), epsilon: epsilon)
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] { [weight, bias] }
}
