import Tensor

/// The bytes of a text file that proved to be UTF-8, without a byte order mark.
///
/// A line ends with LF, CR LF or CR alone, in every format that is read from it.
struct TextFile {
    let path: String
    private let file: MappedFile
    private let start: Int

    /// Maps and checks the file at `path`.
    init(path: String) throws(DataError) {
        self.path = path
        do { file = try MappedFile(path: path) } catch {
            throw DataError(.unreadable(error), path: path)
        }
        let bytes = file.bytes
        if Self.looksLikeUTF16(bytes) { throw DataError(.utf16, path: path, line: 1) }
        start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        if let wrong = firstInvalidUTF8(in: bytes) {
            throw DataError(
                .notUTF8(byte: bytes[wrong], offset: wrong), path: path,
                line: 1 + Self.lineEnds(in: UnsafeRawBufferPointer(rebasing: bytes[..<wrong])))
        }
    }

    /// The content, valid as long as the file is.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: file.bytes[start...]) }

    /// Calls `body` with every line that is not empty and its number from 1, without its end.
    func forEachLine(_ body: (String, Int) throws(DataError) -> Void) throws(DataError) {
        let bytes = bytes
        var (position, line) = (0, 1)
        while position < bytes.count {
            let end = bytes[position...].firstIndex { $0 == .lineFeed || $0 == .carriageReturn }
            let content = bytes[position..<(end ?? bytes.count)]
            if !content.isEmpty { try body(String(decoding: content, as: UTF8.self), line) }
            guard let end else { break }
            position = end + lineEndLength(in: bytes, at: end)
            line += 1
        }
    }

    /// UTF-16 begins with a byte order mark, or with one zero byte beside an ASCII character.
    private static func looksLikeUTF16(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 2 else { return false }
        let (first, second) = (bytes[0], bytes[1])
        return (first, second) == (0xFF, 0xFE) || (first, second) == (0xFE, 0xFF)
            || (first == 0) != (second == 0)
    }

    /// How many lines end in `bytes`.
    private static func lineEnds(in bytes: UnsafeRawBufferPointer) -> Int {
        bytes.indices.count {
            bytes[$0] == .lineFeed
                || bytes[$0] == .carriageReturn
                    && ($0 + 1 == bytes.count || bytes[$0 + 1] != .lineFeed)
        }
    }
}

/// The length of the line end at `position`: 2 for CR LF, else 1.
func lineEndLength(in bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
    let isPair =
        bytes[position] == .carriageReturn && position + 1 < bytes.count
        && bytes[position + 1] == .lineFeed
    return isPair ? 2 : 1
}

extension UInt8 {
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let doubleQuote = UInt8(ascii: "\"")
}

/// The offset of the first byte that breaks UTF-8 (Unicode 16.0, table 3-7), or nil.
///
/// The byte is the one at which the wrong sequence begins.
package func firstInvalidUTF8(in bytes: UnsafeRawBufferPointer) -> Int? {
    var position = 0
    while position < bytes.count {
        if position + 8 <= bytes.count,
            bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self) & 0x8080_8080_8080_8080
                == 0
        {
            position += 8
            continue
        }
        let lead = bytes[position]
        let (length, second): (Int, ClosedRange<UInt8>)
        switch lead {
        case 0x00...0x7F: (length, second) = (1, 0x00...0xFF)
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return position
        }
        guard position + length <= bytes.count else { return position }
        if length > 1 && !second.contains(bytes[position + 1]) { return position }
        for offset in 2..<max(2, length) where bytes[position + offset] & 0xC0 != 0x80 {
            return position
        }
        position += length
    }
    return nil
}
