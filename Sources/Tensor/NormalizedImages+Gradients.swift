import CKernels

/// The gradient of the input of a batch normalisation, kept as what it is computed from:
/// `dz · scale + (x − mean) · slope + offset`, where `dz` is `dy` times the slope of the activation.
public struct NormalizationGradient: Sendable {
    /// The gradient of what was activated, shape `[count, height, width, channels]`.
    let dy: Tensor
    /// What was normalised.
    let images: NormalizedImages
    private let map: ChannelMap
    private let slope: Tensor
    private let offset: Tensor

    /// A gradient of these parts.
    ///
    /// - Parameters:
    ///   - dy: The gradient of what came out, same shape as `images`.
    ///   - images: What was normalised, with its map.
    ///   - slope: What the statistics' dependence on x adds for each of its differences to the mean.
    ///   - offset: What it adds besides.
    public init(_ dy: Tensor, of images: NormalizedImages, slope: Tensor, offset: Tensor) {
        images.raw.checkSameShape(dy, "the gradient of a normalisation")
        guard let map = images.map else { requirementFailure("the images have no normalisation") }
        (self.dy, self.images, self.map) = (dy.contiguous(), images, map)
        (self.slope, self.offset) = (slope.contiguous(), offset.contiguous())
    }

    /// All of it.
    var applied: Tensor {
        dy.mapGradient(
            map, input: images.raw, activation: images.activation, adding: (slope, offset))
    }

    /// Some pixels, counted through all images, computed in `scratch`.
    func rows(_ range: Range<Int>, in scratch: Storage) -> UnsafeRawPointer {
        let width = dy.shape[3]
        let at = range.lowerBound * width * dy.dtype.byteCount
        dy.kernels.pointee.normalize_gradient(
            images.activation.kernelKind, scratch.base, dy.pointer + at, images.raw.pointer + at,
            map.mean.pointer, map.scale.pointer, map.shift.pointer, slope.pointer, offset.pointer,
            range.count, width)
        return UnsafeRawPointer(scratch.base)
    }

    /// Some rows of images, counted through all of them.
    func imageRows(_ range: Range<Int>) -> ImageRows {
        let width = dy.shape[2]
        let rowBytes = width * dy.shape[3] * dy.dtype.byteCount
        let scratch = Storage(byteCount: range.count * rowBytes)
        let start = rows(range.lowerBound * width..<range.upperBound * width, in: scratch)
        return ImageRows(
            start: start, first: range.lowerBound, rowBytes: rowBytes, storage: scratch)
    }
}

/// The gradients of a convolution of ``NormalizedImages``.
public struct NormalizedConvolutionGradients: Sendable {
    /// That of the images with everything applied; nil if nobody needs it.
    public var input: Tensor?
    /// What ``Tensor/mapGradientSums(_:input:activation:)`` makes of it, if the images have a map.
    public var inputSums: (shift: Tensor, scale: Tensor)?
    /// That of the weight; nil if nobody needs it.
    public var weight: Tensor?
}

extension NormalizedImages {
    /// The gradients of ``convolved(weight:window:groups:)``.
    ///
    /// One pass over the images makes them all: the gradient of the output is computed where it is
    /// used, and what the normalisation below needs to know of the input's is taken while that is in the
    /// cache.
    ///
    /// - Parameters:
    ///   - gradient: That of the output.
    ///   - weight: The weight that was used.
    ///   - window: The window that was used.
    ///   - groups: The groups that were used.
    ///   - needs: Which gradients are wanted.
    /// - Returns: Those that are wanted.
    public func convolutionGradients(
        _ gradient: NormalizationGradient, weight: Tensor, window: Tensor.Window, groups: Int,
        needs: (input: Bool, weight: Bool)
    ) -> NormalizedConvolutionGradients {
        switch Kind(weight: weight, window: window, groups: groups) {
        case .onePixel: return onePixelGradients(gradient, weight, needs)
        case .depthwise: return depthwiseGradients(gradient, weight, window, needs)
        case .other:
            let dy = gradient.applied
            let input =
                needs.input
                ? dy.convolutionInputGradient(
                    weight: weight, window: window, groups: groups, shape: raw.shape) : nil
            let sums = map.flatMap { map in
                input?.mapGradientSums(map, input: raw, activation: activation)
            }
            return NormalizedConvolutionGradients(
                input: input, inputSums: sums,
                weight: needs.weight
                    ? dy.convolutionWeightGradient(input: applied, window: window, groups: groups)
                    : nil)
        }
    }

    // MARK: One pixel

    private func onePixelGradients(
        _ gradient: NormalizationGradient, _ weight: Tensor, _ needs: (input: Bool, weight: Bool)
    ) -> NormalizedConvolutionGradients {
        let (channels, outputs, size) = (raw.shape[3], weight.shape[0], raw.dtype.byteCount)
        let (weights, precision, dtype) = (weight.contiguous(), Tensor.Precision.current, raw.dtype)
        let pixels = raw.rowCount
        let grain = Self.pixelsAtOnce(channels, outputs)
        let tiles = (pixels + grain - 1) / grain
        let dx = needs.input ? Tensor(uninitialized: raw.shape, dtype: dtype) : nil
        let sums = GradientSums(tiles: tiles, of: self, needed: needs.input)
        let partial =
            needs.weight ? Tensor(uninitialized: [tiles, outputs, channels], dtype: dtype) : nil
        parallel(over: pixels, grain: grain) { range in
            let tile = range.lowerBound / grain
            let received = Storage(byteCount: range.count * outputs * size)
            let dy = gradient.rows(range, in: received)
            if let dx {
                let target = dx.base + range.lowerBound * channels * size
                MatrixProduct(
                    dtype: dtype, m: range.count, n: channels, k: outputs, a: dy,
                    aStrides: (row: outputs, column: 1), b: weights.pointer,
                    bStrides: (row: channels, column: 1), c: target, precision: precision
                ).run()
                sums?.take(target, pixels: range, tile: tile)
            }
            if let partial {
                let scratch = scratch(range.count)
                MatrixProduct(
                    dtype: dtype, m: outputs, n: channels, k: range.count, a: dy,
                    aStrides: (row: 1, column: outputs), b: rows(range, in: scratch),
                    bStrides: (row: channels, column: 1),
                    c: partial.base + tile * outputs * channels * size, precision: precision
                ).run()
                withExtendedLifetime(scratch) {}
            }
            withExtendedLifetime(received) {}
        }
        withExtendedLifetime(weights) {}
        return NormalizedConvolutionGradients(
            input: dx, inputSums: sums?.joined,
            weight: partial?.sum(axis: 0).reshaped([outputs, channels, 1, 1]))
    }

    // MARK: Depthwise

    private func depthwiseGradients(
        _ gradient: NormalizationGradient, _ weight: Tensor, _ window: Tensor.Window,
        _ needs: (input: Bool, weight: Bool)
    ) -> NormalizedConvolutionGradients {
        let placed = window.placed(on: raw.shape, channels: raw.shape[3])
        let (taps, dtype) = (weight.taps, raw.dtype)
        let grain = placed.rowsAtOnce
        let rowCount = raw.shape[0] * placed.out_height
        let tiles = (rowCount + grain - 1) / grain
        let dx = needs.input ? Tensor(uninitialized: raw.shape, dtype: dtype) : nil
        let sums = GradientSums(tiles: tiles, of: self, needed: needs.input)
        let partial =
            needs.weight
            ? Tensor(zeros: [tiles, window.taps, placed.channels], dtype: dtype) : nil
        let step = DepthwiseInputGradient(placed, taps: taps)
        let kernels = raw.kernels
        parallel(over: rowCount, grain: grain) { range in
            let tile = range.lowerBound / grain
            let inputs = placed.inputRows(of: range)
            let seeing = inputs.isEmpty ? range : placed.outputRows(seeing: inputs)
            let first = Swift.min(range.lowerBound, seeing.isEmpty ? .max : seeing.lowerBound)
            let end = Swift.max(range.upperBound, seeing.upperBound)
            let dy = gradient.imageRows(first..<end)
            if let dx, !inputs.isEmpty {
                step.compute(dx, from: dy, rows: inputs)
                let width = placed.width
                sums?.take(
                    dx.base + inputs.lowerBound * width * placed.channels * dtype.byteCount,
                    pixels: inputs.lowerBound * width..<inputs.upperBound * width, tile: tile)
            }
            if let partial {
                let seen = imageRows(placed.inputRows(seenBy: range))
                withUnsafePointer(to: placed) { window in
                    kernels.pointee.depthwise_weight_gradient(
                        window,
                        partial.base + tile * partial.shape[1] * placed.channels * dtype.byteCount,
                        dy.base, seen.base, range.lowerBound, range.count)
                }
                withExtendedLifetime(seen) {}
            }
            withExtendedLifetime(dy) {}
        }
        return NormalizedConvolutionGradients(
            input: dx, inputSums: sums?.joined,
            weight: partial.map {
                $0.sum(axis: 0).transposed().reshaped(weight.shape).contiguous()
            })
    }
}

/// The sums over the pixels of a gradient that the normalisation of the images needs, taken tile by
/// tile.
private struct GradientSums: Sendable {
    private let images: NormalizedImages
    private let map: ChannelMap
    private let partial: Tensor
    private let tiles: Int

    /// Room for those of `tiles` tiles; nil if the images have no normalisation or nobody needs them.
    init?(tiles: Int, of images: NormalizedImages, needed: Bool) {
        guard needed, let map = images.map else { return nil }
        (self.images, self.map, self.tiles) = (images, map, tiles)
        partial = Tensor(zeros: [2, tiles, images.raw.shape[3]], dtype: images.raw.dtype)
    }

    /// Takes those of one tile: `dy` is the gradient of these pixels of the images.
    func take(_ dy: UnsafeMutableRawPointer, pixels: Range<Int>, tile: Int) {
        let width = partial.shape[2]
        let part = width * partial.dtype.byteCount
        partial.kernels.pointee.normalize_gradient_sums(
            images.activation.kernelKind, partial.base + tile * part,
            partial.base + (tiles + tile) * part, dy,
            images.raw.pointer + pixels.lowerBound * part, map.mean.pointer, map.scale.pointer,
            map.shift.pointer, pixels.count, width)
    }

    var joined: (shift: Tensor, scale: Tensor) {
        let sums = partial.sum(axis: 1)
        return (sums[0], sums[1])
    }
}

/// Computes rows of the gradient of a depthwise convolution's images.
private struct DepthwiseInputGradient: @unchecked Sendable {
    private let window: ck_window
    private let taps: Tensor
    private let isTurned: Bool

    init(_ window: ck_window, taps: Tensor) {
        isTurned = window.stride_x == 1 && window.stride_y == 1
        // With stride 1, a convolution of the gradient with the window turned around.
        self.window = isTurned ? window.transposed : window
        self.taps =
            isTurned ? taps.gatheringRows((0..<Int32(taps.shape[0])).reversed()) : taps
    }

    func compute(_ dx: Tensor, from dy: ImageRows, rows: Range<Int>) {
        let kernels = dx.kernels
        withUnsafePointer(to: window) { window in
            if isTurned {
                kernels.pointee.depthwise(
                    window, dx.base, dy.base, taps.pointer, nil, rows.lowerBound, rows.count)
            } else {
                kernels.pointee.depthwise_input_gradient(
                    window, dx.base, dy.base, taps.pointer, rows.lowerBound, rows.count)
            }
        }
    }
}
