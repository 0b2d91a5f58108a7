import CKernels

// Convolutions in which each channel has a window of its own and sees no other.
extension Tensor {
    /// A depthwise weight `[channels, 1, height, width]` as `[height · width, channels]`.
    var taps: Tensor { reshaped([shape[0], shape[2] * shape[3]]).transposed().contiguous() }

    /// Rows of images of `width` pixels that one tile takes.
    private static func rowsAtOnce(_ width: Int, _ channels: Int) -> Int {
        Swift.max(1, (1 << 16) / Swift.max(1, width * channels))
    }

    /// The convolution with a weight `[taps, channels]`.
    func depthwise(weight: Tensor, window: Window, output: ConvolutionOutput) -> Tensor {
        let placed = window.placed(on: shape, channels: shape[3])
        let result = Tensor(
            uninitialized: [shape[0], placed.out_height, placed.out_width, shape[3]], dtype: dtype)
        let finish = output.finish(result)
        runDepthwise(weight, placed, into: result, finish: finish)
        return result
    }

    private func runDepthwise(
        _ weight: Tensor, _ window: ck_window, into result: Tensor,
        finish: ((Range<Int>, Range<Int>) -> Void)?
    ) {
        let (kernels, channels, width) = (kernels, shape[3], window.out_width)
        withUnsafePointer(to: window) { window in
            parallel(
                over: shape[0] * window.pointee.out_height,
                grain: Self.rowsAtOnce(width, channels)
            ) { rows in
                // Row by row, so that what follows finds it in the cache.
                for row in rows {
                    kernels.pointee.depthwise(
                        window, result.base, pointer, weight.pointer, nil, row, 1)
                    finish?(row * width..<(row + 1) * width, 0..<channels)
                }
            }
        }
        withExtendedLifetime((self, weight)) {}
    }

    /// The gradient of the images, where this is that of the result; `weight` is as PyTorch has it.
    func depthwiseInputGradient(weight: Tensor, window: Window, shape: Shape) -> Tensor {
        let channels = shape[3]
        let placed = window.placed(on: shape, channels: channels)
        let dx = Tensor(uninitialized: shape, dtype: dtype)
        let taps = weight.taps
        if placed.stride_x == 1, placed.stride_y == 1 {
            // A convolution of the gradient with the window turned around.
            let turned = taps.gatheringRows((0..<Int32(taps.shape[0])).reversed())
            runDepthwise(turned, placed.transposed, into: dx, finish: nil)
            return dx
        }
        let kernels = kernels
        withUnsafePointer(to: placed) { window in
            parallel(
                over: shape[0] * placed.height, grain: Self.rowsAtOnce(placed.width, channels)
            ) { rows in
                kernels.pointee.depthwise_input_gradient(
                    window, dx.base, pointer, taps.pointer, rows.lowerBound, rows.count)
            }
        }
        withExtendedLifetime((self, taps)) {}
        return dx
    }

    /// The gradient of the weight, shape `[taps, channels]`, where this is that of the result.
    func depthwiseWeightGradient(input: Tensor, window: Window) -> Tensor {
        let placed = window.placed(on: input.shape, channels: input.shape[3])
        let (kernels, channels) = (kernels, input.shape[3])
        let rows = shape[0] * placed.out_height
        let grain = Swift.max(Self.rowsAtOnce(placed.out_width, channels), (rows + 63) / 64)
        let tiles = (rows + grain - 1) / grain
        let size = window.taps * channels
        let partial = Tensor(zeros: [tiles, window.taps, channels], dtype: dtype)
        withUnsafePointer(to: placed) { window in
            parallel(over: rows, grain: grain) { range in
                let tile = range.lowerBound / grain
                kernels.pointee.depthwise_weight_gradient(
                    window, partial.base + tile * size * dtype.byteCount, pointer, input.pointer,
                    range.lowerBound, range.count)
            }
        }
        withExtendedLifetime((self, input)) {}
        return partial.sum(axis: 0)
    }
}
