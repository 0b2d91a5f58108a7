import CKernels

/// What a normalisation does with the channels of images: `(x − mean) · scale + shift`.
public struct ChannelMap: Sendable {
    /// What is subtracted, shape `[channels]`.
    public let mean: Tensor
    /// What the difference is multiplied with, shape `[channels]`.
    public let scale: Tensor
    /// What is added at last, shape `[channels]`.
    public let shift: Tensor

    /// A map of these parts.
    ///
    /// - Precondition: All are vectors of one length and type.
    public init(mean: Tensor, scale: Tensor, shift: Tensor) {
        mean.checkSameShape(scale, "a map of channels")
        mean.checkSameShape(shift, "a map of channels")
        require(mean.rank == 1, "a map of channels has vectors, not \(mean.shape)")
        self.mean = mean.contiguous()
        self.scale = scale.contiguous()
        self.shift = shift.contiguous()
    }

    /// The same map of what has `bias` added to it.
    func after(bias: Tensor?) -> ChannelMap {
        bias.map { ChannelMap(mean: mean - $0, scale: scale, shift: shift) } ?? self
    }
}

extension Tensor {
    /// The mean of each channel over all other dimensions, and the population's variance.
    ///
    /// - Returns: Both of shape `[channels]`.
    /// - Precondition: The shape is `[..., channels]` and there is at least one row.
    public func channelMoments() -> (mean: Tensor, variance: Tensor) {
        let (width, rows) = (shape[rank - 1], rowCount)
        require(rows > 0, "no row of \(shape) has moments")
        let x = contiguous()
        let grain = rowGrain(width: width)
        let tiles = (rows + grain - 1) / grain
        let partial = Tensor(uninitialized: [2, tiles, width], dtype: dtype)
        let moments = Tensor(uninitialized: [2, width], dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: rows, grain: grain) { range in
            let at = range.lowerBound / grain * width * size
            kernels.pointee.moments(
                partial.base + at, partial.base + tiles * width * size + at,
                x.pointer + range.lowerBound * width * size, range.count, width)
        }
        kernels.pointee.join_moments(
            moments.base, moments.base + width * size, partial.base,
            partial.base + tiles * width * size, grain, rows, width)
        return (moments[0], moments[1])
    }

    /// `activation((x − mean) · scale + shift)`, channel by channel.
    ///
    /// - Precondition: The shape is `[..., channels]`.
    public func mapped(_ map: ChannelMap, activation: Activation = .identity) -> Tensor {
        let width = checkedWidth(map)
        let x = contiguous()
        let result = Tensor(uninitialized: shape, dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: rowCount, grain: rowGrain(width: width)) { rows in
            let at = rows.lowerBound * width * size
            kernels.pointee.normalize(
                activation.kernelKind, result.base + at, width, x.pointer + at, width,
                map.mean.pointer, map.scale.pointer, map.shift.pointer, rows.count, width)
        }
        return result
    }

    /// For the gradient of ``mapped(_:activation:)``, where this is the gradient of its result: with
    /// `z` what was activated, the sums over all rows of `dz` and of `dz (x − mean)`.
    ///
    /// - Returns: Both of shape `[channels]`.
    public func mapGradientSums(
        _ map: ChannelMap, input: Tensor, activation: Activation = .identity
    ) -> (shift: Tensor, scale: Tensor) {
        checkSameShape(input, "the gradient of a map of channels")
        let width = checkedWidth(map)
        let (dy, x) = (contiguous(), input.contiguous())
        let grain = rowGrain(width: width)
        let tiles = (rowCount + grain - 1) / grain
        let partial = Tensor(zeros: [2, tiles, width], dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: rowCount, grain: grain) { rows in
            let (at, tile) = (rows.lowerBound * width * size, rows.lowerBound / grain)
            kernels.pointee.normalize_gradient_sums(
                activation.kernelKind, partial.base + tile * width * size,
                partial.base + (tiles + tile) * width * size, dy.pointer + at, x.pointer + at,
                map.mean.pointer, map.scale.pointer, map.shift.pointer, rows.count, width)
        }
        let sums = partial.sum(axis: 1)
        return (sums[0], sums[1])
    }

    /// The gradient of the input of ``mapped(_:activation:)``, where this is the gradient of its
    /// result: `dz · scale`, and if there is `more`, `(x − mean) · slope + offset` besides.
    public func mapGradient(
        _ map: ChannelMap, input: Tensor, activation: Activation = .identity,
        adding more: (slope: Tensor, offset: Tensor)? = nil
    ) -> Tensor {
        checkSameShape(input, "the gradient of a map of channels")
        let width = checkedWidth(map)
        let (dy, x) = (contiguous(), input.contiguous())
        let (slope, offset) = (more?.slope.contiguous(), more?.offset.contiguous())
        let dx = Tensor(uninitialized: shape, dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: rowCount, grain: rowGrain(width: width)) { rows in
            let at = rows.lowerBound * width * size
            kernels.pointee.normalize_gradient(
                activation.kernelKind, dx.base + at, dy.pointer + at, x.pointer + at,
                map.mean.pointer, map.scale.pointer, map.shift.pointer, slope?.pointer,
                offset?.pointer, rows.count, width)
        }
        withExtendedLifetime((slope, offset)) {}
        return dx
    }

    private func checkedWidth(_ map: ChannelMap) -> Int {
        guard let width = shape.last, map.mean.shape == [width], map.mean.dtype == dtype else {
            requirementFailure(
                "a map of \(map.mean.dtype) \(map.mean.shape) channels does not fit "
                    + "\(dtype) \(shape)")
        }
        return width
    }
}
