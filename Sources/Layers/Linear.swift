public import Autograd
public import Tensor

/// Changes what a ``Linear`` computes without changing the layer: LoRA and its kin.
public protocol LinearAdapter: AnyObject {
    /// The parameters that it adds.
    var parameters: [Parameter] { get }

    /// The adapted output, before the layer's activation.
    ///
    /// - Parameters:
    ///   - x: Shape `[..., inputs]`.
    ///   - weight: The layer's own, shape `[outputs, inputs]`.
    ///   - bias: The layer's own, shape `[outputs]`; nil if it has none.
    ///   - pass: Says whether gradients are recorded and dropout is active.
    /// - Returns: Shape `[..., outputs]`.
    func output(for x: Variable, weight: Variable, bias: Variable?, in pass: Pass) -> Variable

    /// The weight and bias with which a layer without an adapter computes the same.
    ///
    /// - Parameters:
    ///   - weight: The layer's own, shape `[outputs, inputs]`.
    ///   - bias: The layer's own, shape `[outputs]`; nil if it has none.
    /// - Returns: Both in the shapes of the layer's own.
    func merged(weight: Tensor, bias: Tensor?) -> (weight: Tensor, bias: Tensor?)

    /// What is saved, by the paths of the parameters: an adapter of a simpler kind that changes the
    /// map by the same.
    var savedTensors: [(path: String, tensor: Tensor)] { get }
}

extension LinearAdapter {
    /// The parameters as they are.
    public var savedTensors: [(path: String, tensor: Tensor)] {
        parameters.map { ($0.path, $0.value) }
    }
}

/// Applies `y = activation(x Wᵀ + b)`.
///
/// `weight` keeps the checkpoint layout, so loading copies no data.
public final class Linear {
    /// Shape `[outputSize, inputSize]`.
    public let weight: Parameter
    /// Shape `[outputSize]`.
    public let bias: Parameter?
    /// The place of the layer in the tree of names.
    public let path: String
    /// Takes part in the computation if there is one. Its parameters are then among
    /// ``parameters``.
    public var adapter: (any LinearAdapter)?

    /// Loads `weight` and `bias` from `source`.
    ///
    /// - Parameters:
    ///   - inputSize: The width of what goes in.
    ///   - outputSize: The width of what comes out.
    ///   - hasBias: Whether there is a bias.
    ///   - initial: How a missing weight begins; normal with deviation 0.02 as in BERT
    ///     (arXiv:1810.04805). A missing bias begins at 0.
    ///   - source: The place of the layer.
    /// - Throws: ``ParameterError`` if one is missing or has another shape.
    public init(
        inputSize: Int, outputSize: Int, hasBias: Bool = true,
        initial: Initializer = .normal(standardDeviation: 0.02), from source: ParameterSource
    ) throws {
        path = source.path
        weight = try source.parameter(
            "weight", shape: [outputSize, inputSize], kind: .weight, initial: initial)
        bias =
            hasBias
            ? try source.parameter("bias", shape: [outputSize], kind: .bias, initial: .zeros) : nil
    }

    /// Applies the layer.
    ///
    /// - Parameters:
    ///   - x: Shape `[..., inputSize]`.
    ///   - activation: Applied last.
    ///   - pass: Says whether gradients are recorded and dropout is active.
    /// - Returns: Shape `[..., outputSize]`.
    public func callAsFunction(
        _ x: Variable, activation: Activation = .identity, in pass: Pass
    ) -> Variable {
        if let adapter {
            let output = adapter.output(
                for: x, weight: weight.variable(in: pass), bias: bias?.variable(in: pass), in: pass)
            return activation == .identity ? output : output.activated(activation)
        }
        return x.linear(
            weight: weight.variable(in: pass), bias: bias?.variable(in: pass),
            activation: activation)
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] {
        [weight] + (bias.map { [$0] } ?? []) + (adapter?.parameters ?? [])
    }
}
