import Tensor
import Testing

@Suite struct CholeskyTests {
    /// `H Hᵀ + n I / 2`, whose condition number stays below 10.
    private func positiveDefinite(_ size: Int) -> DenseMatrix {
        let half = DenseMatrix.random(size, size, seed: 1)
        let square = half * half.transposed
        return DenseMatrix(rows: size, columns: size) { row, column in
            Double(Float(square[row, column] + (row == column ? Double(size) / 2 : 0)))
        }
    }

    @Test(arguments: [1, 2, 17, 64, 130], [Tensor.DType.float32, .float64])
    func factorTimesItsTransposeIsTheMatrix(size: Int, dtype: Tensor.DType) throws {
        let a = positiveDefinite(size)
        for layout in Layout.allCases {
            let factor = DenseMatrix(try a.tensor(dtype, layout).choleskyFactor())
            // Higham, Accuracy and Stability, theorem 10.3: n + 1 roundings an element.
            #expect(
                (factor * factor.transposed - a).norm <= Double(size + 1) * dtype.precision * a.norm
            )
            for row in 0..<size {
                #expect(factor[row, row] > 0)
                for column in (row + 1)..<max(size, row + 1) { #expect(factor[row, column] == 0) }
            }
        }
    }

    @Test(arguments: [Tensor.DType.float32, .float64])
    func agreesWithNumPy(dtype: Tensor.DType) throws {
        let cases = try #require(LinearAlgebraReference.shared).cholesky
        #expect(cases.count == 4)
        for each in cases {
            let tolerance = 4 * each.condition * dtype.precision
            let a = each.matrix.tensor(dtype)
            let factor = DenseMatrix(try a.choleskyFactor())
            #expect((factor - each.factor.dense).norm <= tolerance * each.factor.dense.norm)
            let expected = each.solution.dense
            for b in [
                each.right.tensor(dtype),
                DenseMatrix(each.right.tensor(dtype)).tensor(dtype, .sliced),
            ] {
                let x = try a.choleskySolve(b)
                #expect(x.shape == b.shape && x.dtype == dtype)
                #expect((DenseMatrix(x) - expected).norm <= tolerance * expected.norm)
            }
        }
    }

    @Test func aVectorIsSolvedAsOneColumn() throws {
        let a = Tensor([4.0, 2, 2, 3], shape: [2, 2])
        let x = try a.choleskySolve(Tensor([10.0, 9]))
        #expect(x.shape == [2])
        #expect((DenseMatrix(x) - DenseMatrix(Tensor([1.5, 2.0]))).norm < 1e-15)
    }

    @Test func onlyTheLowerTriangleIsRead() throws {
        let a = Tensor([4.0, 99, 2, 3], shape: [2, 2])
        #expect(try a.choleskyFactor().elements(as: Double.self) == [2, 0, 1, 2.0.squareRoot()])
    }

    @Test func theMatrixIsNotWritten() throws {
        let a = Tensor([4.0, 2, 2, 3], shape: [2, 2])
        let b = Tensor([10.0, 9])
        _ = try a.choleskyFactor()
        _ = try a.choleskySolve(b)
        #expect(a.elements(as: Double.self) == [4, 2, 2, 3])
        #expect(b.elements(as: Double.self) == [10, 9])
    }

    @Test(arguments: [
        (values: [1.0, 2, 2, 1], minor: 2), (values: [-1.0, 0, 0, 1], minor: 1),
        (values: [0.0, 0, 0, 0], minor: 1), (values: [1.0, 1, 1, 1], minor: 2),
    ])
    func anIndefiniteMatrixSaysWhichMinor(values: [Double], minor: Int) {
        for dtype in [Tensor.DType.float32, .float64] {
            let a = Tensor(values, shape: [2, 2]).converted(to: dtype)
            let expected = LinearAlgebraError.notPositiveDefinite(leadingMinor: minor, size: 2)
            #expect(throws: expected) { try a.choleskyFactor() }
            #expect(throws: expected) { try a.choleskySolve(Tensor(zeros: [2], dtype: dtype)) }
        }
    }

    @Test func emptyMatricesHaveEmptyResults() throws {
        let empty = Tensor(zeros: [0, 0], dtype: .float64)
        #expect(try empty.choleskyFactor().shape == [0, 0])
        #expect(try empty.choleskySolve(Tensor(zeros: [0], dtype: .float64)).shape == [0])
        #expect(try empty.choleskySolve(Tensor(zeros: [0, 3], dtype: .float64)).shape == [0, 3])
        let one = Tensor([1.0], shape: [1, 1])
        #expect(try one.choleskySolve(Tensor(zeros: [1, 0], dtype: .float64)).shape == [1, 0])
    }
}
