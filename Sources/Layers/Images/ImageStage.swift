public import Autograd
public import Tensor

/// A stage of a network for images: layers, one after the other.
public final class ImageStage: Stage {
    /// What the stage is called, such as `group 3`.
    public let name: String
    /// Whether plans count it.
    public let isCounted: Bool
    private let layers: [any ImageLayer]

    /// A stage of these layers.
    public init(_ name: String, isCounted: Bool = true, _ layers: [any ImageLayer]) {
        (self.name, self.isCounted, self.layers) = (name, isCounted, layers)
    }

    /// Applies the layers to features of shape `[count, height, width, channels]`.
    public func callAsFunction(_ input: Features, in pass: Pass) -> Features {
        Features(
            layers.reduce(input.value) { $1($0, in: pass) }, segments: input.segments)
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] { layers.flatMap(\.parameters) }
}

/// The mean of each channel over the pixels: the end of most networks for images. From
/// `[count, height, width, channels]` to `[count, channels]`.
public final class GlobalAverage: ImageLayer {
    /// Needs nothing.
    public init() {}
    /// None.
    public let parameters: [Parameter] = []
    /// The means.
    public func callAsFunction(_ x: Variable, in pass: Pass) -> Variable { x.globallyAveraged() }
}

/// The largest element of each window.
public final class MaximumPooling: ImageLayer {
    private let window: Tensor.Window

    /// Pooling over this window.
    public init(_ window: Tensor.Window) { self.window = window }
    /// None.
    public let parameters: [Parameter] = []
    /// Pools.
    public func callAsFunction(_ x: Variable, in pass: Pass) -> Variable {
        x.maximumPooled(window)
    }
}

/// A linear map of pooled features, and an activation.
final class PooledLinear: ImageLayer {
    private let map: Linear
    private let activation: Activation

    init(_ map: Linear, activation: Activation) {
        (self.map, self.activation) = (map, activation)
    }

    var parameters: [Parameter] { map.parameters }

    func callAsFunction(_ x: Variable, in pass: Pass) -> Variable {
        map(x, activation: activation, in: pass)
    }
}
