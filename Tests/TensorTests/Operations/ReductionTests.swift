import Tensor
import TestSupport
import Testing

@Suite struct ReductionTests {
    static let counts = [0, 1, 5, 16, 63, 64, 65, 1000, 16384, 16385, 50000]

    /// A sum of n numbers in 64 interleaved parts is wrong by at most about (n / 64 + 10) u Σ|x|;
    /// tiles of 16384 bound the first term by 256.
    private func allowed(_ x: [Double], _ dtype: Tensor.DType) -> Tolerance {
        let magnitude = x.reduce(0) { $0 + abs($1) }
        let terms = Double(min(x.count, 16384)) / 64 + 10
        return Tolerance(absolute: terms * Reference.roundoff(dtype) * magnitude)
    }

    @Test(arguments: computableTypes, counts)
    func sums(_ dtype: Tensor.DType, _ count: Int) {
        let a = Samples.normal([count], seed: 1, dtype: dtype)
        let b = Samples.normal([count], seed: 2, dtype: dtype)
        let (x, y) = (doubles(a), doubles(b))
        let products = zip(x, y).map { $0 * $1 }
        let squares = x.map { $0 * $0 }
        #expect(mismatch(a.sum(), x.reduce(0, +), within: allowed(x, dtype)) == nil)
        #expect(
            mismatch(a.dot(b), products.reduce(0, +), within: allowed(products, dtype)) == nil)
        #expect(
            mismatch(a.sumOfSquares(), squares.reduce(0, +), within: allowed(squares, dtype))
                == nil)
        guard count > 0 else {
            #expect(a.mean().isNaN)
            return
        }
        let mean = x.reduce(0, +) / Double(count)
        #expect(mismatch(a.mean(), mean, within: allowed(x, dtype)) == nil)
    }

    @Test(arguments: computableTypes, counts)
    func extremes(_ dtype: Tensor.DType, _ count: Int) {
        let a = Samples.normal([count], seed: 3, dtype: dtype)
        #expect(a.maximum() == doubles(a).max() ?? -.infinity)
        #expect(a.isFinite)
        // One number that is not finite is found wherever it stands.
        for position in Set([0, count / 2, count - 1]) where count > 0 {
            for number in [Double.nan, .infinity, -.infinity] {
                var elements = doubles(a)
                elements[position] = number
                let changed = Tensor(elements).converted(to: dtype)
                #expect(!changed.isFinite)
                let largest = changed.maximum()
                #expect(number.isNaN ? largest.isNaN : largest == elements.max())
            }
        }
    }

    static let shapes: [Tensor.Shape] = [
        [5], [1, 1], [3, 7], [7, 3], [2, 3, 5], [4, 1, 6], [130, 70], [70, 130], [3, 0], [0, 3],
        [2, 65, 65], [20000, 2],
    ]

    @Test(arguments: computableTypes, shapes)
    func sumsAlongAxes(_ dtype: Tensor.DType, _ shape: Tensor.Shape) {
        let a = Samples.normal(shape, seed: 4, dtype: dtype)
        let x = doubles(a)
        for axis in shape.indices {
            let outer = shape[..<axis].reduce(1, *)
            let inner = shape[(axis + 1)...].reduce(1, *)
            var expected = [Double](repeating: 0, count: outer * inner)
            var magnitude = expected
            for position in x.indices {
                let target = position / (inner * shape[axis]) * inner + position % inner
                expected[target] += x[position]
                magnitude[target] += abs(x[position])
            }
            // Added one after the other in the worst case.
            let bound = magnitude.map { $0 * Reference.roundoff(dtype) * Double(shape[axis] + 2) }
            let sum = a.sum(axis: axis)
            #expect(
                sum.shape.sizes
                    == shape.sizes.enumerated().filter { $0.offset != axis }.map(\.element))
            #expect(mismatch(sum, expected, allowed: bound) == nil)
            #expect(sameBits(Samples.strided(a).sum(axis: axis), sum))
            let mean = expected.map { $0 / Double(shape[axis]) }
            #expect(mismatch(a.mean(axis: axis), mean, allowed: bound) == nil)
        }
    }

    @Test func summedToUndoesBroadcasting() {
        let sources: [Tensor.Shape] = [
            [], [5], [1], [3, 1], [1, 5], [1, 1], [2, 1, 5], [2, 3, 5],
        ]
        for source in sources {
            let repeated = Samples.normal(source).broadcast(to: [2, 3, 5])
            let factor = Double(30 / source.elementCount)
            let expected = doubles(Samples.normal(source)).map { $0 * factor }
            let result = repeated.summed(to: source)
            #expect(result.shape == source)
            #expect(mismatch(result, expected, within: Tolerance(relative: 1e-14)) == nil)
        }
    }

    @Test func argmaxIsTheFirstOfTheLargest() {
        let elements: [Double] = [
            1, 5, 5, 2, .nan, 3, -.infinity, 3, .nan, .nan, .nan, .nan, -1, -2, -.infinity, -3,
            .infinity, .nan, 1, .infinity,
        ]
        let x = Tensor(elements, shape: [5, 4])
        #expect(x.argmax().elements(as: Int32.self) == [1, 1, 0, 0, 0])
        #expect(Tensor([2.0, 7.0]).argmax().shape == [])
        #expect(Samples.strided(x).argmax().elements(as: Int32.self) == [1, 1, 0, 0, 0])
    }
}
