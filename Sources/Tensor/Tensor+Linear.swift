import CKernels

extension Tensor {
    /// `activation(x weightᵀ + bias)`, in one pass over the product's tiles while they are in the
    /// cache.
    ///
    /// - Parameters:
    ///   - weight: Shape `[outputs, inputs]`, the layout of checkpoints.
    ///   - bias: Shape `[outputs]`.
    ///   - activation: Applied last.
    ///   - keepingInput: Whether the activation's input is wanted too, for its gradient.
    /// - Returns: The output, shape `[..., outputs]`, and what was activated: the output itself for
    ///   the identity, nil if it was not wanted.
    /// - Precondition: This has the shape `[..., inputs]`.
    public func linear(
        weight: Tensor, bias: Tensor? = nil, activation: Activation = .identity,
        keepingInput: Bool = false
    ) -> (output: Tensor, activated: Tensor?) {
        require(
            rank >= 1 && weight.rank == 2 && shape.last == weight.shape[1]
                && dtype == weight.dtype && bias.map { $0.shape == [weight.shape[0]] } != false,
            "a linear map with weight \(weight.dtype) \(weight.shape) and bias "
                + "\(bias.map { "\($0.shape)" } ?? "none") does not fit \(dtype) \(shape)")
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        let outputShape = Shape(Array(shape.dropLast()) + [outputs])
        let (x, w, b) = (contiguous(), weight.contiguous(), bias?.contiguous())
        let product = Tensor(uninitialized: outputShape, dtype: dtype)
        let keepsBoth = keepingInput && activation != .identity
        let output = keepsBoth ? Tensor(uninitialized: outputShape, dtype: dtype) : product
        let (size, kernels) = (dtype.byteCount, kernels)
        MatrixProduct(
            dtype: dtype, m: shape.dropLast().reduce(1, *), n: outputs, k: inputs,
            a: x.pointer, aStrides: (row: inputs, column: 1),
            b: w.pointer, bStrides: (row: 1, column: inputs), c: product.base
        ).run { rows, columns in
            for row in rows {
                let at = (row * outputs + columns.lowerBound) * size
                if let b {
                    kernels.pointee.bias_activate(
                        activation.kernelKind, output.base + at, product.base + at,
                        b.pointer + columns.lowerBound * size, 1, columns.count)
                } else if activation != .identity {
                    kernels.pointee.activate(
                        activation.kernelKind, output.base + at, product.base + at, columns.count)
                }
            }
        }
        withExtendedLifetime((x, w)) {}
        return (output, keepingInput ? product : nil)
    }

    /// The gradient of a linear map's input that is itself activated: `this weight activation'(input)`,
    /// where this is the gradient of the map's output, in one pass over the product's tiles.
    ///
    /// - Parameters:
    ///   - weight: Shape `[outputs, inputs]`.
    ///   - activation: What made the map's input.
    ///   - input: What was activated; shape `[rows, inputs]`.
    /// - Returns: The gradient of `input`, and its activation, computed on the way; both of its shape.
    /// - Precondition: This has the shape `[rows, outputs]`.
    public func linearGradient(
        weight: Tensor, activation: Activation, input: Tensor
    ) -> (input: Tensor, activated: Tensor) {
        require(
            rank == 2 && weight.rank == 2 && shape[1] == weight.shape[0]
                && input.shape == [shape[0], weight.shape[1]]
                && dtype == weight.dtype && dtype == input.dtype,
            "\(dtype) \(shape) is no gradient behind an activation of \(input.dtype) "
                + "\(input.shape) and a weight \(weight.dtype) \(weight.shape)")
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        let (dy, w, x) = (contiguous(), weight.contiguous(), input.contiguous())
        let gradient = Tensor(uninitialized: x.shape, dtype: dtype)
        let activated = Tensor(uninitialized: x.shape, dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        MatrixProduct(
            dtype: dtype, m: shape[0], n: inputs, k: outputs,
            a: dy.pointer, aStrides: (row: outputs, column: 1),
            b: w.pointer, bStrides: (row: inputs, column: 1), c: gradient.base
        ).run { rows, columns in
            for row in rows {
                let at = (row * inputs + columns.lowerBound) * size
                kernels.pointee.activation_gradient(
                    activation.kernelKind, gradient.base + at, activated.base + at,
                    gradient.base + at, x.pointer + at, columns.count)
            }
        }
        withExtendedLifetime((dy, w)) {}
        return (gradient, activated)
    }
}
