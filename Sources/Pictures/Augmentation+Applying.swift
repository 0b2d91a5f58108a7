import FineTune

extension Augmentation {
    /// A picture, changed and in the size of the network.
    func applied(
        to image: RGBImage, for specification: ImageSpecification, stream: UInt64
    ) -> RGBImage {
        var chance = AugmentationChance(stream: stream)
        var result = cropped(image, for: specification, &chance)
        if flips, chance.fraction() < 0.5 { result = result.flipped() }
        if let jitter { result = jitter.applied(to: result, &chance) }
        if let erasing, chance.fraction() < erasing.probability,
            let part = chance.rectangle(
                inHeight: result.height, width: result.width, area: erasing.area,
                ratio: erasing.ratio)
        {
            result = result.filled(part, with: specification.meanColor)
        }
        return result
    }

    private func cropped(
        _ image: RGBImage, for specification: ImageSpecification,
        _ chance: inout AugmentationChance
    ) -> RGBImage {
        guard let crop,
            let part = chance.rectangle(
                inHeight: image.height, width: image.width, area: crop.area, ratio: crop.ratio)
        else { return specification.fitted(image) }
        return image.cropped(
            top: part.top, left: part.left, height: part.height, width: part.width
        ).resized(
            height: specification.height, width: specification.width,
            interpolation: specification.interpolation)
    }
}

extension Augmentation.Jitter {
    fileprivate func applied(
        to image: RGBImage, _ chance: inout AugmentationChance
    ) -> RGBImage {
        var result = image
        for change in chance.order(of: 3) {
            let reach = [brightness, contrast, saturation][change]
            guard reach > 0 else { continue }
            let factor = chance.number(in: 1 - reach...1 + reach)
            switch change {
            case 0: result = result.withBrightness(factor)
            case 1: result = result.withContrast(factor)
            default: result = result.withSaturation(factor)
            }
        }
        return result
    }
}

extension RGBImage {
    typealias Part = (top: Int, left: Int, height: Int, width: Int)

    /// The picture with a part of one colour.
    func filled(_ part: Part, with color: [UInt8]) -> RGBImage {
        var result = pixels
        for row in part.top..<part.top + part.height {
            for column in part.left..<part.left + part.width {
                let start = (row * width + column) * 3
                result.replaceSubrange(start..<start + 3, with: color)
            }
        }
        return RGBImage(height: height, width: width, pixels: result)
    }

    /// The picture with a rectangle of another one of the same size.
    func covered(_ rows: Range<Int>, _ columns: Range<Int>, by other: RGBImage) -> RGBImage {
        var result = pixels
        for row in rows {
            let start = (row * width + columns.lowerBound) * 3
            let places = start..<start + columns.count * 3
            result.replaceSubrange(places, with: other.pixels[places])
        }
        return RGBImage(height: height, width: width, pixels: result)
    }

    /// A weighted mean of two pictures of the same size.
    func mixed(_ share: Double, with other: RGBImage) -> RGBImage {
        RGBImage(
            height: height, width: width,
            pixels: zip(pixels, other.pixels).map {
                UInt8((share * Double($0) + (1 - share) * Double($1)).rounded())
            })
    }
}
