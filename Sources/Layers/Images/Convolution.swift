public import Autograd
public import Tensor

/// A layer of a network for images: from `[count, height, width, channels]` to the same with other
/// sizes.
public protocol ImageLayer: AnyObject {
    /// Its parameters, in the order of loading.
    var parameters: [Parameter] { get }
    /// Applies the layer.
    func callAsFunction(_ x: Variable, in pass: Pass) -> Variable
}

/// A convolution of images.
///
/// `weight` keeps the checkpoint's layout, so loading copies no data.
public final class Convolution: ImageLayer {
    /// Shape `[outputs, channels / groups, window height, window width]`.
    public let weight: Parameter
    /// Shape `[outputs]`.
    public let bias: Parameter?
    /// Where the window lies.
    public let window: Tensor.Window
    /// The channels of each group see only those of the same group.
    public let groups: Int

    /// Loads `weight` and `bias` from `source`.
    ///
    /// A missing weight begins with the variance that keeps that of gradients (He et al. 2015,
    /// arXiv:1502.01852, section 2.2), a missing bias at 0.
    ///
    /// - Parameters:
    ///   - inputs: The channels of what goes in.
    ///   - outputs: The channels of what comes out.
    ///   - window: Where it lies.
    ///   - groups: As many as there are inputs make a depthwise convolution.
    ///   - hasBias: Whether there is a bias; before a normalisation there is none.
    ///   - source: The place of the layer.
    /// - Throws: ``ParameterError`` if one is missing or has another shape.
    public init(
        inputs: Int, outputs: Int, window: Tensor.Window, groups: Int = 1, hasBias: Bool = false,
        from source: ParameterSource
    ) throws {
        let (height, width) = (window.vertical.size, window.horizontal.size)
        let fan = max(1, outputs * height * width / groups)
        weight = try source.parameter(
            "weight", shape: [outputs, inputs / groups, height, width], kind: .weight,
            initial: .normal(standardDeviation: (2 / Double(fan)).squareRoot()))
        bias =
            hasBias
            ? try source.parameter("bias", shape: [outputs], kind: .bias, initial: .zeros) : nil
        (self.window, self.groups) = (window, groups)
    }

    /// Applies the layer.
    public func callAsFunction(_ x: Variable, in pass: Pass) -> Variable {
        x.convolved(
            weight: weight.variable(in: pass), bias: bias?.variable(in: pass), window: window,
            groups: groups)
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] { [weight] + (bias.map { [$0] } ?? []) }
}
