import CKernels

/// What a convolution does with its output while it is in the cache.
public struct ConvolutionOutput: Sendable {
    /// Added to each channel, shape `[outputs]`.
    public var bias: Tensor?
    /// Applied after the bias.
    public var map: ChannelMap?
    /// Applied last.
    public var activation: Activation

    /// Nothing, by default.
    public init(
        bias: Tensor? = nil, map: ChannelMap? = nil, activation: Activation = .identity
    ) {
        (self.bias, self.map, self.activation) = (bias?.contiguous(), map, activation)
    }
}

// Images are [count, height, width, channels]: a convolution with one pixel is then a matrix product
// over all pixels as they lie in memory, and the channels of a depthwise one fill vectors. Weights
// stay as PyTorch has them, [outputs, inputs / groups, height, width]; they are small beside the
// images, and are put in another order when they are used.
extension Tensor {
    /// The convolution of images (cross-correlation, as in all libraries of neural networks).
    ///
    /// - Parameters:
    ///   - weight: Shape `[outputs, channels / groups, window height, window width]`.
    ///   - window: Where it lies.
    ///   - groups: The channels of each group see only those of the same group.
    ///   - output: What is done with the result before it is written.
    /// - Returns: Shape `[count, height, width, outputs]`.
    /// - Precondition: This has the shape `[count, height, width, channels]`.
    public func convolved(
        weight: Tensor, window: Window, groups: Int = 1, output: ConvolutionOutput = .init()
    ) -> Tensor {
        checkConvolution(weight, window, groups)
        let outputs = weight.shape[0]
        let x = contiguous()
        if weight.shape[1] == 1, groups == outputs, groups > 1 {
            return x.depthwise(weight: weight.taps, window: window, output: output)
        }
        let placed = window.placed(on: shape, channels: weight.shape[1])
        let kernels = weight.columns
        if groups == 1 {
            let result = Tensor(
                uninitialized: [shape[0], placed.out_height, placed.out_width, outputs],
                dtype: dtype)
            x.multiply(kernels, placed, window.isOnePixel, group: 0, output, into: result)
            return result
        }
        let part = outputs / groups
        let parts = Tensor(
            uninitialized: [groups, shape[0], placed.out_height, placed.out_width, part],
            dtype: dtype)
        for group in 0..<groups {
            x.multiply(
                kernels.sliced(group * part..<(group + 1) * part), placed, false, group: group,
                .init(), into: parts[group])
        }
        let joined = parts.permuted([1, 2, 3, 0, 4]).reshaped(
            [shape[0], placed.out_height, placed.out_width, outputs])
        return joined.finished(output)
    }

    /// The gradient of the images of ``convolved(weight:window:groups:output:)``, where this is
    /// that of its result, without output settings.
    ///
    /// - Parameters:
    ///   - weight: The weight that was used.
    ///   - window: The window that was used.
    ///   - groups: The groups that were used.
    ///   - shape: That of the images.
    /// - Returns: That shape.
    public func convolutionInputGradient(
        weight: Tensor, window: Window, groups: Int = 1, shape: Shape
    ) -> Tensor {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        let dy = contiguous()
        if inputs == 1, groups == outputs, groups > 1 {
            return dy.depthwiseInputGradient(weight: weight, window: window, shape: shape)
        }
        if groups == 1, window.isOnePixel {
            let rows = dy.reshaped([rowCount, outputs])
            return Tensor.matmul(rows, weight.columns).reshaped(shape)
        }
        let dx = Tensor(uninitialized: shape, dtype: dtype)
        let placed = window.placed(on: shape, channels: inputs)
        let (kernels, size, pixel) = (kernels, dtype.byteCount, shape[3])
        let part = outputs / groups
        let columns = weight.columns
        // So many images at a time that their columns take some megabytes.
        let step = Swift.max(
            1, (1 << 21) / Swift.max(1, placed.outputs * columns.shape[1]))
        for group in 0..<groups {
            let weights = columns.sliced(group * part..<(group + 1) * part)
            for first in stride(from: 0, to: shape[0], by: step) {
                let images = first..<Swift.min(first + step, shape[0])
                let rows = dy.sliced(images).sliced(group * part..<(group + 1) * part, axis: 3)
                    .reshaped([images.count * placed.outputs, part])
                let seen = Tensor.matmul(rows, weights)
                let target =
                    dx.base + (first * placed.height * placed.width * pixel + group * inputs) * size
                withUnsafePointer(to: placed) { window in
                    parallel(over: images.count * placed.height, grain: 4) { range in
                        kernels.pointee.columns_gradient(
                            window, target, seen.pointer, range.lowerBound, range.count, pixel)
                    }
                }
                withExtendedLifetime(seen) {}
            }
        }
        return dx
    }

    /// The gradient of the weight of ``convolved(weight:window:groups:output:)``, where this is
    /// that of its result, without output settings.
    ///
    /// - Parameters:
    ///   - input: The images.
    ///   - window: The window that was used.
    ///   - groups: The groups that were used.
    /// - Returns: Shape `[outputs, channels / groups, window height, window width]`.
    public func convolutionWeightGradient(
        input: Tensor, window: Window, groups: Int = 1
    ) -> Tensor {
        let (outputs, inputs) = (shape[3], input.shape[3] / groups)
        let (dy, x) = (contiguous(), input.contiguous())
        let (height, width) = (window.vertical.size, window.horizontal.size)
        if inputs == 1, groups == outputs, groups > 1 {
            return dy.depthwiseWeightGradient(input: x, window: window)
                .transposed().reshaped([outputs, 1, height, width])
        }
        let placed = window.placed(on: input.shape, channels: inputs)
        let part = outputs / groups
        let sums = (0..<groups).map { group in
            dy.sliced(group * part..<(group + 1) * part, axis: 3).contiguous()
                .columnsProduct(
                    x, placed, isOnePixel: groups == 1 && window.isOnePixel, group: group)
        }
        let gradient = Tensor(uninitialized: [groups, part, height, width, inputs], dtype: dtype)
        for (group, sum) in sums.enumerated() {
            (gradient.base + group * sum.byteCount).copyMemory(
                from: sum.pointer, byteCount: sum.byteCount)
        }
        return gradient.reshaped([outputs, height, width, inputs]).permuted([0, 3, 1, 2])
            .contiguous()
    }

    // MARK: Products

    /// A weight as a matrix `[outputs, window height · window width · inputs]`.
    private var columns: Tensor {
        let taps = shape[2] * shape[3]
        guard taps > 1 else { return reshaped([shape[0], shape[1]]) }
        return permuted([0, 2, 3, 1]).reshaped([shape[0], taps * shape[1]])
    }

    /// So many outputs at a time, that what the window sees of them stays in a cache and the weight
    /// is used often enough to be worth packing.
    private static func positionsAtOnce(_ depth: Int) -> Int {
        Swift.max(256, (1 << 17) / Swift.max(1, depth) / 64 * 64)
    }

    /// The outputs of one group of these images.
    private func multiply(
        _ weights: Tensor, _ window: ck_window, _ isOnePixel: Bool, group: Int,
        _ output: ConvolutionOutput, into result: Tensor
    ) {
        let (depth, outputs, size) = (weights.shape[1], weights.shape[0], dtype.byteCount)
        let (kernels, pixel, precision) = (kernels, shape[3], Precision.current)
        let positions = shape[0] * window.outputs
        let finish = output.finish(result)
        let product = { (a: UnsafeRawPointer, first: Int, count: Int) in
            MatrixProduct(
                dtype: dtype, m: count, n: outputs, k: depth, a: a,
                aStrides: (row: depth, column: 1), b: weights.pointer,
                bStrides: (row: 1, column: depth), c: result.mutableBase + first * outputs * size,
                precision: precision
            ).run { rows, columns in
                finish?(rows.lowerBound + first..<rows.upperBound + first, columns)
            }
        }
        guard !isOnePixel else { return product(pointer, 0, positions) }
        let start = pointer + group * window.channels * size
        let grain = Self.positionsAtOnce(depth)
        withUnsafePointer(to: window) { window in
            parallel(over: positions, grain: grain) { range in
                let seen = Storage(byteCount: range.count * depth * size)
                kernels.pointee.columns(
                    window, seen.base, start, range.lowerBound, range.count, pixel)
                product(seen.base, range.lowerBound, range.count)
                withExtendedLifetime(seen) {}
            }
        }
        withExtendedLifetime((self, weights, result)) {}
    }

    /// `dyᵀ columns`, where this is `dy [count, height, width, outputs]`, in parts that depend on
    /// the shapes only.
    private func columnsProduct(
        _ x: Tensor, _ window: ck_window, isOnePixel: Bool, group: Int
    ) -> Tensor {
        let (outputs, positions, size) = (shape[3], rowCount, dtype.byteCount)
        let depth = window.kernel_height * window.kernel_width * window.channels
        let (kernels, pixel, precision) = (kernels, x.shape[3], Precision.current)
        let start = x.pointer + group * window.channels * size
        let product = { (range: Range<Int>, seen: UnsafeRawPointer, c: UnsafeMutableRawPointer) in
            MatrixProduct(
                dtype: dtype, m: outputs, n: depth, k: range.count,
                a: pointer + range.lowerBound * outputs * size,
                aStrides: (row: 1, column: outputs), b: seen,
                bStrides: (row: depth, column: 1), c: c, precision: precision
            ).run()
        }
        // A large weight gives threads enough to do; for a small one they share the positions.
        let isLarge = outputs * depth > 1 << 16
        let grain =
            isLarge
            ? Swift.max(1, (1 << 22) / depth)
            : Swift.max(1, (1 << 18) / Swift.max(1, depth), (positions + 63) / 64)
        let tiles = isOnePixel && isLarge ? 1 : (positions + grain - 1) / grain
        guard tiles > 1 || !isOnePixel else {
            let sum = Tensor(uninitialized: [outputs, depth], dtype: dtype)
            product(0..<positions, start, sum.base)
            return sum
        }
        guard !isLarge else {
            var sum: Tensor?
            for first in stride(from: 0, to: positions, by: grain) {
                let range = first..<Swift.min(first + grain, positions)
                let seen = Storage(byteCount: range.count * depth * size)
                withUnsafePointer(to: window) { window in
                    parallel(over: range.count, grain: 64) { part in
                        kernels.pointee.columns(
                            window, seen.base + part.lowerBound * depth * size, start,
                            first + part.lowerBound, part.count, pixel)
                    }
                }
                let partial = Tensor(uninitialized: [outputs, depth], dtype: dtype)
                product(range, seen.base, partial.base)
                withExtendedLifetime(seen) {}
                if sum == nil { sum = partial } else { sum?.accumulate(partial) }
            }
            return sum ?? Tensor(zeros: [outputs, depth], dtype: dtype)
        }
        let partial = Tensor(uninitialized: [tiles, outputs, depth], dtype: dtype)
        withUnsafePointer(to: window) { window in
            parallel(over: positions, grain: grain) { range in
                let target = partial.base + range.lowerBound / grain * outputs * depth * size
                guard !isOnePixel else {
                    return product(range, start + range.lowerBound * depth * size, target)
                }
                let seen = Storage(byteCount: range.count * depth * size)
                kernels.pointee.columns(
                    window, seen.base, start, range.lowerBound, range.count, pixel)
                product(range, seen.base, target)
                withExtendedLifetime(seen) {}
            }
        }
        withExtendedLifetime((self, x)) {}
        return partial.sum(axis: 0)
    }

    private func checkConvolution(_ weight: Tensor, _ window: Window, _ groups: Int) {
        require(
            rank == 4 && weight.rank == 4 && groups > 0 && weight.dtype == dtype
                && shape[3] == weight.shape[1] * groups && weight.shape[0] % groups == 0
                && weight.shape[2] == window.vertical.size
                && weight.shape[3] == window.horizontal.size,
            "a convolution in \(groups) groups with weight \(weight.dtype) \(weight.shape) and a "
                + "window of \(window.vertical.size) by \(window.horizontal.size) does not fit "
                + "\(dtype) \(shape)")
    }
}

extension Tensor {
    /// Where a freshly made, contiguous tensor or a part of it begins, for the operation that fills
    /// it.
    var mutableBase: UnsafeMutableRawPointer { base + offset * dtype.byteCount }

    /// The output settings applied to a result that has been written without them.
    func finished(_ output: ConvolutionOutput) -> Tensor {
        if let map = output.map {
            return mapped(map.after(bias: output.bias), activation: output.activation)
        }
        let sum = output.bias.map { self + $0 } ?? self
        return output.activation == .identity ? sum : sum.activated(output.activation)
    }
}

extension ConvolutionOutput {
    /// What is done with rows and columns of `result`, a matrix of all its pixels, in place; nil if
    /// nothing is.
    func finish(_ result: Tensor) -> ((_ rows: Range<Int>, _ columns: Range<Int>) -> Void)? {
        finish(at: result.mutableBase, width: result.shape.last ?? 0, dtype: result.dtype)
    }

    /// The same for a matrix of `width` columns that begins at `base`.
    func finish(
        at base: UnsafeMutableRawPointer, width: Int, dtype: Tensor.DType
    ) -> ((_ rows: Range<Int>, _ columns: Range<Int>) -> Void)? {
        let (size, kernels) = (dtype.byteCount, ck_kernels_for(dtype.kernelType))
        let kind = activation.kernelKind
        if let map = map?.after(bias: bias) {
            require(map.mean.shape == [width], "a map of \(map.mean.shape) channels for \(width)")
            return { rows, columns in
                let (at, channel) = (
                    base + (rows.lowerBound * width + columns.lowerBound) * size,
                    columns.lowerBound * size
                )
                kernels.pointee.normalize(
                    kind, at, width, at, width, map.mean.pointer + channel,
                    map.scale.pointer + channel, map.shift.pointer + channel, rows.count,
                    columns.count)
            }
        }
        require(bias.map { $0.shape == [width] } != false, "a bias does not fit \(width) channels")
        guard bias != nil || activation != .identity else { return nil }
        return { [bias] rows, columns in
            for row in rows {
                let at = base + (row * width + columns.lowerBound) * size
                if let bias {
                    kernels.pointee.bias_activate(
                        kind, at, at, bias.pointer + columns.lowerBound * size, 1, columns.count)
                } else {
                    kernels.pointee.activate(kind, at, at, columns.count)
                }
            }
        }
    }
}
