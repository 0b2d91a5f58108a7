import CKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A stream of random numbers that is a pure function of a seed and a position.
///
/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the
/// numbers do not depend on what was drawn before, so they can be drawn again, in any order and on
/// any thread. As a generator it draws the positions one after the other.
public struct RandomStream: RandomNumberGenerator, Sendable, Hashable {
    /// The key of the generator.
    public let seed: UInt64
    /// Tells streams of one seed apart.
    public let stream: UInt64
    /// The position of the next block of two 64-bit numbers.
    private var position: UInt64 = 0
    private var pending: UInt64?

    /// The stream numbered `stream` of `seed`.
    public init(seed: UInt64, stream: UInt64 = 0) {
        (self.seed, self.stream) = (seed, stream)
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        if let number = pending {
            pending = nil
            return number
        }
        let counter: [UInt32] = [
            UInt32(truncatingIfNeeded: position), UInt32(truncatingIfNeeded: position >> 32),
            UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32),
        ]
        var words: [UInt32] = [0, 0, 0, 0]
        ck_philox(&words, counter, seed)
        position += 1
        pending = UInt64(words[2]) | UInt64(words[3]) << 32
        return UInt64(words[0]) | UInt64(words[1]) << 32
    }

    /// The next number, uniform in `0 ..< 1`, from 53 random bits.
    public mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// The next number of the standard normal distribution (polar method of Marsaglia).
    public mutating func nextNormal() -> Double {
        while true {
            let x = 2 * nextUniform() - 1
            let y = 2 * nextUniform() - 1
            let square = x * x + y * y
            if square > 0, square < 1 { return x * (-2 * log(square) / square).squareRoot() }
        }
    }
}

extension Tensor {
    /// Normally distributed numbers.
    public init(
        normal shape: Shape, mean: Double = 0, standardDeviation: Double = 1,
        dtype: DType = .float32, using stream: inout RandomStream
    ) {
        let numbers = (0..<shape.elementCount).map { _ in
            mean + standardDeviation * stream.nextNormal()
        }
        self = Tensor(numbers, shape: shape).converted(to: dtype)
    }

    /// Uniformly distributed numbers of `range`.
    public init(
        uniform shape: Shape, in range: Range<Double>, dtype: DType = .float32,
        using stream: inout RandomStream
    ) {
        let numbers = (0..<shape.elementCount).map { _ in
            range.lowerBound + (range.upperBound - range.lowerBound) * stream.nextUniform()
        }
        self = Tensor(numbers, shape: shape).converted(to: dtype)
    }
}
