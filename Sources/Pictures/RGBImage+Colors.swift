public import FineTune

// The three changes of a colour jitter. Each mixes the picture with another: black, its mean grey,
// or itself without colour (Haeberli and Voorhies 1994, as in Pillow's `ImageEnhance`).
extension RGBImage {
    /// Brighter with a factor above 1, darker below, black with 0.
    ///
    /// - Precondition: The factor is finite.
    public func withBrightness(_ factor: Double) -> RGBImage {
        precondition(factor.isFinite, "colours changed by \(factor)")
        let levels = (0...255).map { Self.level(Double($0) * factor) }
        return RGBImage(height: height, width: width, pixels: pixels.map { levels[Int($0)] })
    }

    /// More contrast with a factor above 1, less below; with 0 all pixels have the picture's mean
    /// grey.
    ///
    /// - Precondition: The factor is finite.
    public func withContrast(_ factor: Double) -> RGBImage {
        precondition(factor.isFinite, "colours changed by \(factor)")
        var sum = 0
        for start in stride(from: 0, to: pixels.count, by: 3) { sum += Int(gray(at: start)) }
        let mean = (Double(sum) / Double(max(1, height * width))).rounded()
        let levels = (0...255).map { Self.level(mean + (Double($0) - mean) * factor) }
        return RGBImage(height: height, width: width, pixels: pixels.map { levels[Int($0)] })
    }

    /// More colourful with a factor above 1, less below, grey with 0.
    ///
    /// - Precondition: The factor is finite.
    public func withSaturation(_ factor: Double) -> RGBImage {
        precondition(factor.isFinite, "colours changed by \(factor)")
        var result = pixels
        for start in stride(from: 0, to: pixels.count, by: 3) {
            let gray = Double(gray(at: start))
            for place in start..<start + 3 {
                result[place] = Self.level(gray + (Double(pixels[place]) - gray) * factor)
            }
        }
        return RGBImage(height: height, width: width, pixels: result)
    }

    /// The luma of a pixel (ITU-R BT.601), with Pillow's rounding.
    private func gray(at start: Int) -> UInt8 {
        let (red, green, blue) = (
            Int(pixels[start]), Int(pixels[start + 1]), Int(pixels[start + 2])
        )
        return UInt8((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16)
    }

    private static func level(_ value: Double) -> UInt8 { UInt8(min(max(value, 0), 255)) }
}
