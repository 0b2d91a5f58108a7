import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct ElementwiseTests {
    /// Around the 16 lanes of a vector and the 16384 elements of a tile.
    static let counts = [0, 1, 7, 8, 15, 16, 17, 100, 16383, 16385, 40000]

    private func check(
        _ result: Tensor, _ expected: [Double], roundings: Double = 0.5001
    ) -> String? {
        // One correctly rounded operation is wrong by half a unit; twice u covers the unit.
        mismatch(
            result, expected,
            within: Tolerance(relative: 2 * roundings * Reference.roundoff(result.dtype)))
    }

    @Test(arguments: computableTypes, counts)
    func arithmeticRoundsOnce(_ dtype: Tensor.DType, _ count: Int) {
        let a = Samples.normal([count], seed: 1, dtype: dtype)
        let b = Samples.awayFromZero([count], seed: 2, dtype: dtype)
        let (x, y) = (doubles(a), doubles(b))
        let pairs = zip(x, y)
        #expect(check(a + b, pairs.map { $0 + $1 }) == nil)
        #expect(check(a - b, pairs.map { $0 - $1 }) == nil)
        #expect(check(a * b, pairs.map { $0 * $1 }) == nil)
        #expect(check(a / b, pairs.map { $0 / $1 }) == nil)
        #expect(check(a + 0.75, x.map { $0 + 0.75 }) == nil)
        #expect(check(a - 0.75, x.map { $0 - 0.75 }) == nil)
        #expect(check(a * 0.75, x.map { $0 * 0.75 }) == nil)
        #expect(check(a / 0.75, x.map { $0 / 0.75 }) == nil)
        #expect(check(-a, x.map { -$0 }) == nil)
    }

    @Test(arguments: computableTypes, counts)
    func functionsOfOneNumber(_ dtype: Tensor.DType, _ count: Int) {
        let a = Samples.normal([count], seed: 3, dtype: dtype)
        let x = doubles(a)
        let positive = a.magnitude()
        #expect(check(positive, x.map(abs)) == nil)
        #expect(check(a.squared(), x.map { $0 * $0 }) == nil)
        #expect(check(a.reciprocal(), x.map { 1 / $0 }) == nil)
        #expect(check(positive.squareRoot(), x.map { abs($0).squareRoot() }) == nil)
        #expect(check(positive.log(), x.map { log(abs($0)) }, roundings: 1) == nil)
        #expect(check(a.exp(), x.map(exp), roundings: 2) == nil)
    }

    static let broadcasts: [(Tensor.Shape, Tensor.Shape)] = [
        ([4, 5], [5]), ([4, 5], [4, 1]), ([4, 1], [1, 5]), ([], [4, 5]), ([4, 5], []),
        ([2, 3, 5], [3, 1]), ([2, 1, 5], [3, 1]), ([0, 5], [5]), ([2, 0], [2, 1]), ([1], [1, 1]),
        ([700, 70], [70]),
    ]

    @Test(arguments: computableTypes, broadcasts)
    func shapesBroadcast(_ dtype: Tensor.DType, _ shapes: (Tensor.Shape, Tensor.Shape)) throws {
        let a = Samples.normal(shapes.0, seed: 1, dtype: dtype)
        let b = Samples.awayFromZero(shapes.1, seed: 2, dtype: dtype)
        let (x, y) = (doubles(a), doubles(b))
        let shape = try #require(shapes.0.broadcast(with: shapes.1))
        let pairs = (0..<shape.elementCount).map { position in
            (
                x[source(of: position, in: shape, from: shapes.0)],
                y[source(of: position, in: shape, from: shapes.1)]
            )
        }
        #expect((a - b).shape == shape)
        #expect(check(a + b, pairs.map { $0 + $1 }) == nil)
        #expect(check(a - b, pairs.map { $0 - $1 }) == nil)
        #expect(check(a * b, pairs.map { $0 * $1 }) == nil)
        #expect(check(a / b, pairs.map { $0 / $1 }) == nil)
        #expect(sameBits(Samples.strided(a) - Samples.strided(b), a - b))
    }

    /// Where broadcasting takes the element at a row-major position from, found index by index.
    private func source(
        of position: Int, in shape: Tensor.Shape, from own: Tensor.Shape
    ) -> Int {
        var (rest, place, stride) = (position, 0, 1)
        for axis in shape.indices.reversed() {
            let index = rest % shape[axis]
            rest /= shape[axis]
            let ownAxis = axis - (shape.rank - own.rank)
            guard ownAxis >= 0 else { continue }
            if own[ownAxis] != 1 { place += index * stride }
            stride *= own[ownAxis]
        }
        return place
    }

    @Test(arguments: computableTypes)
    func extremesFollowIEEE(_ dtype: Tensor.DType) {
        let infinity = Double.infinity
        let a = Tensor([infinity, -infinity, .nan, 0, -0.0, 1]).converted(to: dtype)
        #expect(mismatch(a + a, [infinity, -infinity, .nan, 0, 0, 2], within: Tolerance()) == nil)
        #expect(mismatch(a - a, [.nan, .nan, .nan, 0, 0, 0], within: Tolerance()) == nil)
        #expect(
            mismatch(
                a.reciprocal(), [0, 0, .nan, infinity, -infinity, 1], within: Tolerance()) == nil)
        #expect(
            mismatch(a.exp(), [infinity, 0, .nan, 1, 1, M_E], within: Tolerance(relative: 2e-7))
                == nil)
        #expect(
            mismatch(
                a.log(), [infinity, .nan, .nan, -infinity, -infinity, 0], within: Tolerance())
                == nil)
        #expect(
            mismatch(a.squareRoot(), [infinity, .nan, .nan, 0, 0, 1], within: Tolerance()) == nil)
        #expect(
            mismatch(
                a.magnitude(), [infinity, infinity, .nan, 0, 0, 1], within: Tolerance()) == nil)
    }

    @Test(arguments: computableTypes, counts)
    func changesInPlace(_ dtype: Tensor.DType, _ count: Int) {
        let a = Samples.normal([count], seed: 4, dtype: dtype)
        let b = Samples.normal([count], seed: 5, dtype: dtype)
        let (x, y) = (doubles(a), doubles(b))
        var sum = a
        sum.accumulate(b)
        #expect(check(sum, zip(x, y).map { $0 + $1 }) == nil)
        #expect(doubles(a) == x, "the copy changed with it")
        var scaled = a
        scaled.scale(by: -0.75)
        #expect(check(scaled, x.map { $0 * -0.75 }) == nil)
        var filled = a
        filled.fill(with: 2.5)
        #expect(doubles(filled) == [Double](repeating: 2.5, count: count))
        var twice = a
        twice.accumulate(twice)
        #expect(check(twice, x.map { 2 * $0 }) == nil)
        // x + s y rounds once or twice: a fused multiply-add is allowed.
        var mixed = a
        mixed.accumulate(b, scale: 0.3)
        let u = Reference.roundoff(dtype)
        let scale = dtype == .float32 ? Double(Float(0.3)) : 0.3
        let allowed = zip(x, y).map { 2 * u * (abs($0) + 2 * abs(scale * $1)) }
        #expect(mismatch(mixed, zip(x, y).map { $0 + scale * $1 }, allowed: allowed) == nil)
    }

    @Test func changingAViewLeavesItsSourceAlone() {
        let source = Samples.normal([4, 6])
        let before = doubles(source)
        for view in [source.transposed(), source.sliced(1..<3), source[2], Samples.strided(source)]
        {
            var changed = view
            changed.scale(by: 2)
            #expect(doubles(changed) == doubles(view).map { $0 * 2 })
            var filled = view
            filled.fill(with: 7)
            #expect(doubles(filled) == [Double](repeating: 7, count: view.elementCount))
            #expect(doubles(source) == before)
        }
    }

    @Test(arguments: computableTypes, Activation.allCases)
    func activations(_ dtype: Tensor.DType, _ activation: Activation) {
        for count in [1, 7, 16, 33, 20000] {
            let a = Samples.normal([count], seed: 6, dtype: dtype, deviation: 3)
            let expected = doubles(a).map { Reference.activation(activation, $0) }
            // See the accuracy tests for units in the last place; the tail of GELU loses digits.
            let u = Reference.roundoff(dtype)
            let tolerance = Tolerance(absolute: 8 * u, relative: 16 * u)
            #expect(mismatch(a.activated(activation), expected, within: tolerance) == nil)
        }
    }

    /// In float64 the rules pass finite differences; float32 has kernels of its own.
    @Test(arguments: Activation.allCases)
    func activationGradientsInFloat32(_ activation: Activation) {
        for count in [1, 7, 16, 33, 20000] {
            let x = Samples.normal([count], seed: 7, dtype: .float32, deviation: 3)
            let dy = Samples.normal([count], seed: 8, dtype: .float32)
            let expected = dy.converted(to: .float64)
                .activationGradient(activation, input: x.converted(to: .float64))
            let result = dy.activationGradient(activation, input: x)
            #expect(
                mismatch(
                    result.converted(to: .float64), expected,
                    within: Tolerance(absolute: 2e-6, relative: 2e-6)) == nil)
        }
    }
}
