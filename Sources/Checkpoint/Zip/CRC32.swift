/// The checksum of ZIP: the cyclic redundancy check with the polynomial 0x04C11DB7, reflected, as in
/// ISO 3309.
enum CRC32 {
    /// Row `k` gives what a byte does to the checksum when `k` more bytes follow it, so that sixteen
    /// bytes are taken in at once.
    private static let table: [UInt32] = {
        var table = [UInt32](repeating: 0, count: 16 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
            table[byte] = value
        }
        for place in 256..<table.count {
            let before = table[place - 256]
            table[place] = (before >> 8) ^ table[Int(before & 0xFF)]
        }
        return table
    }()

    /// The checksum of some bytes.
    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            var value: UInt32 = 0xFFFF_FFFF
            var position = 0
            while position + 16 <= bytes.count {
                value = block(bytes, at: position, after: value, table)
                position += 16
            }
            for byte in bytes[position...] {
                value = (value >> 8) ^ table[Int((value ^ UInt32(byte)) & 0xFF)]
            }
            return ~value
        }
    }

    @inline(__always)
    private static func block(
        _ bytes: UnsafeRawBufferPointer, at position: Int, after value: UInt32,
        _ table: UnsafeBufferPointer<UInt32>
    ) -> UInt32 {
        func word(_ index: Int) -> UInt32 {
            UInt32(
                littleEndian: bytes.loadUnaligned(
                    fromByteOffset: position + 4 * index, as: UInt32.self))
        }
        var result: UInt32 = 0
        for index in 0..<4 {
            let word = index == 0 ? word(0) ^ value : word(index)
            let row = (15 - 4 * index) * 256
            result ^= table[row + Int(word & 0xFF)]
            result ^= table[row - 256 + Int((word >> 8) & 0xFF)]
            result ^= table[row - 512 + Int((word >> 16) & 0xFF)]
            result ^= table[row - 768 + Int(word >> 24)]
        }
        return result
    }
}
