import Tensor
import TestSupport
import Testing

/// Layer normalisation and softmax.
@Suite struct NormalizationTests {
    static let shapes: [Tensor.Shape] = [
        [1], [3, 1], [4, 3], [2, 16], [3, 17], [2, 3, 33], [5, 384], [300, 70], [0, 5],
    ]

    /// Rows around an offset: cancellation is what makes a variance hard.
    @Test(arguments: computableTypes, shapes)
    func layerNormalization(_ dtype: Tensor.DType, _ shape: Tensor.Shape) {
        let width = shape[shape.rank - 1]
        let gamma = Samples.normal([width], seed: 2, dtype: dtype)
        let beta = Samples.normal([width], seed: 3, dtype: dtype)
        for offset in [0.0, 100] {
            let x = Samples.normal(shape, seed: 1, dtype: dtype) + offset
            let epsilon = 1e-5
            let (output, statistics) = x.layerNormalized(gamma: gamma, beta: beta, epsilon: epsilon)
            let rows = rows(of: x)
            let expected = rows.map {
                Reference.layerNorm(
                    $0, gamma: doubles(gamma), beta: doubles(beta), epsilon: epsilon)
            }
            let deviations = rows.map { deviation($0, epsilon: epsilon) }
            // The mean is rounded once at the size of the numbers, and so is each difference.
            let u = Reference.roundoff(dtype)
            let allowed = zip(rows, deviations).flatMap { row, deviation in
                row.indices.map { index in
                    let scale = abs(doubles(gamma)[index])
                    let largest = row.map(abs).max() ?? 0
                    return u * (8 * scale * (largest / deviation + 4) + 4)
                }
            }
            #expect(output.shape == shape)
            #expect(mismatch(output, expected.flatMap { $0 }, allowed: allowed) == nil)
            let means = rows.map(Reference.mean)
            #expect(
                mismatch(
                    statistics.mean, means, within: Tolerance(absolute: 8 * u, relative: 8 * u))
                    == nil)
            let strided = Samples.strided(x).layerNormalized(
                gamma: Samples.strided(gamma), beta: Samples.strided(beta), epsilon: epsilon)
            #expect(sameBits(strided.output, output))
        }
    }

    private func rows(of x: Tensor) -> [[Double]] {
        let width = x.shape[x.rank - 1]
        let elements = doubles(x)
        return stride(from: 0, to: elements.count, by: width).map {
            Array(elements[$0..<($0 + width)])
        }
    }

    private func deviation(_ row: [Double], epsilon: Double) -> Double {
        let mean = Reference.mean(row)
        let squares = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(row.count) + epsilon).squareRoot()
    }

    @Test(arguments: computableTypes)
    func constantRowsBecomeBeta(_ dtype: Tensor.DType) {
        let beta = Samples.normal([5], seed: 3, dtype: dtype)
        // 0.1 has no exact float: even so its mean must be itself.
        for value in [0.0, 0.1, -1e4] {
            let x = Tensor(repeating: value, shape: [2, 5], dtype: dtype)
            let output = x.layerNormalized(
                gamma: Tensor(repeating: 1, shape: [5], dtype: dtype), beta: beta, epsilon: 1e-5
            ).output
            let u = Reference.roundoff(dtype)
            let bound = Tolerance(absolute: abs(value) * 2 * u / 1e-5.squareRoot())
            #expect(mismatch(output, doubles(beta) + doubles(beta), within: bound) == nil)
        }
    }

    /// float64 passes finite differences; float32 has kernels of its own.
    @Test(arguments: shapes)
    func layerNormGradientInFloat32(_ shape: Tensor.Shape) {
        let width = shape[shape.rank - 1]
        let tensors = [
            Samples.normal(shape, seed: 1, dtype: .float32),
            Samples.normal([width], seed: 2, dtype: .float32),
            Samples.normal(shape, seed: 3, dtype: .float32),
        ]
        let compute = { (x: Tensor, gamma: Tensor, dy: Tensor) in
            let statistics = x.layerNormalized(gamma: gamma, beta: gamma, epsilon: 1e-2).statistics
            return dy.layerNormGradient(input: x, statistics: statistics, gamma: gamma)
        }
        let wide = tensors.map { $0.converted(to: .float64) }
        let result = compute(tensors[0], tensors[1], tensors[2])
        let expected = compute(wide[0], wide[1], wide[2])
        for (found, wanted) in [
            (result.input, expected.input), (result.gamma, expected.gamma),
            (result.beta, expected.beta),
        ] {
            #expect(
                normMismatch(
                    found, wanted, relative: 1e-6, absolute: 1e-5) == nil)
        }
    }

    @Test(arguments: computableTypes, shapes)
    func softmax(_ dtype: Tensor.DType, _ shape: Tensor.Shape) {
        let x = Samples.normal(shape, seed: 4, dtype: dtype, deviation: 4)
        let expected = rows(of: x).flatMap(Reference.softmax)
        // x − max, at most 40, is rounded once: relative 40 u in the exponential, and its own error.
        let tolerance = Tolerance(relative: 60 * Reference.roundoff(dtype))
        #expect(mismatch(x.softmax(), expected, within: tolerance) == nil)
        #expect(sameBits(Samples.strided(x).softmax(), x.softmax()))
    }

    @Test(arguments: computableTypes)
    func softmaxOfExtremes(_ dtype: Tensor.DType) {
        let (infinity, huge) = (Double.infinity, dtype == .float32 ? 3e38 : 1e308)
        let cases: [([Double], [Double])] = [
            ([0, -infinity, 0, -infinity], [0.5, 0, 0.5, 0]),
            ([-infinity, -infinity], [.nan, .nan]), ([1, infinity], [.nan, .nan]),
            ([1, .nan, 2], [.nan, .nan, .nan]), ([huge, huge], [0.5, 0.5]),
            ([-huge, -huge, -huge, -huge], [0.25, 0.25, 0.25, 0.25]), ([huge, -huge], [1, 0]),
            ([-huge, 5, 5], [0, 0.5, 0.5]), ([1000, 1000, -1000], [0.5, 0.5, 0]), ([-745], [1]),
        ]
        for (row, expected) in cases {
            // Also in rows longer than a vector, where the others are −∞ and change nothing.
            for padding in [0, 16, 35] {
                let rest = [Double](repeating: -infinity, count: padding)
                let x = Tensor(row + rest, shape: [1, row.count + padding]).converted(to: dtype)
                let zeros = rest.map { _ in expected[0].isNaN ? Double.nan : 0 }
                #expect(
                    mismatch(
                        x.softmax(), expected + zeros,
                        within: Tolerance(relative: 4 * Reference.roundoff(dtype))) == nil)
            }
        }
    }

    @Test(arguments: shapes)
    func softmaxGradientInFloat32(_ shape: Tensor.Shape) {
        let x = Samples.normal(shape, seed: 5, dtype: .float32)
        let dy = Samples.normal(shape, seed: 6, dtype: .float32)
        let expected = dy.converted(to: .float64)
            .softmaxGradient(output: x.converted(to: .float64).softmax())
        let result = dy.softmaxGradient(output: x.softmax())
        #expect(
            mismatch(
                result.converted(to: .float64), expected, within: Tolerance(absolute: 1e-6)) == nil)
    }
}
