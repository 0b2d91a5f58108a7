import CKernels

extension Tensor {
    /// The largest element of each window, channel by channel. Padding is never the largest.
    ///
    /// - Returns: Shape `[count, height, width, channels]`.
    /// - Precondition: This has the shape `[count, height, width, channels]`, and every window meets
    ///   the image.
    public func maximumPooled(_ window: Window) -> Tensor {
        require(rank == 4, "images have four dimensions, not \(shape)")
        let x = contiguous()
        let placed = window.placed(on: shape, channels: shape[3])
        let result = Tensor(
            uninitialized: [shape[0], placed.out_height, placed.out_width, shape[3]], dtype: dtype)
        let kernels = kernels
        withUnsafePointer(to: placed) { window in
            parallel(over: shape[0] * placed.out_height, grain: 4) { rows in
                kernels.pointee.max_pool(
                    window, result.base, x.pointer, rows.lowerBound, rows.count)
            }
        }
        return result
    }

    /// The gradient of ``maximumPooled(_:)``, where this is that of its result: it goes to the
    /// largest element of each window, the first of equals.
    ///
    /// - Parameters:
    ///   - window: The window.
    ///   - input: What was pooled.
    ///   - output: The result.
    /// - Returns: The gradient of `input`, same shape.
    public func maximumPoolingGradient(_ window: Window, input: Tensor, output: Tensor) -> Tensor {
        checkSameShape(output, "the gradient of pooling")
        let (dy, x, y) = (contiguous(), input.contiguous(), output.contiguous())
        let placed = window.placed(on: input.shape, channels: input.shape[3])
        let dx = Tensor(zeros: input.shape, dtype: dtype)
        let (kernels, size) = (kernels, dtype.byteCount)
        let (image, part) = (
            placed.height * placed.width * placed.channels * size,
            placed.outputs * placed.channels * size
        )
        withUnsafePointer(to: placed) { window in
            parallel(tiles: input.shape[0]) { index in
                kernels.pointee.max_pool_gradient(
                    window, dx.base + index * image, dy.pointer + index * part,
                    x.pointer + index * image, y.pointer + index * part)
            }
        }
        return dx
    }

    /// The mean of each window, channel by channel. Padding counts as zeros, as PyTorch has it by
    /// default.
    ///
    /// - Returns: Shape `[count, height, width, channels]`.
    public func averagePooled(_ window: Window) -> Tensor {
        require(rank == 4, "images have four dimensions, not \(shape)")
        let taps = Tensor(
            repeating: 1 / Double(window.taps), shape: [window.taps, shape[3]], dtype: dtype)
        return contiguous().depthwise(weight: taps, window: window, output: .init())
    }

    /// The gradient of ``averagePooled(_:)``, where this is that of its result.
    ///
    /// - Parameters:
    ///   - window: The window.
    ///   - shape: That of what was pooled.
    /// - Returns: That shape.
    public func averagePoolingGradient(_ window: Window, shape: Shape) -> Tensor {
        let weight = Tensor(
            repeating: 1 / Double(window.taps),
            shape: [shape[3], 1, window.vertical.size, window.horizontal.size], dtype: dtype)
        return contiguous().depthwiseInputGradient(weight: weight, window: window, shape: shape)
    }
}
