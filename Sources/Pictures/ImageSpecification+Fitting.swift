public import FineTune

extension ImageSpecification {
    /// A picture as the network's publisher prepares it to be measured: resized, and its middle cut
    /// out.
    ///
    /// - Returns: A picture of the network's size.
    public func fitted(_ image: RGBImage) -> RGBImage {
        var (rows, columns) = resizedSize
        if resizing == .shorterSide {
            // The side that is relatively shorter gets its size, the other one follows.
            if rows * image.width <= columns * image.height {
                rows = max(rows, columns * image.height / image.width)
            } else {
                columns = max(columns, rows * image.width / image.height)
            }
        }
        let (top, left) = (Self.offset(rows - height), Self.offset(columns - width))
        return image.resized(
            height: rows, width: columns, rows: top..<top + height,
            columns: left..<left + width, interpolation: interpolation)
    }

    /// Half of what is over, rounded to even as Python does.
    private static func offset(_ rest: Int) -> Int {
        Int((Double(rest) / 2).rounded(.toNearestOrEven))
    }

    /// The colour that becomes 0.
    var meanColor: [UInt8] { mean.map { UInt8(min(max($0 * 255, 0), 255).rounded()) } }
}
