import CKernels

extension Tensor {
    /// What the gradient of a layer normalisation needs again: per row the mean and the reciprocal
    /// of the standard deviation, shape `[rows]`.
    public struct RowStatistics: Sendable {
        /// The mean of each row.
        public let mean: Tensor
        /// `1 / √(variance + ε)` of each row.
        public let reciprocalDeviation: Tensor
    }

    /// Layer normalisation over the last dimension (Ba et al. 2016, arXiv:1607.06450):
    /// `(x − mean) / √(variance + epsilon) · gamma + beta`, with the population's variance.
    ///
    /// - Parameters:
    ///   - gamma: The scale, shape `[width]`.
    ///   - beta: The shift, shape `[width]`.
    ///   - epsilon: Keeps the root from 0 in a row of equal elements.
    /// - Returns: The output, same shape as this, and what the gradient needs again.
    /// - Precondition: This has the shape `[..., width]`.
    public func layerNormalized(
        gamma: Tensor, beta: Tensor, epsilon: Double
    ) -> (output: Tensor, statistics: RowStatistics) {
        let width = checkedWidth(gamma, beta)
        let (x, g, b) = (contiguous(), gamma.contiguous(), beta.contiguous())
        let output = Tensor(uninitialized: shape, dtype: dtype)
        let mean = Tensor(uninitialized: [rowCount], dtype: dtype)
        let reciprocal = Tensor(uninitialized: [rowCount], dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: rowCount, grain: rowGrain(width: width)) { rows in
            let (at, row) = (rows.lowerBound * width * size, rows.lowerBound * size)
            kernels.pointee.layer_norm(
                output.base + at, mean.base + row, reciprocal.base + row, x.pointer + at,
                g.pointer, b.pointer, epsilon, rows.count, width)
        }
        return (output, RowStatistics(mean: mean, reciprocalDeviation: reciprocal))
    }

    /// The gradients of ``layerNormalized(gamma:beta:epsilon:)``, where this is the gradient of its
    /// output.
    ///
    /// - Parameters:
    ///   - input: What was normalised; same shape as this.
    ///   - statistics: What the forward pass returned.
    ///   - gamma: The scale that it used, shape `[width]`.
    /// - Returns: The gradients of the input, of gamma and of beta.
    public func layerNormGradient(
        input: Tensor, statistics: RowStatistics, gamma: Tensor
    ) -> (input: Tensor, gamma: Tensor, beta: Tensor) {
        checkSameShape(input, "the gradient of a layer normalisation")
        require(
            statistics.mean.shape == [rowCount] && statistics.mean.dtype == dtype,
            "statistics of \(statistics.mean.dtype) \(statistics.mean.shape) do not fit the rows "
                + "of \(dtype) \(shape)")
        let width = checkedWidth(gamma, gamma)
        let (dy, x, g) = (contiguous(), input.contiguous(), gamma.contiguous())
        let dx = Tensor(uninitialized: shape, dtype: dtype)
        let grain = rowGrain(width: width)
        let tiles = (rowCount + grain - 1) / grain
        let partial = Tensor(zeros: [2, tiles, width], dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: rowCount, grain: grain) { rows in
            let (at, row) = (rows.lowerBound * width * size, rows.lowerBound * size)
            let tile = rows.lowerBound / grain
            kernels.pointee.layer_norm_gradient(
                dx.base + at, partial.base + tile * width * size,
                partial.base + (tiles + tile) * width * size, dy.pointer + at, x.pointer + at,
                statistics.mean.pointer + row, statistics.reciprocalDeviation.pointer + row,
                g.pointer, rows.count, width)
        }
        let sums = partial.sum(axis: 1)
        return (dx, sums[0], sums[1])
    }

    private func checkedWidth(_ gamma: Tensor, _ beta: Tensor) -> Int {
        guard let width = shape.last, gamma.shape == [width], beta.shape == [width],
            gamma.dtype == dtype, beta.dtype == dtype
        else {
            requirementFailure(
                "a layer normalisation with gamma \(gamma.dtype) \(gamma.shape) and beta "
                    + "\(beta.dtype) \(beta.shape) does not fit \(dtype) \(shape)")
        }
        return width
    }

    /// The softmax over the last dimension: `exp(x − max) / Σ exp(x − max)`.
    public func softmax() -> Tensor {
        guard let width = shape.last else { requirementFailure("a scalar has no softmax") }
        let x = contiguous()
        let result = Tensor(uninitialized: shape, dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: rowCount, grain: rowGrain(width: width)) { rows in
            let at = rows.lowerBound * width * size
            kernels.pointee.softmax(result.base + at, x.pointer + at, rows.count, width)
        }
        return result
    }

    /// The gradient of ``softmax()``, where this is the gradient of its result.
    ///
    /// - Parameter output: The result; same shape as this.
    /// - Returns: The gradient of what the softmax was taken of, same shape.
    public func softmaxGradient(output: Tensor) -> Tensor {
        checkSameShape(output, "the gradient of a softmax")
        let width = shape[rank - 1]
        let (dy, y) = (contiguous(), output.contiguous())
        let result = Tensor(uninitialized: shape, dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: rowCount, grain: rowGrain(width: width)) { rows in
            let at = rows.lowerBound * width * size
            kernels.pointee.softmax_gradient(
                result.base + at, dy.pointer + at, y.pointer + at, rows.count, width)
        }
        return result
    }
}
