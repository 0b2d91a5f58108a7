import CKernels

/// Images as they were before a normalisation and an activation, which are applied to a few rows at a
/// time where they are used: what is normalised is never written to memory.
///
/// A network of convolutions with batch normalisation moves more numbers than it multiplies. So each
/// convolution reads what it needs of these images into the cache, normalises it there, and takes the
/// moments of its own output while that is in the cache.
public struct NormalizedImages: Sendable {
    /// Shape `[count, height, width, channels]`, contiguous.
    public let raw: Tensor
    /// What is applied to it; nil leaves it as it is.
    public let map: ChannelMap?
    /// What is applied after the map.
    public let activation: Activation

    /// Images that `map` and `activation` are still to be applied to.
    ///
    /// - Precondition: The shape is `[count, height, width, channels]`. Without a map, there is no
    ///   activation.
    public init(_ raw: Tensor, map: ChannelMap? = nil, activation: Activation = .identity) {
        require(
            raw.rank == 4 && map.map { $0.mean.shape == [raw.shape[3]] } != false
                && (map != nil || activation == .identity),
            "a map of \(map?.mean.shape ?? []) channels and \(activation) on \(raw.shape)")
        (self.raw, self.map, self.activation) = (raw.contiguous(), map, activation)
    }

    /// The images with everything applied.
    public var applied: Tensor { map.map { raw.mapped($0, activation: activation) } ?? raw }

    /// The convolution of the images, and the moments of each channel of the result.
    ///
    /// - Parameters:
    ///   - weight: Shape `[outputs, channels / groups, window height, window width]`.
    ///   - window: Where it lies.
    ///   - groups: The channels of each group see only those of the same group.
    /// - Returns: Shape `[count, height, width, outputs]`, and its mean and population variance over all
    ///   dimensions but the last, `[outputs]`.
    /// - Precondition: There is at least one output pixel.
    public func convolved(
        weight: Tensor, window: Tensor.Window, groups: Int
    ) -> (output: Tensor, mean: Tensor, variance: Tensor) {
        switch Kind(weight: weight, window: window, groups: groups) {
        case .onePixel: return convolvedWithOnePixel(weight)
        case .depthwise: return convolvedDepthwise(weight, window)
        case .other:
            let output = applied.convolved(weight: weight, window: window, groups: groups)
            let moments = output.channelMoments()
            return (output, moments.mean, moments.variance)
        }
    }

    /// How a convolution is computed.
    enum Kind {
        case onePixel, depthwise, other

        init(weight: Tensor, window: Tensor.Window, groups: Int) {
            if groups == 1, window.isOnePixel {
                self = .onePixel
            } else if groups > 1, weight.shape[0] == groups, weight.shape[1] == 1 {
                self = .depthwise
            } else {
                self = .other
            }
        }
    }

    // MARK: One pixel

    /// So many pixels at a time, that what is normalised of them and what is made of it stay in a
    /// cache, and the weight is used often enough to be worth packing.
    static func pixelsAtOnce(_ channels: Int, _ outputs: Int) -> Int {
        Swift.max(256, (1 << 17) / Swift.max(1, channels, outputs) / 64 * 64)
    }

    private func convolvedWithOnePixel(
        _ weight: Tensor
    ) -> (output: Tensor, mean: Tensor, variance: Tensor) {
        let (channels, outputs, size) = (raw.shape[3], weight.shape[0], raw.dtype.byteCount)
        let output = Tensor(
            uninitialized: [raw.shape[0], raw.shape[1], raw.shape[2], outputs], dtype: raw.dtype)
        let (weights, precision) = (weight.contiguous(), Tensor.Precision.current)
        let pixels = output.rowCount
        let grain = Self.pixelsAtOnce(channels, outputs)
        let moments = Moments(tiles: (pixels + grain - 1) / grain, of: output)
        parallel(over: pixels, grain: grain) { range in
            let scratch = scratch(range.count)
            let target = output.base + range.lowerBound * outputs * size
            MatrixProduct(
                dtype: raw.dtype, m: range.count, n: outputs, k: channels,
                a: rows(range, in: scratch), aStrides: (row: channels, column: 1),
                b: weights.pointer, bStrides: (row: 1, column: channels), c: target,
                precision: precision
            ).run()
            moments.take(target, range.count, tile: range.lowerBound / grain)
            withExtendedLifetime(scratch) {}
        }
        withExtendedLifetime(weights) {}
        let joined = moments.joined(grain: grain, rows: pixels)
        return (output, joined.mean, joined.variance)
    }

    // MARK: Depthwise

    private func convolvedDepthwise(
        _ weight: Tensor, _ window: Tensor.Window
    ) -> (output: Tensor, mean: Tensor, variance: Tensor) {
        let placed = window.placed(on: raw.shape, channels: raw.shape[3])
        let output = Tensor(
            uninitialized: [raw.shape[0], placed.out_height, placed.out_width, raw.shape[3]],
            dtype: raw.dtype)
        let (taps, kernels) = (weight.taps, raw.kernels)
        let grain = placed.rowsAtOnce
        let rowBytes = placed.out_width * placed.channels * raw.dtype.byteCount
        let rowCount = raw.shape[0] * placed.out_height
        let moments = Moments(tiles: (rowCount + grain - 1) / grain, of: output)
        withUnsafePointer(to: placed) { window in
            parallel(over: rowCount, grain: grain) { range in
                let seen = imageRows(placed.inputRows(seenBy: range))
                kernels.pointee.depthwise(
                    window, output.base, seen.base, taps.pointer, nil, range.lowerBound,
                    range.count)
                moments.take(
                    output.base + range.lowerBound * rowBytes, range.count * placed.out_width,
                    tile: range.lowerBound / grain)
                withExtendedLifetime(seen) {}
            }
        }
        withExtendedLifetime(taps) {}
        let joined = moments.joined(
            grain: grain * placed.out_width, rows: rowCount * placed.out_width)
        return (output, joined.mean, joined.variance)
    }

    // MARK: Parts of the images

    /// Room for so many normalised pixels; nil if they are read where they are.
    func scratch(_ pixels: Int) -> Storage? {
        map.map { _ in Storage(byteCount: pixels * raw.shape[3] * raw.dtype.byteCount) }
    }

    /// Some pixels, counted through all images, normalised in `scratch`.
    func rows(_ range: Range<Int>, in scratch: Storage?) -> UnsafeRawPointer {
        let width = raw.shape[3]
        let source = raw.pointer + range.lowerBound * width * raw.dtype.byteCount
        guard let map, let scratch else { return source }
        raw.kernels.pointee.normalize(
            activation.kernelKind, scratch.base, width, source, width, map.mean.pointer,
            map.scale.pointer, map.shift.pointer, range.count, width)
        return UnsafeRawPointer(scratch.base)
    }

    /// Some rows of images, counted through all of them, normalised.
    func imageRows(_ range: Range<Int>) -> ImageRows {
        let width = raw.shape[2]
        let scratch = scratch(range.count * width)
        let start = rows(range.lowerBound * width..<range.upperBound * width, in: scratch)
        return ImageRows(
            start: start, first: range.lowerBound,
            rowBytes: width * raw.shape[3] * raw.dtype.byteCount, storage: scratch)
    }
}

/// Rows of images that a kernel reads, which counts rows through all images.
struct ImageRows {
    /// Where the first row of the first image would lie; only the rows that are there are read.
    let base: UnsafeRawPointer
    private let storage: Storage?

    init(start: UnsafeRawPointer, first: Int, rowBytes: Int, storage: Storage?) {
        base = start - first * rowBytes
        self.storage = storage
    }
}

/// The moments of the channels of a result, taken tile by tile.
struct Moments: Sendable {
    private let partial: Tensor
    private let tiles: Int

    /// Room for those of `tiles` tiles.
    init(tiles: Int, of result: Tensor) {
        require(tiles > 0, "no pixel of \(result.shape) has moments")
        partial = Tensor(
            uninitialized: [2, tiles, result.shape[result.rank - 1]], dtype: result.dtype)
        self.tiles = tiles
    }

    /// Takes those of one tile, whose rows lie one after the other.
    func take(_ rows: UnsafeMutableRawPointer, _ count: Int, tile: Int) {
        let width = partial.shape[2]
        let part = width * partial.dtype.byteCount
        partial.kernels.pointee.moments(
            partial.base + tile * part, partial.base + (tiles + tile) * part, rows, count, width)
    }

    /// Those of all rows, of which each tile but the last had `grain`.
    func joined(grain: Int, rows: Int) -> (mean: Tensor, variance: Tensor) {
        let width = partial.shape[2]
        let part = width * partial.dtype.byteCount
        let result = Tensor(uninitialized: [2, width], dtype: partial.dtype)
        partial.kernels.pointee.join_moments(
            result.base, result.base + part, partial.base, partial.base + tiles * part, grain,
            rows, width)
        return (result[0], result[1])
    }
}

extension ck_window {
    /// Rows of outputs that one tile takes: those of a part of an image, all parts equal, whose inputs
    /// fill half a megabyte of floats at most if that is possible.
    var rowsAtOnce: Int {
        let wanted = Swift.max(1, (1 << 17) / Swift.max(1, width * channels * stride_y))
        guard wanted < out_height else { return Swift.max(1, out_height) }
        return (1...wanted).last { out_height % $0 == 0 } ?? 1
    }

    /// The rows of the images that outputs of some rows, which belong to one image, see. All rows are
    /// counted through all images.
    func inputRows(seenBy outputs: Range<Int>) -> Range<Int> {
        let image = outputs.lowerBound / out_height
        let first = (outputs.lowerBound - image * out_height) * stride_y - top
        let last =
            (outputs.upperBound - 1 - image * out_height) * stride_y - top
            + (kernel_height - 1) * dilation_y
        let begin = Swift.min(height, Swift.max(0, first))
        let end = Swift.max(begin, Swift.min(height, last + 1))
        return image * height + begin..<image * height + end
    }

    /// The rows of the images that belong to the outputs of a tile: every row to one tile.
    func inputRows(of outputs: Range<Int>) -> Range<Int> {
        let image = outputs.lowerBound / out_height
        let (first, end) = (
            outputs.lowerBound - image * out_height, outputs.upperBound - image * out_height
        )
        let begin = Swift.min(height, first * stride_y)
        let last = end == out_height ? height : Swift.min(height, end * stride_y)
        return image * height + begin..<image * height + last
    }

    /// The rows of outputs that see any of some rows of one image.
    func outputRows(seeing inputs: Range<Int>) -> Range<Int> {
        let image = inputs.lowerBound / height
        let first = inputs.lowerBound - image * height + top - (kernel_height - 1) * dilation_y
        let last = inputs.upperBound - 1 - image * height + top
        let begin = Swift.max(0, first <= 0 ? 0 : (first + stride_y - 1) / stride_y)
        let end = last < 0 ? 0 : Swift.min(out_height, last / stride_y + 1)
        let start = Swift.min(begin, out_height)
        return image * out_height + start..<image * out_height + Swift.max(start, end)
    }
}
