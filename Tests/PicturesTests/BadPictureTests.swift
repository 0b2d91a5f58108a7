import FineTune
import Foundation
import Pictures
import Tensor
import TestSupport
import Testing

@Suite("Bad pictures")
struct BadPictureTests {
    /// What a reader says after the file's name. The decoders' own words are those of libpng 1.6 and
    /// libjpeg-turbo 2.1.
    static let refusals: [(String, String)] = [
        ("empty.png", "is empty; it was perhaps never written to the end"),
        ("text.png", "is neither PNG nor JPEG; convert it to one of them"),
        ("zeros.png", "is neither PNG nor JPEG; convert it to one of them"),
        ("page.jpg", "is neither PNG nor JPEG, but a web page; convert it to one of them"),
        ("drawing.png", "is neither PNG nor JPEG, but SVG or other XML; convert it to one of them"),
        (
            "pointer.png",
            "is neither PNG nor JPEG, but a pointer of Git LFS, without the file; convert it to one "
                + "of them"
        ),
        ("image.gif", "is neither PNG nor JPEG, but GIF; convert it to one of them"),
        ("image.webp", "is neither PNG nor JPEG, but WebP; convert it to one of them"),
        (
            "image.heic",
            "is neither PNG nor JPEG, but a container such as HEIC or AVIF; convert it to one of them"
        ),
        ("image.bmp", "is neither PNG nor JPEG, but BMP; convert it to one of them"),
        ("image.tiff", "is neither PNG nor JPEG, but TIFF; convert it to one of them"),
        ("document.pdf", "is neither PNG nor JPEG, but PDF; convert it to one of them"),
        ("half-signature.png", truncated("PNG")),
        ("signature.png", truncated("PNG")),
        ("wrong-signature.png", "is neither PNG nor JPEG; convert it to one of them"),
        ("no-header.png", damaged("PNG", "IDAT: Missing IHDR before IDAT")),
        ("two-headers.png", damaged("PNG", "IHDR: out of place")),
        ("no-pixels.png", damaged("PNG", "IEND: out of place")),
        ("no-palette.png", damaged("PNG", "IDAT: Missing PLTE before IDAT")),
        ("unknown-chunk.png", damaged("PNG", "ABCD: unhandled critical chunk")),
        ("endless-chunk.png", damaged("PNG", "PNG unsigned integer out of range")),
        ("long-chunk.png", truncated("PNG")),
        ("no-end.png", truncated("PNG")),
        ("cut-in-pixels.png", truncated("PNG")),
        ("wrong-checksum.png", damaged("PNG", "IHDR: CRC error")),
        ("zero-width.png", damaged("PNG", "Invalid IHDR data")),
        ("zero-height.png", damaged("PNG", "Invalid IHDR data")),
        ("depth-3.png", damaged("PNG", "Invalid IHDR data")),
        ("color-5.png", damaged("PNG", "Invalid IHDR data")),
        ("compression-1.png", damaged("PNG", "Invalid IHDR data")),
        ("filter-method-1.png", damaged("PNG", "Invalid IHDR data")),
        ("interlace-2.png", damaged("PNG", "Invalid IHDR data")),
        ("bomb.png", bomb("20990 × 29700")),
        ("huge.png", tooLong("2147483647 × 2147483647")),
        ("long-line.png", tooLong("65536 × 1")),
        ("no-deflate.png", damaged("PNG", "IDAT: invalid window size (libpng)")),
        ("damaged-deflate.png", damaged("PNG", "Not enough image data")),
        ("row-missing.png", damaged("PNG", "Not enough image data")),
        ("filter-7.png", damaged("PNG", "bad adaptive filter value")),
        ("transparency-checksum.png", damaged("PNG", "tRNS: CRC error")),
        ("pixels-checksum.png", damaged("PNG", "IDAT: CRC error")),
        ("half-start.jpg", truncated("JPEG")),
        ("start.jpg", truncated("JPEG")),
        ("start-and-end.jpg", damaged("JPEG", "JPEG datastream contains no image")),
        ("no-frame.jpg", damaged("JPEG", "Invalid JPEG file structure: SOS before SOF")),
        ("no-scan.jpg", damaged("JPEG", "Invalid JPEG file structure: missing SOS marker")),
        ("no-quantization.jpg", damaged("JPEG", "Quantization table 0x00 was not defined")),
        ("cut-in-header.jpg", truncated("JPEG")),
        ("cut-in-scan.jpg", truncated("JPEG")),
        ("no-end.jpg", truncated("JPEG")),
        ("early-end.jpg", damaged("JPEG", "Corrupt JPEG data: premature end of data segment")),
        ("zero-width.jpg", damaged("JPEG", "Empty JPEG image (DNL not supported)")),
        ("zero-height.jpg", damaged("JPEG", "Empty JPEG image (DNL not supported)")),
        ("bomb.jpg", bomb("65500 × 65500")),
        ("twelve-bits.jpg", unsupported("Unsupported JPEG data precision 12")),
        ("lossless.jpg", unsupported("Unsupported JPEG process: SOF type 0xc3")),
        ("hierarchical.jpg", unsupported("Unsupported JPEG process: SOF type 0xc5")),
        ("two-components.jpg", damaged("JPEG", "Invalid component ID 3 in SOS")),
        ("sampling-0.jpg", damaged("JPEG", "Bogus sampling factors")),
        (
            "inks.jpg",
            "is in CMYK: what colours its inks have, only its printer knows; convert it to RGB"
        ),
        ("many-scans.jpg", unsupported("it has more than 100 scans")),
    ]

    private static func truncated(_ format: String) -> String {
        "ends too early for a \(format); copy or fetch it again"
    }

    private static func damaged(_ format: String, _ words: String) -> String {
        "is damaged: the \(format) reader says '\(words)'; copy or fetch it again"
    }

    private static func unsupported(_ words: String) -> String {
        "is a JPEG of a kind that is not read: '\(words)'; convert it to one with 8 bits a colour"
    }

    private static func bomb(_ size: String) -> String {
        "has \(size) pixels, and 67108864 are allowed in all; make it smaller, or raise "
            + "PictureReading.maximumPixels if the memory suffices"
    }

    private static func tooLong(_ size: String) -> String {
        "has \(size) pixels, and a side may have 65535; cut it into parts"
    }

    @Test("A file that is no good picture is refused with its reason", arguments: refusals)
    func refuses(_ name: String, _ reason: String) throws {
        let path = fixturePath("bad/\(name)")
        let error = #expect(throws: PictureError.self) { try Picture(path).decoded() }
        #expect(error?.description == "the picture '\(path)' \(reason)")
        #expect(error?.path == path)
        #expect(throws: PictureError.self) { try Picture(checking: path) }
    }

    @Test(
        "What is odd and does no harm is read",
        arguments: [
            "text-bomb.png", "profile-bomb.png", "after-the-end.png", "wrong-exif.png",
            "63-scans.jpg", "zero-length-segment.jpg", "wrong-exif.jpg", "after-the-end.jpg",
        ])
    func readsHarmless(_ name: String) throws {
        let picture = try Picture(checking: fixturePath("bad/\(name)"))
        #expect(picture.author == nil)
        let image = try picture.decoded()
        guard name.hasSuffix("png") else { return }
        #expect(image.pixels == [UInt8]((0..<36).map { $0 % 12 }))
    }

    @Test("What is no file is refused with the system's reason")
    func refusesOtherThings() throws {
        try withFolder { folder in
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            #expect(symlink("\(folder)/nowhere", "\(folder)/link") == 0)
            let reasons = [
                ("missing.png", "cannot open '\(folder)/missing.png': No such file or directory"),
                ("link", "cannot open '\(folder)/link': No such file or directory"),
                ("pipe", "cannot read '\(folder)/pipe': it is not a regular file"),
                ("", "cannot read '\(folder)/': it is a folder, not a file"),
                ("a\0b", "cannot open '\(folder)/a\0b': No such file or directory"),
            ]
            for (name, reason) in reasons {
                let error = #expect(throws: PictureError.self) {
                    try Picture("\(folder)/\(name)").decoded()
                }
                #expect(error?.description == reason)
            }
        }
    }

    @Test("Limits hold, and can be moved")
    func respectsLimits() throws {
        let path = fixturePath("pillow/rgb8.png")
        let size = try contents(of: path).count
        let small = PictureReading(maximumPixels: 13 * 17 - 1)
        let short = PictureReading(maximumBytes: size - 1)
        #expect(
            throws: PictureError(.tooManyPixels(width: 17, height: 13, limit: 220), path: path)
        ) { try Picture(path, reading: small).decoded() }
        #expect(throws: PictureError(.tooManyBytes(size, limit: size - 1), path: path)) {
            try Picture(path, reading: short).decoded()
        }
        let exact = PictureReading(maximumPixels: 13 * 17, maximumBytes: size)
        #expect(try Picture(path, reading: exact).decoded().height == 13)
    }

    @Test("A bomb takes no memory")
    func refusesBombsCheaply() throws {
        let before = Tensor.Memory.peakProcessBytes
        for name in ["bomb.png", "huge.png", "bomb.jpg", "text-bomb.png", "profile-bomb.png"] {
            _ = try? Picture(checking: fixturePath("bad/\(name)"))
        }
        // The smallest of them would take 30 MB.
        #expect(Tensor.Memory.peakProcessBytes - before < 8 << 20)
    }

    static let seeds = [
        "gray1.png", "palette4.png", "rgba8-interlaced.png", "rgb8-turned.png", "jpeg-gray.jpg",
        "jpeg-progressive.jpg", "jpeg-turned6.jpg",
    ]

    @Test("A picture that was cut off anywhere is refused", arguments: seeds)
    func refusesTruncation(_ name: String) throws {
        let bytes = try contents(of: fixturePath("pillow/\(name)"))
        for length in 0..<bytes.count {
            #expect(throws: PictureError.self, "\(length) of \(bytes.count) bytes") {
                try RGBImage(decoding: Array(bytes[..<length]))
            }
        }
    }

    /// A bit may turn one picture into another. It may not end the process, or ask for more memory than
    /// is allowed.
    @Test("A picture with any bit turned over is a picture or refused", arguments: seeds)
    func survivesFlippedBits(_ name: String) throws {
        let bytes = try contents(of: fixturePath("pillow/\(name)"))
        let reading = PictureReading(maximumPixels: 1 << 16)
        var refused = 0
        for bit in 0..<bytes.count * 8 {
            var bytes = bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            if let image = try? RGBImage(decoding: bytes, reading: reading) {
                #expect(image.height * image.width <= 1 << 16)
            } else {
                refused += 1
            }
            _ = try? PictureMetadata(of: bytes)
        }
        #expect(refused > 0)
    }
}

/// Calls `body` with the path of a new folder and removes the folder afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = temporaryPath()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

/// A path that nothing has.
func temporaryPath() -> String {
    FileManager.default.temporaryDirectory
        .appendingPathComponent("PicturesTests-\(UUID().uuidString)").path
}
