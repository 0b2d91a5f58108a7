import Tensor
import TestSupport
import Testing

/// Products of matrices, and the linear map that is built on them.
@Suite struct ProductTests {
    /// Rows, columns and inner size: single numbers, odd sizes, nothing, and enough for many tiles
    /// or blocks, longer in either direction.
    static let sizes: [(m: Int, n: Int, k: Int)] = [
        (1, 1, 1), (2, 3, 4), (1, 17, 9), (17, 1, 9), (5, 7, 1), (33, 31, 29), (64, 64, 64),
        (0, 3, 4), (3, 0, 4), (3, 4, 0), (257, 67, 65), (67, 257, 65), (70, 1100, 9),
        (13, 51, 1000), (150, 100, 801),
    ]

    /// A sum of k products is wrong by at most k u Σ|a b| in any order.
    private func bound(
        _ a: [Double], _ b: [Double], _ size: (m: Int, n: Int, k: Int), _ dtype: Tensor.DType
    ) -> [Double] {
        Reference.matmul(a.map(abs), b.map(abs), m: size.m, n: size.n, k: size.k)
            .map { $0 * Double(size.k + 1) * Reference.roundoff(dtype) }
    }

    @Test(arguments: computableTypes, sizes)
    func matricesInAllLayouts(_ dtype: Tensor.DType, _ size: (m: Int, n: Int, k: Int)) {
        let a = Samples.normal([size.m, size.k], seed: 1, dtype: dtype)
        let b = Samples.normal([size.k, size.n], seed: 2, dtype: dtype)
        let (x, y) = (doubles(a), doubles(b))
        let expected = Reference.matmul(x, y, m: size.m, n: size.n, k: size.k)
        let allowed = bound(x, y, size, dtype)
        let (aT, bT) = (a.transposed().copied(), b.transposed().copied())
        let results = [
            Tensor.matmul(a, b), Tensor.matmul(aT, b, transposingA: true),
            Tensor.matmul(a, bT, transposingB: true),
            Tensor.matmul(aT, bT, transposingA: true, transposingB: true),
            // A transposed view is not contiguous.
            Tensor.matmul(aT.transposed(), bT.transposed()),
            Tensor.matmul(Samples.strided(a), Samples.strided(b)),
        ]
        for result in results {
            #expect(result.shape == [size.m, size.n])
            #expect(mismatch(result, expected, allowed: allowed) == nil)
        }
    }

    @Test(arguments: computableTypes)
    func batches(_ dtype: Tensor.DType) {
        let size = (m: 5, n: 3, k: 7)
        let a = Samples.normal([2, 3, 5, 7], seed: 3, dtype: dtype)
        let b = Samples.normal([2, 3, 7, 3], seed: 4, dtype: dtype)
        let each = Tensor.matmul(a, b)
        let shared = Tensor.matmul(a, b[1][2])
        let swapped = Tensor.matmul(
            a.transposed().copied(), b.transposed().copied(), transposingA: true,
            transposingB: true)
        #expect(each.shape == [2, 3, 5, 3] && shared.shape == [2, 3, 5, 3])
        for (i, j) in [(0, 0), (0, 2), (1, 0), (1, 2)] {
            let x = doubles(a[i][j])
            for (result, factor) in [(each, b[i][j]), (swapped, b[i][j]), (shared, b[1][2])] {
                let y = doubles(factor)
                let expected = Reference.matmul(x, y, m: size.m, n: size.n, k: size.k)
                #expect(
                    mismatch(result[i][j], expected, allowed: bound(x, y, size, dtype)) == nil)
            }
        }
        #expect(Tensor.matmul(a.sliced(0..<0), b.sliced(0..<0)).shape == [0, 3, 5, 3])
    }

    /// What the memory of the result held before does not matter.
    @Test(arguments: computableTypes)
    func resultsAreOverwritten(_ dtype: Tensor.DType) {
        for _ in 0..<4 {
            do {
                let poison = Tensor(repeating: .nan, shape: [33, 65], dtype: dtype)
                withExtendedLifetime(poison) {}
            }
            let empty = Tensor.matmul(
                Tensor(zeros: [33, 0], dtype: dtype), Tensor(zeros: [0, 65], dtype: dtype))
            #expect(doubles(empty).allSatisfy { $0 == 0 })
            do {
                let poison = Tensor(repeating: .nan, shape: [33, 65], dtype: dtype)
                withExtendedLifetime(poison) {}
            }
            let map = Tensor(zeros: [33, 0], dtype: dtype).linear(
                weight: Tensor(zeros: [65, 0], dtype: dtype),
                bias: Tensor(repeating: 2, shape: [65], dtype: dtype))
            #expect(doubles(map.output).allSatisfy { $0 == 2 })
        }
    }

    @Test func notANumberSpreadsAlongItsRow() {
        var elements = [Double](repeating: 1, count: 70 * 70)
        elements[3 * 70 + 5] = .nan
        elements[9 * 70] = .infinity
        let a = Tensor(elements, shape: [70, 70]).converted(to: .float32)
        let product = Tensor.matmul(a, Tensor(repeating: 1, shape: [70, 70]))
        for row in 0..<70 {
            for value in doubles(product[row]) {
                switch row {
                case 3: #expect(value.isNaN)
                case 9: #expect(value == .infinity)
                default: #expect(value == 70)
                }
            }
        }
    }

    @Test(arguments: computableTypes, Activation.allCases)
    func linearMaps(_ dtype: Tensor.DType, _ activation: Activation) {
        for size in [(m: 1, n: 1, k: 1), (5, 17, 3), (33, 16, 20), (130, 70, 33)] {
            for hasBias in [true, false] {
                checkLinear(dtype, activation, size, hasBias: hasBias)
            }
        }
    }

    private func checkLinear(
        _ dtype: Tensor.DType, _ activation: Activation, _ size: (m: Int, n: Int, k: Int),
        hasBias: Bool
    ) {
        let x = Samples.normal([size.m, size.k], seed: 5, dtype: dtype)
        let weight = Samples.normal([size.n, size.k], seed: 6, dtype: dtype, deviation: 0.3)
        let bias = hasBias ? Samples.normal([size.n], seed: 7, dtype: dtype) : nil
        let w = Reference.transposed(doubles(weight), rows: size.n, columns: size.k)
        let b = bias.map(doubles) ?? [Double](repeating: 0, count: size.n)
        let sums = Reference.matmul(doubles(x), w, m: size.m, n: size.n, k: size.k)
            .enumerated().map { $0.element + b[$0.offset % size.n] }
        let u = Reference.roundoff(dtype)
        let allowed = zip(bound(doubles(x), w, size, dtype), sums).map { $0 + 2 * u * abs($1) + u }
        let (output, activated) = x.linear(
            weight: weight, bias: bias, activation: activation, keepingInput: true)
        // No activation is steeper than 1.13; each adds its own rounding.
        let results = sums.map { Reference.activation(activation, $0) }
        let afterwards = zip(allowed, results).map { 1.13 * $0 + 8 * u + 8 * u * abs($1) }
        #expect(mismatch(output, results, allowed: afterwards) == nil)
        if let activated {
            #expect(mismatch(activated, sums, allowed: allowed) == nil)
        } else {
            Issue.record("the activation's input was asked for and is not there")
        }
        let alone = x.linear(weight: weight, bias: bias, activation: activation)
        #expect(alone.activated == nil)
        #expect(sameBits(alone.output, output))
        let viewed = Samples.strided(x).linear(
            weight: Samples.strided(weight), bias: bias.map(Samples.strided),
            activation: activation)
        #expect(sameBits(viewed.output, output))
    }

    @Test func linearMapsKeepOuterDimensions() {
        let weight = Samples.normal([4, 3])
        #expect(Samples.normal([3]).linear(weight: weight).output.shape == [4])
        #expect(Samples.normal([2, 5, 3]).linear(weight: weight).output.shape == [2, 5, 4])
        #expect(Samples.normal([0, 3]).linear(weight: weight).output.shape == [0, 4])
    }
}
