import CKernels

/// A function that is applied to every element of a layer's output.
public enum Activation: String, Sendable, Hashable, CaseIterable {
    /// `x`
    case identity
    /// `max(x, 0)`
    case relu
    /// `x Φ(x)` with the exact normal distribution function (arXiv:1606.08415).
    case gelu
    /// GELU through the hyperbolic tangent (arXiv:1606.08415, section 2).
    case geluTanh
    /// The hyperbolic tangent.
    case tanh
    /// `1 / (1 + exp(-x))`
    case sigmoid
    /// `x / (1 + exp(-x))`
    case silu
    /// `min(max(x, 0), 6)`
    case relu6
    /// `min(max(x + 3, 0), 6) / 6` (arXiv:1905.02244, section 5.2).
    case hardSigmoid
    /// `x` times the hard sigmoid (arXiv:1905.02244, section 5.2).
    case hardSwish

    var kernelKind: ck_activation {
        switch self {
        case .identity: CK_IDENTITY
        case .relu: CK_RELU
        case .gelu: CK_GELU
        case .geluTanh: CK_GELU_TANH
        case .tanh: CK_TANH
        case .sigmoid: CK_SIGMOID
        case .silu: CK_SILU
        case .relu6: CK_RELU6
        case .hardSigmoid: CK_HARD_SIGMOID
        case .hardSwish: CK_HARD_SWISH
        }
    }
}

extension Tensor {
    /// The activation of every element.
    public func activated(_ activation: Activation) -> Tensor {
        map { kernels, y, x, count in
            kernels.pointee.activate(activation.kernelKind, y, x, count)
        }
    }

    /// The gradient of ``activated(_:)``: `self * f'(input)`, where this is the gradient of the
    /// result.
    ///
    /// - Parameters:
    ///   - activation: The function that was applied.
    ///   - input: What it was applied to; same shape and type as this.
    /// - Returns: The gradient of `input`, same shape.
    public func activationGradient(_ activation: Activation, input: Tensor) -> Tensor {
        checkSameShape(input, "the gradient of an activation")
        let (x, dy) = (input.contiguous(), contiguous())
        return dy.map { kernels, dx, part, count in
            kernels.pointee.activation_gradient(
                activation.kernelKind, dx, nil, part, x.pointer + (part - dy.pointer), count)
        }
    }
}
