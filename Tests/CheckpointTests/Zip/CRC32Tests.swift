import Testing

@testable import Checkpoint

@Suite struct CRC32Tests {
    /// The check value of the polynomial's usual tables.
    @Test func theChecksumOfTheDigitsIsKnown() {
        let digits = Array("123456789".utf8)
        #expect(digits.withUnsafeBytes { CRC32.checksum($0) } == 0xCBF4_3926)
    }

    /// Of every length and alignment, as computed bit by bit.
    @Test func blocksAndRestsAgree() {
        let bytes = (0..<100).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 7) }
        for begin in 0..<17 {
            for end in begin...100 {
                let part = Array(bytes[begin..<end])
                #expect(
                    bytes.withUnsafeBytes {
                        CRC32.checksum(UnsafeRawBufferPointer(rebasing: $0[begin..<end]))
                    } == TestArchive.checksum(part))
            }
        }
    }
}
