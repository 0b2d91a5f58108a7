import FineTune
import Foundation
import Pictures
import TestSupport

/// What ``FuzzingTests`` damage: small pictures of each format, and how they are read.
enum FuzzedFormat {
    static let all = [png, jpeg]

    static let png = Fuzzing(
        "png",
        seeds: ["gray1", "palette4", "gray8-key", "rgb8-interlaced", "rgb8-turned"].map {
            file("\($0).png")
        },
        words: [
            "IHDR", "PLTE", "tRNS", "IDAT", "IEND", "eXIf", "tEXt", "Author\0", "iTXt", "acTL",
        ],
        repair: { bytes in repairChecksums(of: &bytes) },
        read: { path in try read(path) })

    static let jpeg = Fuzzing(
        "jpeg",
        seeds: ["gray", "progressive", "restarts", "turned6"].map { file("jpeg-\($0).jpg") },
        words: ["Exif\0\0", "JFIF\0", "Adobe"],
        read: { path in try read(path) })

    private static func file(_ name: String) -> [UInt8] {
        let url = URL(fileURLWithPath: fixturePath("pillow/\(name)"))
        return (try? Data(contentsOf: url)).map { Array($0) } ?? []
    }

    /// Reads a picture as a data set does, and its metadata. The limit of pixels is one that nine bytes
    /// for each, the most that decoding takes, keep in what is allowed.
    private static func read(_ path: String) throws {
        _ = try Picture(checking: path, reading: PictureReading(maximumPixels: 1 << 19))
    }

    /// Gives each chunk of a PNG the checksum of what it holds (ISO/IEC 15948, section 5.3).
    private static func repairChecksums(of bytes: inout [UInt8]) {
        func number(_ place: Int) -> Int {
            bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        var place = 8
        while place + 12 <= bytes.count {
            let end = place + 8 + number(place)
            guard end + 4 <= bytes.count else { return }
            let checksum = checksum(of: bytes[place + 4..<end])
            withUnsafeBytes(of: checksum.bigEndian) {
                bytes.replaceSubrange(end..<end + 4, with: $0)
            }
            place = end + 4
        }
    }

    /// The CRC-32 (ISO/IEC 15948, annex D).
    private static func checksum(of bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { checksum, byte in
            (0..<8).reduce(checksum ^ UInt32(byte)) { rest, _ in
                rest >> 1 ^ (rest & 1 == 0 ? 0 : 0xEDB8_8320)
            }
        }
    }
}
