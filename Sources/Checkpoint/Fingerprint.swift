public import Tensor

/// 128 bits that stand for a content, to tell whether two are the same: of a base's weights, of a
/// tokenizer's files.
///
/// It is the same in every process and on every machine, and fast enough to be taken whenever an
/// adapter is loaded. It shows mistakes, not attacks: a content with a given fingerprint can be made
/// on purpose.
///
/// The fingerprint of bytes is their MurmurHash3 (A. Appleby, public domain) in its form for 64-bit
/// machines with 128 bits, `x64_128`, with seed 0.
public struct Fingerprint: Sendable, Hashable, CustomStringConvertible {
    private var high: UInt64
    private var low: UInt64

    private static var first: UInt64 { 0x87c3_7b91_1142_53d5 }
    private static var second: UInt64 { 0x4cf5_ad43_2745_937f }

    /// The fingerprint of some bytes.
    public init(_ bytes: UnsafeRawBufferPointer) {
        (high, low) = (0, 0)
        let whole = bytes.count / 16 * 16
        if let base = bytes.baseAddress {
            for at in stride(from: 0, to: whole, by: 16) {
                takeIn(
                    UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self)),
                    UInt64(
                        littleEndian: base.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self)))
            }
        }
        var rest: (UInt64, UInt64) = (0, 0)
        for (place, byte) in bytes[whole...].enumerated() {
            let shifted = UInt64(byte) << (UInt64(place) % 8 * 8)
            if place < 8 { rest.0 |= shifted } else { rest.1 |= shifted }
        }
        low ^= Self.mixed(rest.1, Self.second, 33, Self.first)
        high ^= Self.mixed(rest.0, Self.first, 31, Self.second)
        high ^= UInt64(bytes.count)
        low ^= UInt64(bytes.count)
        high &+= low
        low &+= high
        (high, low) = (Self.finished(high), Self.finished(low))
        high &+= low
        low &+= high
    }

    private mutating func takeIn(_ a: UInt64, _ b: UInt64) {
        high ^= Self.mixed(a, Self.first, 31, Self.second)
        high = (Self.rotated(high, 27) &+ low) &* 5 &+ 0x52dc_e729
        low ^= Self.mixed(b, Self.second, 33, Self.first)
        low = (Self.rotated(low, 31) &+ high) &* 5 &+ 0x3849_5ab5
    }

    private static func mixed(
        _ number: UInt64, _ before: UInt64, _ places: UInt64, _ after: UInt64
    ) -> UInt64 {
        rotated(number &* before, places) &* after
    }

    private static func rotated(_ number: UInt64, _ places: UInt64) -> UInt64 {
        number &<< places | number &>> (64 &- places)
    }

    private static func finished(_ number: UInt64) -> UInt64 {
        var bits = number
        bits = (bits ^ bits >> 33) &* 0xff51_afd7_ed55_8ccd
        bits = (bits ^ bits >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return bits ^ bits >> 33
    }

    /// The fingerprint of a text's UTF-8 bytes.
    public init(_ text: String) { self = Array(text.utf8).withUnsafeBytes { Fingerprint($0) } }

    /// The fingerprint of a list: of its members in their order.
    public init(of parts: some Sequence<Fingerprint>) {
        let numbers = parts.flatMap { [$0.high.littleEndian, $0.low.littleEndian] }
        self = numbers.withUnsafeBytes { Fingerprint($0) }
    }

    /// The fingerprint of a tensor: its name, shape, type and elements.
    public init(name: String, _ tensor: Tensor) {
        self.init(of: [
            Fingerprint("\(name) \(tensor.dtype.rawValue) \(tensor.shape.sizes)"),
            tensor.withUnsafeBytes { Fingerprint($0) },
        ])
    }

    /// 32 hexadecimal digits.
    public var description: String { Self.digits(high) + Self.digits(low) }

    private static func digits(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
