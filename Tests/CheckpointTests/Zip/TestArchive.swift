/// A ZIP archive that a test builds, with the positions of its parts so that it can damage them.
struct TestArchive {
    private(set) var bytes: [UInt8] = []
    /// The headers in front of the entries.
    private(set) var headers: [Int] = []
    /// The first bytes of the entries.
    private(set) var contents: [Int] = []
    /// The records of the directory.
    private(set) var records: [Int] = []
    /// The end record of 64 bits, its locator, and the end record of 32 bits.
    private(set) var end64 = 0
    private(set) var locator = 0
    private(set) var end = 0

    /// - Parameters:
    ///   - entries: Names and bytes.
    ///   - hasDescriptors: Whether checksum and sizes follow the bytes.
    ///   - isZip64: Whether there is an end record of 64 bits.
    init(_ entries: [(String, [UInt8])], hasDescriptors: Bool = false, isZip64: Bool = false) {
        let flags: UInt16 = hasDescriptors ? 0x0808 : 0x0800
        for (name, content) in entries {
            headers.append(bytes.count)
            let checksum = Self.checksum(content)
            append(UInt32(0x0403_4B50), UInt16(20), flags, UInt16(0), UInt32(0))
            let size = hasDescriptors ? 0 : UInt32(content.count)
            append(hasDescriptors ? 0 : checksum, size, size)
            append(UInt16(name.utf8.count), UInt16(0))
            bytes += name.utf8
            contents.append(bytes.count)
            bytes += content
            if hasDescriptors {
                append(UInt32(0x0807_4B50), checksum, UInt32(content.count), UInt32(content.count))
            }
        }
        let directory = bytes.count
        for (index, (name, content)) in entries.enumerated() {
            records.append(bytes.count)
            append(UInt32(0x0201_4B50), UInt16(20), UInt16(20), flags, UInt16(0), UInt32(0))
            append(Self.checksum(content), UInt32(content.count), UInt32(content.count))
            append(UInt16(name.utf8.count), UInt16(0), UInt16(0), UInt16(0), UInt16(0), UInt32(0))
            append(UInt32(headers[index]))
            bytes += name.utf8
        }
        let size = bytes.count - directory
        if isZip64 {
            end64 = bytes.count
            append(UInt32(0x0606_4B50), UInt64(44), UInt16(45), UInt16(45), UInt32(0), UInt32(0))
            append(UInt64(entries.count), UInt64(entries.count), UInt64(size), UInt64(directory))
            locator = bytes.count
            append(UInt32(0x0706_4B50), UInt32(0), UInt64(end64), UInt32(1))
        }
        end = bytes.count
        append(UInt32(0x0605_4B50), UInt16(0), UInt16(0), UInt16(entries.count))
        append(UInt16(entries.count), UInt32(size), UInt32(directory), UInt16(0))
    }

    private mutating func append<each Number: FixedWidthInteger>(_ number: repeat each Number) {
        repeat bytes += withUnsafeBytes(of: (each number).littleEndian) { Array($0) }
    }

    /// The archive with another number at a position.
    func with(_ number: some FixedWidthInteger, at position: Int) -> [UInt8] {
        bytes.with(number, at: position)
    }

    /// The CRC-32, bit by bit.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = .max
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
        return ~value
    }
}

extension [UInt8] {
    /// The bytes with a little-endian number in place of those at a position.
    func with(_ number: some FixedWidthInteger, at position: Int) -> [UInt8] {
        var changed = self
        Swift.withUnsafeBytes(of: number.littleEndian) {
            changed.replaceSubrange(position..<(position + $0.count), with: $0)
        }
        return changed
    }

    /// The bytes with one more at a position.
    func inserting(_ byte: UInt8, at position: Int) -> [UInt8] {
        var changed = self
        changed.insert(byte, at: position)
        return changed
    }
}
