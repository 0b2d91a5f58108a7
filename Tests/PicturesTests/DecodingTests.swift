import Checkpoint
import FineTune
import Foundation
import Pictures
import TestSupport
import Testing

@Suite("Pictures, decoded")
struct DecodingTests {
    static let pngs =
        [1, 2, 4, 8, 16].map { "gray\($0)" } + [1, 2, 4, 8].map { "palette\($0)" }
        + ["palette8-alpha", "gray-alpha8", "gray-alpha16", "rgb8-key", "gray8-key"]
        + ["rgb8", "rgba8", "rgb16", "rgba16"].flatMap { [$0, $0 + "-interlaced"] }
        + ["rgb8-turned", "rgb8-author"]
    static let jpegs =
        ["jpeg-444", "jpeg-420", "jpeg-progressive", "jpeg-restarts", "jpeg-gray"]
        + (1...8).map { "jpeg-turned\($0)" }

    @Test("A PNG of any kind has the pixels that its format says", arguments: pngs)
    func decodesPNG(_ name: String) throws {
        let image = try Picture(fixturePath("pillow/\(name).png")).decoded()
        #expect(try differences(image, to: name) == 0)
    }

    /// The versions of libjpeg-turbo agree to the bit in what is read here.
    @Test("A JPEG has the pixels that Pillow finds in it", arguments: jpegs)
    func decodesJPEG(_ name: String) throws {
        let image = try Picture(fixturePath("pillow/\(name).jpg")).decoded()
        #expect(try differences(image, to: name) == 0)
    }

    @Test("Transparent pixels show the background")
    func showsBackground() throws {
        let path = fixturePath("pillow/rgb8-key.png")
        let black = try Picture(path, reading: PictureReading(background: .black)).decoded()
        let white = try Picture(path).decoded()
        #expect(Array(black.pixels[(3 * 17 + 4) * 3..<(3 * 17 + 5) * 3]) == [0, 0, 0])
        #expect(Array(white.pixels[(3 * 17 + 4) * 3..<(3 * 17 + 5) * 3]) == [255, 255, 255])
        #expect(black.pixels[..<(17 * 3 * 3)] == white.pixels[..<(17 * 3 * 3)])
    }

    @Test("A picture is not turned if that is not wanted")
    func leavesOrientation() throws {
        let reading = PictureReading(appliesOrientation: false)
        let image = try Picture(fixturePath("pillow/jpeg-turned6.jpg"), reading: reading).decoded()
        #expect((image.height, image.width) == (11, 14))
    }

    @Test(
        "The author stands in the file",
        arguments: [
            ("rgb8-turned.png", "Zoë Doe"), ("rgb8-author.png", "Zoë Łoś"),
            ("jpeg-turned3.jpg", "Zoe Doe"), ("rgb8.png", nil), ("jpeg-444.jpg", nil),
        ] as [(String, String?)])
    func findsAuthor(_ name: String, _ author: String?) throws {
        #expect(try Picture(checking: fixturePath("pillow/\(name)")).author == author)
    }

    @Test("A picture from a file, from bytes and decoded is the same")
    func agreesWithBytes() throws {
        let path = fixturePath("pillow/rgba8.png")
        let image = try Picture(path).decoded()
        #expect(try Picture(bytes: contents(of: path)).decoded() == image)
        #expect(try Picture(image).decoded() == image)
        #expect(try Picture(checking: path) == Picture(image))
        #expect(Picture(path) != Picture(image))
    }

    @Test(
        "What is written as a PNG is read again", arguments: [(1, 1), (3, 200), (57, 2), (64, 64)])
    func writesPNG(_ height: Int, _ width: Int) throws {
        let pixels = (0..<height * width * 3).map { UInt8(truncatingIfNeeded: $0 * $0 / 7 + $0) }
        let image = RGBImage(height: height, width: width, pixels: pixels)
        #expect(try RGBImage(decoding: image.png()) == image)
    }
}

/// The largest difference from the pixels of a tensor in the fixture; nil if the sizes differ.
func differences(_ image: RGBImage, to name: String) throws -> Int? {
    let expected = try fixture("pillow/expected.safetensors").required(name)
    guard expected.shape.sizes == [image.height, image.width, 3] else { return nil }
    return zip(image.pixels, expected.elements(as: UInt8.self)).map { abs(Int($0) - Int($1)) }.max()
}

/// The bytes of a file of this test target.
func contents(of path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}
