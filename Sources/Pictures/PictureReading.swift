/// How pictures are read, and which are refused.
public struct PictureReading: Sendable, Hashable {
    /// A colour, from 0 to 255 each.
    public struct Color: Sendable, Hashable {
        /// The parts.
        public var red: UInt8, green: UInt8, blue: UInt8

        /// A colour of these parts.
        public init(red: UInt8, green: UInt8, blue: UInt8) {
            (self.red, self.green, self.blue) = (red, green, blue)
        }

        /// White.
        public static let white = Color(red: 255, green: 255, blue: 255)
        /// Black.
        public static let black = Color(red: 0, green: 0, blue: 0)
    }

    /// The most pixels that a picture may have. It is compared with the header, before any memory is
    /// asked for: a file of a few kilobytes can hold gigabytes of one colour.
    ///
    /// 67,108,864 by default, the square of 8,192: more than the cameras of phones give, and at most
    /// 600 MB while it is decoded, nine bytes a pixel of a JPEG of several scans.
    public var maximumPixels: Int
    /// The most bytes that a file may have: 256 MiB by default. A file is read whole.
    public var maximumBytes: Int
    /// What is seen through transparent pixels: white by default, as on a page.
    public var background: Color
    /// Whether a picture is turned as its EXIF data say (Exif 2.3, tag 0x0112): yes by default, as
    /// every viewer does.
    public var appliesOrientation: Bool

    /// A way to read pictures.
    public init(
        maximumPixels: Int = 1 << 26, maximumBytes: Int = 1 << 28, background: Color = .white,
        appliesOrientation: Bool = true
    ) {
        (self.maximumPixels, self.maximumBytes) = (maximumPixels, maximumBytes)
        (self.background, self.appliesOrientation) = (background, appliesOrientation)
    }
}
