public import Autograd
public import Tensor

/// A convolution, batch normalisation and an activation.
///
/// Where no gradient is recorded, the convolution normalises and activates its output while that is
/// in the cache: the same numbers without going through memory again. Where the normalisation trains,
/// several of these layers are one operation, see ``chained(_:on:in:)``.
public final class ConvolutionNorm: ImageLayer {
    /// The convolution, without a bias.
    public let convolution: Convolution
    /// The normalisation.
    public let norm: BatchNorm
    /// Applied last.
    public let activation: Activation

    /// Loads both under the names that the publisher gives them.
    public init(
        inputs: Int, outputs: Int, window: Tensor.Window, groups: Int = 1,
        normalization: BatchNormSettings, activation: Activation,
        convolution: ParameterSource, norm: ParameterSource
    ) throws {
        self.convolution = try Convolution(
            inputs: inputs, outputs: outputs, window: window, groups: groups, from: convolution)
        self.norm = try BatchNorm(
            channels: outputs, epsilon: normalization.epsilon, momentum: normalization.momentum,
            from: norm)
        self.activation = activation
    }

    /// Applies the layer.
    public func callAsFunction(_ x: Variable, in pass: Pass) -> Variable {
        guard records(x, in: pass) else {
            return Variable(
                x.value.convolved(
                    weight: convolution.weight.value, window: convolution.window,
                    groups: convolution.groups, output: output))
        }
        guard norm.measures(in: pass) else {
            return norm(convolution(x, in: pass), activation: activation, in: pass)
        }
        return Self.chained([self], on: x, in: pass)
    }

    /// Whether something of a pass through the layer has to be recorded.
    func records(_ x: Variable, in pass: Pass) -> Bool {
        x.needsGradient || pass.recordsGradients && parameters.contains { $0.isTrainable }
    }

    /// What a convolution does with its output on the way.
    private var output: ConvolutionOutput {
        ConvolutionOutput(map: norm.map, activation: activation)
    }

    /// The layer as a part of a block that records nothing.
    var part: BottleneckConvolutions.Part {
        BottleneckConvolutions.Part(weight: convolution.weight.value, output: output)
    }

    /// Applies layers one after the other. If all their normalisations train, they are one operation,
    /// which does not keep what lies between them.
    static func chained(
        _ layers: [ConvolutionNorm], on x: Variable, in pass: Pass
    ) -> Variable {
        guard layers.allSatisfy({ $0.norm.measures(in: pass) }) else {
            return layers.reduce(x) { $1($0, in: pass) }
        }
        let links = layers.map { layer in
            NormalizedConvolution(
                weight: layer.convolution.weight.variable(in: pass),
                gamma: layer.norm.weight.variable(in: pass),
                beta: layer.norm.bias.variable(in: pass), window: layer.convolution.window,
                groups: layer.convolution.groups, epsilon: layer.norm.epsilon,
                activation: layer.activation)
        }
        let (output, measured) = x.convolvedAndNormalized(links)
        for (layer, result) in zip(layers, measured) {
            layer.norm.moveStatistics(
                to: (result.mean, result.variance), rows: Double(result.rows), in: pass)
        }
        return output
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] { convolution.parameters + norm.parameters }
}

/// The settings that all batch normalisations of a network share.
public struct BatchNormSettings: Sendable, Hashable {
    /// Added to the variance.
    public var epsilon: Double
    /// The weight of the newest batch in the running statistics.
    public var momentum: Double

    /// The defaults are PyTorch's.
    public init(epsilon: Double = 1e-5, momentum: Double = 0.1) {
        (self.epsilon, self.momentum) = (epsilon, momentum)
    }
}
