import TestSupport
import Testing

@testable import Tensor

/// What products promise beside being right: a row does not depend on the others, and bfloat16 rounds
/// operands only.
@Suite struct PrecisionTests {
    static let precisions = Tensor.Precision.allCases.filter(\.isSupported)

    /// The same bits, whatever else is in the batch: cached features and single predictions rest on
    /// it.
    @Test(arguments: precisions, [Tensor.DType.float32, .float64])
    func rowsDoNotDependOnTheBatch(_ precision: Tensor.Precision, _ dtype: Tensor.DType) {
        let weight = Samples.normal([100, 900], seed: 1, dtype: dtype)
        let bias = Samples.normal([100], seed: 2, dtype: dtype)
        let x = Samples.normal([300, 900], seed: 3, dtype: dtype)
        precision.applied {
            let all = x.linear(weight: weight, bias: bias, activation: .gelu).output
            for rows in [0..<1, 7..<20, 100..<300, 299..<300] {
                let part = x.sliced(rows).linear(weight: weight, bias: bias, activation: .gelu)
                #expect(doubles(part.output) == doubles(all.sliced(rows)), "rows \(rows)")
            }
        }
    }

    /// Operands to the nearest of 8 bits, sums in float32.
    @Test(arguments: [(1, 1, 1), (5, 7, 3), (33, 31, 29), (70, 100, 1601), (200, 50, 64)])
    func bfloat16RoundsTheOperands(_ m: Int, _ n: Int, _ k: Int) {
        guard Tensor.Precision.bfloat16.isSupported else { return }
        let a = Samples.normal([m, k], seed: 1, dtype: .float32)
        let b = Samples.normal([k, n], seed: 2, dtype: .float32)
        let rounded = [a, b].map {
            doubles($0.converted(to: .bfloat16).converted(to: .float32))
        }
        let expected = Reference.matmul(rounded[0], rounded[1], m: m, n: n, k: k)
        let allowed = Reference.matmul(
            rounded[0].map(abs), rounded[1].map(abs), m: m, n: n, k: k
        ).map { $0 * Double(k + 1) * Reference.roundoff(.float32) }
        let (aT, bT) = (a.transposed().copied(), b.transposed().copied())
        Tensor.Precision.bfloat16.applied {
            let results = [
                Tensor.matmul(a, b), Tensor.matmul(aT, b, transposingA: true),
                Tensor.matmul(a, bT, transposingB: true),
                Tensor.matmul(aT, bT, transposingA: true, transposingB: true),
            ]
            for result in results {
                #expect(mismatch(result, expected, allowed: allowed) == nil)
            }
        }
    }

    /// bfloat16 is for products of float32 alone, and only where it was asked for.
    @Test func precisionIsOfTheTask() async {
        let a = Samples.normal([40, 40], seed: 1, dtype: .float32)
        let wide = a.converted(to: .float64)
        let (exact, exactWide) = (Tensor.matmul(a, a), Tensor.matmul(wide, wide))
        Tensor.Precision.bfloat16.applied {
            #expect(doubles(Tensor.matmul(wide, wide)) == doubles(exactWide))
            let isSame = doubles(Tensor.matmul(a, a)) == doubles(exact)
            #expect(isSame == !Tensor.Precision.bfloat16.isSupported)
            #expect(Tensor.Precision.current.isSupported)
        }
        #expect(Tensor.Precision.current == .float32)
        #expect(doubles(Tensor.matmul(a, a)) == doubles(exact))
    }

    /// Not-a-number and infinity survive the rounding.
    @Test func bfloat16KeepsNotANumber() {
        guard Tensor.Precision.bfloat16.isSupported else { return }
        let a = Tensor([Float.nan, 1, .infinity, 1], shape: [2, 2])
        let one = Tensor(repeating: 1, shape: [2, 3])
        let product = Tensor.Precision.bfloat16.applied { Tensor.matmul(a, one) }
        #expect(doubles(product[0]).allSatisfy { $0.isNaN })
        #expect(doubles(product[1]).allSatisfy { $0 == .infinity })
    }
}
