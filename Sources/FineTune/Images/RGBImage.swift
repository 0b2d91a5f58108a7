import Layers

/// A decoded picture: 8 bits each for red, green and blue.
public struct RGBImage: Sendable, Hashable {
    /// The number of rows.
    public let height: Int
    /// The number of pixels in a row.
    public let width: Int
    /// Red, green and blue of each pixel, row after row from the top: shape `[height, width, 3]`.
    public let pixels: [UInt8]

    /// A picture of these pixels.
    ///
    /// - Precondition: There is at least one pixel, and three numbers for each.
    public init(height: Int, width: Int, pixels: [UInt8]) {
        let (count, overflow) = height.multipliedReportingOverflow(by: width)
        precondition(
            height > 0 && width > 0 && !overflow && pixels.count % 3 == 0
                && pixels.count / 3 == count,
            "a picture of \(height) by \(width) pixels does not have \(pixels.count) numbers")
        (self.height, self.width, self.pixels) = (height, width, pixels)
    }

    /// Stands for the size and the pixels.
    package var fingerprint: Fingerprint {
        Fingerprint(of: [
            Fingerprint("\(height) × \(width)"), pixels.withUnsafeBytes { Fingerprint($0) },
        ])
    }
}
