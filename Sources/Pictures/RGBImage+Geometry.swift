public import FineTune

// Pictures turned, mirrored and cut out of others.
extension RGBImage {
    /// A part of the picture.
    ///
    /// - Precondition: The part lies inside and is not empty.
    public func cropped(top: Int, left: Int, height: Int, width: Int) -> RGBImage {
        precondition(
            top >= 0 && left >= 0 && height > 0 && width > 0 && top + height <= self.height
                && left + width <= self.width,
            "\(height) × \(width) pixels at \(top), \(left) do not lie in a picture of "
                + "\(self.height) × \(self.width)")
        if height == self.height, width == self.width { return self }
        var part: [UInt8] = []
        part.reserveCapacity(height * width * 3)
        for row in top..<top + height {
            let start = (row * self.width + left) * 3
            part += pixels[start..<start + width * 3]
        }
        return RGBImage(height: height, width: width, pixels: part)
    }

    /// The picture with left and right exchanged.
    public func flipped() -> RGBImage {
        rearranged(height: height, width: width) { row, column in (row, width - 1 - column) }
    }

    /// The picture turned as EXIF data say.
    func oriented(_ orientation: Int) -> RGBImage {
        let (last, end) = (height - 1, width - 1)
        return switch orientation {
        case 2: flipped()
        case 3: rearranged(height: height, width: width) { (last - $0, end - $1) }
        case 4: rearranged(height: height, width: width) { (last - $0, $1) }
        case 5: rearranged(height: width, width: height) { ($1, $0) }
        case 6: rearranged(height: width, width: height) { (last - $1, $0) }
        case 7: rearranged(height: width, width: height) { (last - $1, end - $0) }
        case 8: rearranged(height: width, width: height) { ($1, end - $0) }
        default: self
        }
    }

    /// A picture each pixel of which is one of this picture: the one at the row and column that
    /// `source` gives.
    private func rearranged(
        height: Int, width: Int, _ source: (_ row: Int, _ column: Int) -> (row: Int, column: Int)
    ) -> RGBImage {
        let result = [UInt8](unsafeUninitializedCapacity: pixels.count) { target, count in
            var place = 0
            for row in 0..<height {
                for column in 0..<width {
                    let from = source(row, column)
                    let start = (from.row * self.width + from.column) * 3
                    target[place] = pixels[start]
                    target[place + 1] = pixels[start + 1]
                    target[place + 2] = pixels[start + 2]
                    place += 3
                }
            }
            count = place
        }
        return RGBImage(height: height, width: width, pixels: result)
    }
}
