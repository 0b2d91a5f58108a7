import FineTune
import Pictures
import TestSupport
import Testing

@Suite("Pictures, resized and recoloured")
struct ResizingTests {
    private func source() throws -> RGBImage {
        let tensor = try fixture("pillow/expected.safetensors").required("source")
        return RGBImage(
            height: tensor.shape[0], width: tensor.shape[1], pixels: tensor.elements(as: UInt8.self)
        )
    }

    static let sizes = [(24, 31), (94, 90), (47, 20), (13, 61), (5, 3), (1, 1), (7, 130)]

    @Test("Resizing gives Pillow's numbers", arguments: ["bilinear", "bicubic"], sizes)
    func resizes(_ interpolation: String, _ size: (Int, Int)) throws {
        let method = try #require(ImageSpecification.Interpolation(rawValue: interpolation))
        let image = try source().resized(height: size.0, width: size.1, interpolation: method)
        #expect(try differences(image, to: "\(interpolation).\(size.0)x\(size.1)") == 0)
    }

    @Test("A picture is fitted as torchvision does", arguments: ["shorterSide", "stretch"])
    func fits(_ resizing: String) throws {
        let specification = ImageSpecification(
            height: 32, width: 32, interpolation: .bicubic,
            resizing: try #require(ImageSpecification.Resizing(rawValue: resizing)),
            cropFraction: 0.8)
        let image = specification.fitted(try source())
        #expect(try differences(image, to: "fitted.\(resizing)") == 0)
    }

    @Test("A line of any length becomes a square", arguments: [(1, 60_000), (60_000, 1), (2, 3)])
    func fitsLines(_ height: Int, _ width: Int) {
        let line = RGBImage(
            height: height, width: width, pixels: .init(repeating: 99, count: height * width * 3))
        for resizing in ImageSpecification.Resizing.allCases {
            let image = ImageSpecification(height: 32, width: 24, resizing: resizing).fitted(line)
            #expect(
                image == RGBImage(height: 32, width: 24, pixels: .init(repeating: 99, count: 2304)))
        }
    }

    @Test("Colours change as by Pillow's ImageEnhance", arguments: [0.0, 0.4, 1.0, 1.3, 2.0])
    func recolours(_ factor: Double) throws {
        let image = try source()
        #expect(try differences(image.withBrightness(factor), to: "brightness.\(factor)") ?? 9 <= 1)
        #expect(try differences(image.withContrast(factor), to: "contrast.\(factor)") ?? 9 <= 1)
        #expect(try differences(image.withSaturation(factor), to: "saturation.\(factor)") ?? 9 <= 1)
    }

    @Test("A crop has the pixels of its place, and a picture flipped twice is itself")
    func crops() throws {
        let image = try source()
        let part = image.cropped(top: 5, left: 7, height: 11, width: 13)
        #expect((part.height, part.width) == (11, 13))
        for (row, column) in [(0, 0), (10, 12), (3, 8)] {
            let (here, there) = ((row * 13 + column) * 3, ((row + 5) * 61 + column + 7) * 3)
            #expect(part.pixels[here..<here + 3].elementsEqual(image.pixels[there..<there + 3]))
        }
        #expect(image.flipped() != image)
        #expect(image.flipped().flipped() == image)
    }
}
