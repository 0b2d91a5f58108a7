/// The generator behind every shuffle and split, the same on every platform and in every version
/// of this library.
///
/// SplitMix64 of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA
/// 2014), figure 17.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The generator that starts at `seed`.
    package init(seed: UInt64) { state = seed }

    /// One of the independent generators of `seed`, such as that of an epoch.
    ///
    /// Hashing the seed first keeps stream 1 of seed 0 apart from stream 0 of seed 1.
    package init(seed: UInt64, stream: UInt64) {
        state = Self.mix(Self.mix(seed &+ Self.increment) &+ stream)
    }

    /// The next 64 random bits.
    package mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mix(state)
    }

    /// A uniform number in `0 ..< bound`, by Lemire's multiplication with rejection ("Fast Random
    /// Integer Generation in an Interval", 2019, algorithm 5).
    ///
    /// - Precondition: `bound` is positive.
    package mutating func next(below bound: Int) -> Int {
        precondition(bound > 0, "no number lies below \(bound)")
        let bound = UInt64(bound)
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
        }
        return Int(product.high)
    }

    /// Puts `elements` in a random order: Fisher and Yates, from the last place down to the
    /// second. The standard library's `shuffle` does not promise to draw the same way for ever.
    package mutating func shuffle<Element>(_ elements: inout [Element]) {
        var last = elements.count - 1
        while last > 0 {
            elements.swapAt(last, next(below: last + 1))
            last -= 1
        }
    }

    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func mix(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
