extension UnsafeRawBufferPointer {
    /// The little-endian integer at a position, or nil if it does not lie inside.
    func littleEndian<Number: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _: Number.Type, at position: Int
    ) -> Number? {
        guard position >= 0, position <= count - MemoryLayout<Number>.size else { return nil }
        return Number(littleEndian: loadUnaligned(fromByteOffset: position, as: Number.self))
    }

    /// The part at these positions, or nil if it does not lie inside.
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer? {
        guard range.lowerBound >= 0, range.upperBound <= count else { return nil }
        return UnsafeRawBufferPointer(rebasing: self[range])
    }

    /// The `count` bytes from a position on, or nil if they do not lie inside.
    func part(at position: Int, count length: Int) -> UnsafeRawBufferPointer? {
        guard position >= 0, length >= 0, position <= count, length <= count - position else {
            return nil
        }
        return part(position..<(position + length))
    }

    /// Whether it begins with these bytes.
    func starts(with bytes: [UInt8]) -> Bool { prefix(bytes.count).elementsEqual(bytes) }

    /// The bytes as a text, or nil if they are not UTF-8.
    var utf8Text: String? { String(validating: self, as: UTF8.self) }
}
