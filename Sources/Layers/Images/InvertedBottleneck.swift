public import Autograd
public import Tensor

/// A block that widens its input, convolves every channel alone and narrows it again (Sandler et al.
/// 2018, MobileNetV2, arXiv:1801.04381, section 3.3); with squeeze-and-excite as in MobileNetV3
/// (arXiv:1905.02244). The input is added if it has the shape of the output.
public final class InvertedBottleneck: ImageLayer {
    /// Sizes and settings of a block.
    public struct Configuration: Sendable, Hashable {
        /// The channels of what goes in, in the middle, and of what comes out.
        public var inputs: Int, width: Int, outputs: Int
        /// The window of the depthwise convolution.
        public var window: Tensor.Window
        /// The width inside squeeze-and-excite; nil has none.
        public var squeezed: Int?
        /// The activation after the first two convolutions.
        public var activation: Activation

        /// A block without squeeze-and-excite by default.
        public init(
            inputs: Int, width: Int, outputs: Int, window: Tensor.Window, squeezed: Int? = nil,
            activation: Activation
        ) {
            (self.inputs, self.width, self.outputs) = (inputs, width, outputs)
            (self.window, self.squeezed, self.activation) = (window, squeezed, activation)
        }

        /// Whether there is a first convolution.
        public var expands: Bool { inputs != width }
    }

    /// What a publisher calls the parts: each convolution and its normalisation.
    public struct Names: Sendable, Hashable {
        /// The convolution and the normalisation of one part.
        public struct Part: Sendable, Hashable {
            /// Places below the block's.
            public var convolution: String, norm: String

            /// Places below the block's.
            public init(_ convolution: String, _ norm: String) {
                (self.convolution, self.norm) = (convolution, norm)
            }
        }

        /// The three convolutions; the first is not used if nothing is widened.
        public var expansion: Part, depthwise: Part, projection: Part
        /// Squeeze-and-excite.
        public var squeeze: String

        /// Names of all parts.
        public init(expansion: Part, depthwise: Part, projection: Part, squeeze: String = "se") {
            (self.expansion, self.depthwise) = (expansion, depthwise)
            (self.projection, self.squeeze) = (projection, squeeze)
        }
    }

    private let expansion: ConvolutionNorm?
    private let depthwise: ConvolutionNorm
    private let squeeze: SqueezeExcite?
    private let projection: ConvolutionNorm
    private let isResidual: Bool

    /// Loads the block.
    public init(
        _ configuration: Configuration, normalization: BatchNormSettings, names: Names,
        from source: ParameterSource
    ) throws {
        let width = configuration.width
        expansion =
            configuration.expands
            ? try ConvolutionNorm(
                inputs: configuration.inputs, outputs: width, window: .init(1),
                normalization: normalization, activation: configuration.activation,
                convolution: source[names.expansion.convolution],
                norm: source[names.expansion.norm]) : nil
        depthwise = try ConvolutionNorm(
            inputs: width, outputs: width, window: configuration.window, groups: width,
            normalization: normalization, activation: configuration.activation,
            convolution: source[names.depthwise.convolution], norm: source[names.depthwise.norm])
        squeeze = try configuration.squeezed.map {
            try SqueezeExcite(
                channels: width, squeezed: $0, activation: .relu, gate: .hardSigmoid,
                from: source[names.squeeze])
        }
        projection = try ConvolutionNorm(
            inputs: width, outputs: configuration.outputs, window: .init(1),
            normalization: normalization, activation: .identity,
            convolution: source[names.projection.convolution],
            norm: source[names.projection.norm])
        isResidual =
            configuration.inputs == configuration.outputs
            && configuration.window.vertical.stride == 1
            && configuration.window.horizontal.stride == 1
    }

    /// Applies the block.
    public func callAsFunction(_ x: Variable, in pass: Pass) -> Variable {
        let first = [expansion, depthwise].compactMap { $0 }
        let y: Variable
        if let squeeze {
            y = projection(
                squeeze(ConvolutionNorm.chained(first, on: x, in: pass), in: pass), in: pass)
        } else if !(first + [projection]).contains(where: { $0.records(x, in: pass) }) {
            y = Variable(
                x.value.convolved(
                    by: BottleneckConvolutions(
                        expansion: expansion?.part, depthwise: depthwise.part,
                        window: depthwise.convolution.window, projection: projection.part)))
        } else {
            y = ConvolutionNorm.chained(first + [projection], on: x, in: pass)
        }
        return isResidual ? y + x : y
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] {
        (expansion?.parameters ?? []) + depthwise.parameters + (squeeze?.parameters ?? [])
            + projection.parameters
    }
}
