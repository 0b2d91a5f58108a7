import CKernels

/// The three convolutions of a block that widens its images, convolves every channel alone and narrows
/// them again, with what is done with the output of each.
public struct BottleneckConvolutions: Sendable {
    /// One of them.
    public struct Part: Sendable {
        /// Shape `[outputs, inputs, 1, 1]`, or depthwise `[channels, 1, height, width]`.
        public var weight: Tensor
        /// What is done with the result before it is used.
        public var output: ConvolutionOutput

        /// A part.
        public init(weight: Tensor, output: ConvolutionOutput) {
            (self.weight, self.output) = (weight, output)
        }
    }

    /// Widens, with one pixel; nil leaves the images as they are.
    public var expansion: Part?
    /// Convolves every channel alone.
    public var depthwise: Part
    /// The window of ``depthwise``.
    public var window: Tensor.Window
    /// Narrows, with one pixel.
    public var projection: Part

    /// A block of these parts.
    public init(
        expansion: Part?, depthwise: Part, window: Tensor.Window, projection: Part
    ) {
        (self.expansion, self.depthwise) = (expansion, depthwise)
        (self.window, self.projection) = (window, projection)
    }
}

extension Tensor {
    /// A block's convolutions one after the other, some rows at a time: what is wide stays in the cache
    /// where it is more than a cache holds. To the same bits as one by one.
    ///
    /// - Precondition: The shape is `[count, height, width, channels]`.
    public func convolved(by block: BottleneckConvolutions) -> Tensor {
        let (depthwise, projection) = (block.depthwise, block.projection)
        let width = depthwise.weight.shape[0]
        require(
            rank == 4 && shape[3] == block.expansion?.weight.shape[1] ?? width
                && width == block.expansion?.weight.shape[0] ?? width
                && projection.weight.shape[1] == width,
            "a block of \(block.expansion?.weight.shape ?? []), \(depthwise.weight.shape) and "
                + "\(projection.weight.shape) does not fit \(shape)")
        // Rows that two tiles need are computed twice, which pays only where memory is what limits.
        guard shape[1] * shape[2] * width > 5 << 15 else {
            let wide =
                block.expansion.map {
                    convolved(weight: $0.weight, window: .init(1), output: $0.output)
                } ?? self
            return wide.convolved(
                weight: depthwise.weight, window: block.window, groups: width,
                output: depthwise.output
            ).convolved(
                weight: projection.weight, window: .init(1), output: projection.output)
        }
        return convolvedInTiles(block, width: width)
    }

    private func convolvedInTiles(_ block: BottleneckConvolutions, width: Int) -> Tensor {
        let x = contiguous()
        let placed = block.window.placed(on: shape, channels: width)
        let (inputs, outputs) = (shape[3], block.projection.weight.shape[0])
        let taps = block.depthwise.weight.taps
        let expansion = block.expansion?.weight.contiguous()
        let projection = block.projection.weight.contiguous()
        let result = Tensor(
            uninitialized: [shape[0], placed.out_height, placed.out_width, outputs], dtype: dtype)
        let (size, kernels, precision) = (dtype.byteCount, kernels, Precision.current)
        let rowBytes = placed.out_width * width * size
        let product = {
            (
                a: UnsafeRawPointer, weight: Tensor, rows: Int, c: UnsafeMutableRawPointer,
                output: ConvolutionOutput
            ) in
            let (n, k) = (weight.shape[0], weight.shape[1])
            let finish = output.finish(at: c, width: n, dtype: dtype)
            MatrixProduct(
                dtype: dtype, m: rows, n: n, k: k, a: a, aStrides: (row: k, column: 1),
                b: weight.pointer, bStrides: (row: 1, column: k), c: c, precision: precision
            ).run(finish: finish)
        }
        withUnsafePointer(to: placed) { window in
            parallel(
                over: shape[0] * placed.out_height, grain: placed.rowsAtOnce
            ) { range in
                let seen = placed.inputRows(seenBy: range)
                let pixels = seen.count * placed.width
                let start = x.pointer + seen.lowerBound * placed.width * inputs * size
                let wide = expansion.map { weight in
                    let storage = Storage(byteCount: pixels * width * size)
                    product(
                        start, weight, pixels, storage.base,
                        block.expansion?.output ?? ConvolutionOutput())
                    return storage
                }
                let rows = ImageRows(
                    start: wide.map { UnsafeRawPointer($0.base) } ?? start,
                    first: seen.lowerBound, rowBytes: placed.width * width * size, storage: wide)
                let middle = Storage(byteCount: range.count * rowBytes)
                kernels.pointee.depthwise(
                    window, middle.base - range.lowerBound * rowBytes, rows.base, taps.pointer,
                    nil, range.lowerBound, range.count)
                let count = range.count * placed.out_width
                block.depthwise.output.finish(at: middle.base, width: width, dtype: dtype)?(
                    0..<count, 0..<width)
                product(
                    middle.base, projection, count,
                    result.base + range.lowerBound * placed.out_width * outputs * size,
                    block.projection.output)
                withExtendedLifetime((middle, rows)) {}
            }
        }
        withExtendedLifetime((x, taps, expansion, projection)) {}
        return result
    }
}
