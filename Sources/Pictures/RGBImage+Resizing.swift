public import FineTune

extension RGBImage {
    /// The picture in another size, each of its pixels a mean of all that it covers.
    ///
    /// The numbers are those of Pillow's `resize`: triangular or cubic windows (a = −0.5) that widen
    /// with the reduction, weights of 22 bits, columns before rows, and rounding after each.
    ///
    /// - Parameters:
    ///   - height: Its rows.
    ///   - width: Its columns.
    ///   - interpolation: The window.
    /// - Returns: A picture of that size.
    /// - Precondition: Both are positive.
    public func resized(
        height: Int, width: Int, interpolation: ImageSpecification.Interpolation
    ) -> RGBImage {
        resized(
            height: height, width: width, rows: 0..<height, columns: 0..<width,
            interpolation: interpolation)
    }

    /// A part of what the picture would be in another size. Only the part is computed: a long line
    /// that is to become as high as a square would be of any length.
    func resized(
        height: Int, width: Int, rows: Range<Int>, columns: Range<Int>,
        interpolation: ImageSpecification.Interpolation
    ) -> RGBImage {
        precondition(
            rows.lowerBound >= 0 && rows.upperBound <= height && columns.lowerBound >= 0
                && columns.upperBound <= width && !rows.isEmpty && !columns.isEmpty,
            "rows \(rows) and columns \(columns) are no part of \(height) × \(width) pixels")
        let across = ResamplingWindows(
            from: self.width, to: width, part: columns, interpolation: interpolation)
        let down = ResamplingWindows(
            from: self.height, to: height, part: rows, interpolation: interpolation)
        let stride = columns.count * 3
        var line = [UInt8](repeating: 0, count: stride)
        // Each row of the source is added where it counts and then forgotten, so that no picture
        // between the two is ever held.
        var sums = [Int32](repeating: ResamplingWindows.half, count: rows.count * stride)
        var first = 0
        for row in down.source {
            let start = row * self.width * 3
            pixels.withUnsafeBufferPointer { pixels in
                across.resample(
                    UnsafeBufferPointer(rebasing: pixels[start..<start + self.width * 3]),
                    to: &line)
            }
            while first < rows.count, down.ends[first] <= row { first += 1 }
            var target = first
            while target < rows.count, down.starts[target] <= row {
                let weight = down.weight(of: row, in: target)
                sums.withUnsafeMutableBufferPointer { sums in
                    let sums = UnsafeMutableBufferPointer(
                        rebasing: sums[target * stride..<(target + 1) * stride])
                    for place in 0..<stride { sums[place] &+= Int32(line[place]) &* weight }
                }
                target += 1
            }
        }
        return RGBImage(
            height: rows.count, width: columns.count, pixels: sums.map(ResamplingWindows.rounded))
    }
}

/// For each of some places along one side of the new picture, the places of the old one that it
/// covers, and their weights.
private struct ResamplingWindows {
    /// The first place of each window, and the one after its last.
    private(set) var starts: [Int] = []
    private(set) var ends: [Int] = []
    private var weights: [Int32] = []
    /// Where the weights of each window begin.
    private var offsets: [Int] = []

    private static let bits: Int32 = 22
    /// What a sum begins with to be rounded to nearest.
    static let half = Int32(1) << (bits - 1)

    init(
        from old: Int, to new: Int, part: Range<Int>,
        interpolation: ImageSpecification.Interpolation
    ) {
        let step = Double(old) / Double(new)
        let widening = max(step, 1)
        let support = (interpolation == .bicubic ? 2.0 : 1.0) * widening
        for place in part {
            let center = (Double(place) + 0.5) * step
            let start = max(0, Int(center - support + 0.5))
            let end = min(old, Int(center + support + 0.5))
            let values = (start..<end).map { source in
                let distance = (Double(source) - center + 0.5) / widening
                return interpolation == .bicubic ? Self.cubic(distance) : Self.triangle(distance)
            }
            let sum = values.reduce(0, +)
            starts.append(start)
            ends.append(end)
            offsets.append(weights.count)
            weights += values.map {
                Int32(($0 / sum * Double(Int32(1) << Self.bits)).rounded(.toNearestOrAwayFromZero))
            }
        }
    }

    private static func triangle(_ x: Double) -> Double { max(0, 1 - abs(x)) }

    /// Keys, "Cubic Convolution Interpolation for Digital Image Processing" (1981), equation 4 with
    /// a = −0.5.
    private static func cubic(_ x: Double) -> Double {
        let (x, a) = (abs(x), -0.5)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }

    /// All places of the old picture that any window covers.
    var source: Range<Int> { starts[0]..<ends[ends.count - 1] }

    func weight(of place: Int, in window: Int) -> Int32 {
        weights[offsets[window] + place - starts[window]]
    }

    /// A row of pixels, resampled.
    func resample(_ pixels: UnsafeBufferPointer<UInt8>, to line: inout [UInt8]) {
        weights.withUnsafeBufferPointer { weights in
            for window in starts.indices {
                var (red, green, blue) = (Self.half, Self.half, Self.half)
                var (place, at) = (starts[window] * 3, offsets[window])
                for _ in starts[window]..<ends[window] {
                    let weight = weights[at]
                    red &+= Int32(pixels[place]) &* weight
                    green &+= Int32(pixels[place + 1]) &* weight
                    blue &+= Int32(pixels[place + 2]) &* weight
                    place += 3
                    at += 1
                }
                line[window * 3] = Self.rounded(red)
                line[window * 3 + 1] = Self.rounded(green)
                line[window * 3 + 2] = Self.rounded(blue)
            }
        }
    }

    /// A sum as a level.
    static func rounded(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> bits) }
}
