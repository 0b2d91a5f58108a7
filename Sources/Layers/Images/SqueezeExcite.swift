public import Autograd
public import Tensor

/// Multiplies each channel with a number that is computed from the means of all channels (Hu et al.
/// 2018, arXiv:1709.01507, section 3).
public final class SqueezeExcite: ImageLayer {
    /// Shape `[squeezed, channels, 1, 1]`, with a bias.
    public let reduction: Convolution
    /// Shape `[channels, squeezed, 1, 1]`, with a bias.
    public let expansion: Convolution
    private let activation: Activation
    private let gate: Activation

    /// Loads both maps.
    ///
    /// - Parameters:
    ///   - channels: The number of channels.
    ///   - squeezed: The width between the maps.
    ///   - activation: Applied between the maps.
    ///   - gate: Applied to the factors: a sigmoid in the paper, a hard one in MobileNetV3.
    ///   - names: Those of the two maps.
    ///   - source: The place of the layer.
    /// - Throws: ``ParameterError`` if a parameter is missing or has another shape.
    public init(
        channels: Int, squeezed: Int, activation: Activation, gate: Activation,
        names: (reduction: String, expansion: String) = ("fc1", "fc2"),
        from source: ParameterSource
    ) throws {
        reduction = try Convolution(
            inputs: channels, outputs: squeezed, window: .init(1), hasBias: true,
            from: source[names.reduction])
        expansion = try Convolution(
            inputs: squeezed, outputs: channels, window: .init(1), hasBias: true,
            from: source[names.expansion])
        (self.activation, self.gate) = (activation, gate)
    }

    /// Applies the layer; the shape stays.
    public func callAsFunction(_ x: Variable, in pass: Pass) -> Variable {
        let means = x.globallyAveraged().reshaped([x.shape[0], 1, 1, x.shape[3]])
        let squeezed = reduction(means, in: pass).activated(activation)
        return x * expansion(squeezed, in: pass).activated(gate)
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] { reduction.parameters + expansion.parameters }
}
