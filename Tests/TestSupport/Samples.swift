public import Tensor

/// Reproducible numbers for tests.
public enum Samples {
    /// Normally distributed numbers.
    public static func normal(
        _ shape: Tensor.Shape, seed: UInt64 = 1, dtype: Tensor.DType = .float64,
        deviation: Double = 1
    ) -> Tensor {
        var stream = RandomStream(seed: seed, stream: 0x7e57)
        return Tensor(
            normal: shape, standardDeviation: deviation, dtype: dtype, using: &stream)
    }

    /// Uniformly distributed numbers of `range`.
    public static func uniform(
        _ shape: Tensor.Shape, in range: Range<Double>, seed: UInt64 = 1,
        dtype: Tensor.DType = .float64
    ) -> Tensor {
        var stream = RandomStream(seed: seed, stream: 0x7e57)
        return Tensor(uniform: shape, in: range, dtype: dtype, using: &stream)
    }

    /// Numbers of either sign at least `gap` away from 0, where a function has a kink.
    public static func awayFromZero(
        _ shape: Tensor.Shape, gap: Double = 0.05, seed: UInt64 = 1, dtype: Tensor.DType = .float64
    ) -> Tensor {
        let numbers = doubles(normal(shape, seed: seed)).map { $0 < 0 ? $0 - gap : $0 + gap }
        return Tensor(numbers, shape: shape).converted(to: dtype)
    }

    /// The same numbers as a view with gaps: every third element of a storage that begins earlier,
    /// with the last two dimensions exchanged in memory.
    public static func strided(_ tensor: Tensor) -> Tensor {
        let rank = tensor.rank
        let stored = rank >= 2 ? tensor.transposed() : tensor
        let sizes = stored.shape.sizes
        let spaced = stored.reshaped(Tensor.Shape(sizes + [1]))
            .padded(to: Tensor.Shape(sizes + [3]), at: 1, axis: rank)
        let view = spaced.permuted([rank] + Array(0..<rank))[1]
        return rank >= 2 ? view.transposed() : view
    }
}
