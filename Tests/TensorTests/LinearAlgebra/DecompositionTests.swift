import Tensor
import Testing

@Suite struct DecompositionTests {
    static let shapes = [
        (1, 1), (5, 5), (7, 3), (3, 7), (1, 9), (9, 1), (40, 33), (33, 40), (70, 70),
    ]
    static let dtypes = [Tensor.DType.float32, .float64]

    /// How far the columns are from orthonormal.
    private func defect(_ columns: DenseMatrix) -> Double {
        (columns.transposed * columns - .identity(columns.columns)).norm
    }

    @Test(arguments: shapes, dtypes)
    func qrReconstructs(size: (Int, Int), dtype: Tensor.DType) throws {
        let a = DenseMatrix.random(size.0, size.1, seed: 2)
        let rank = min(size.0, size.1)
        for layout in Layout.allCases {
            let result = try a.tensor(dtype, layout).qr()
            #expect(result.q.shape == [size.0, rank] && result.r.shape == [rank, size.1])
            let (q, r) = (DenseMatrix(result.q), DenseMatrix(result.r))
            let bound = 4 * Double(rank) * dtype.precision
            #expect((q * r - a).norm <= bound * a.norm)
            #expect(defect(q) <= bound)
            for row in 0..<rank { for column in 0..<row { #expect(r[row, column] == 0) } }
        }
    }

    @Test(arguments: shapes, dtypes)
    func singularValuesReconstruct(size: (Int, Int), dtype: Tensor.DType) throws {
        let a = DenseMatrix.random(size.0, size.1, seed: 3)
        let rank = min(size.0, size.1)
        for layout in Layout.allCases {
            let result = try a.tensor(dtype, layout).singularValueDecomposition()
            #expect(result.u.shape == [size.0, rank] && result.singularValues.shape == [rank])
            #expect(result.vTransposed.shape == [rank, size.1])
            let (u, s) = (DenseMatrix(result.u), DenseMatrix.diagonal(result.singularValues))
            let v = DenseMatrix(result.vTransposed)
            let bound = 4 * Double(rank + 1) * dtype.precision
            #expect((u * s * v - a).norm <= bound * a.norm)
            #expect(defect(u) <= bound && defect(v.transposed) <= bound)
            for each in 0..<rank {
                #expect(s[each, each] >= 0 && (each == 0 || s[each, each] <= s[each - 1, each - 1]))
            }
        }
    }

    @Test(arguments: [1, 2, 5, 33, 70], dtypes)
    func eigenReconstructs(size: Int, dtype: Tensor.DType) throws {
        let half = DenseMatrix.random(size, size, seed: 4)
        let a = half + half.transposed
        for layout in Layout.allCases {
            let result = try a.tensor(dtype, layout).symmetricEigen()
            #expect(result.values.shape == [size] && result.vectors.shape == [size, size])
            let (values, vectors) = (
                DenseMatrix.diagonal(result.values), DenseMatrix(result.vectors)
            )
            let bound = 4 * Double(size + 1) * dtype.precision
            #expect((vectors * values * vectors.transposed - a).norm <= bound * a.norm)
            #expect(defect(vectors) <= bound)
            for each in 1..<max(size, 1) {
                #expect(values[each, each] >= values[each - 1, each - 1])
            }
        }
    }

    @Test(arguments: dtypes)
    func decompositionsAgreeWithNumPy(dtype: Tensor.DType) throws {
        let cases = try #require(LinearAlgebraReference.shared).decomposition
        #expect(cases.count == 7)
        for each in cases {
            let a = each.matrix.tensor(dtype)
            let tolerance = 4 * Double(min(a.shape[0], a.shape[1]) + 1) * dtype.precision
            let svd = try a.singularValueDecomposition()
            // Weyl: singular values move by no more than the matrix does.
            let expected = each.singularValues.dense
            #expect((DenseMatrix(svd.singularValues) - expected).norm <= tolerance * expected.norm)
            let qr = try a.qr()
            let (q, r) = (each.q.dense, each.r.dense)
            #expect((DenseMatrix(qr.r) - r).norm <= each.condition * tolerance * r.norm)
            #expect((DenseMatrix(qr.q) - q).norm <= each.condition * tolerance * q.norm)
        }
    }

    @Test(arguments: dtypes)
    func eigenvaluesAgreeWithNumPy(dtype: Tensor.DType) throws {
        let cases = try #require(LinearAlgebraReference.shared).eigen
        #expect(cases.count == 4)
        for each in cases {
            let result = try each.matrix.tensor(dtype).symmetricEigen()
            let expected = each.values.dense
            let tolerance = 4 * Double(expected.rows + 1) * dtype.precision
            #expect((DenseMatrix(result.values) - expected).norm <= tolerance * expected.norm)
        }
    }

    @Test(arguments: dtypes)
    func rankDeficiencyShowsInTheSingularValues(dtype: Tensor.DType) throws {
        let a = DenseMatrix.random(12, 2, seed: 9) * DenseMatrix.random(2, 8, seed: 10)
        let values = try a.tensor(dtype).singularValueDecomposition().singularValues
            .converted(to: .float64).elements(as: Double.self)
        #expect(values[1] > 0.01 * values[0])
        #expect(values[2] < 12 * dtype.precision * values[0])
    }

    @Test func truncationIsTheNearestMatrixOfItsRank() throws {
        let a = DenseMatrix.random(9, 6, seed: 11)
        let full = try a.tensor(.float64).singularValueDecomposition()
        let values = full.singularValues.elements(as: Double.self)
        for rank in 0...6 {
            let part = full.truncated(to: rank)
            #expect(part.u.shape == [9, rank] && part.vTransposed.shape == [rank, 6])
            let product =
                DenseMatrix(part.u) * .diagonal(part.singularValues) * DenseMatrix(part.vTransposed)
            let missed = values[rank...].reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs((product - a).norm - missed) < 1e-13)
        }
    }

    @Test func onlyTheLowerTriangleOfASymmetricMatrixIsRead() throws {
        let values = try Tensor([2.0, 99, 1, 2], shape: [2, 2]).symmetricEigen().values
        #expect((DenseMatrix(values) - DenseMatrix(Tensor([1.0, 3.0]))).norm < 1e-14)
    }

    @Test func inputsAreNotWritten() throws {
        let a = Tensor([2.0, 1, 1, 3], shape: [2, 2])
        _ = (try a.qr(), try a.singularValueDecomposition(), try a.symmetricEigen())
        #expect(a.elements(as: Double.self) == [2, 1, 1, 3])
    }

    @Test(arguments: [(0, 3), (3, 0), (0, 0)])
    func emptyMatricesHaveEmptyFactors(rows: Int, columns: Int) throws {
        let a = Tensor(zeros: [rows, columns])
        let qr = try a.qr()
        #expect(qr.q.shape == [rows, 0] && qr.r.shape == [0, columns])
        let svd = try a.singularValueDecomposition()
        #expect(svd.u.shape == [rows, 0] && svd.singularValues.shape == [0])
        #expect(svd.vTransposed.shape == [0, columns])
        if rows == columns {
            let eigen = try a.symmetricEigen()
            #expect(eigen.values.shape == [0] && eigen.vectors.shape == [0, 0])
        }
    }

    @Test(arguments: dtypes)
    func extremeScalesNeitherOverflowNorVanish(dtype: Tensor.DType) throws {
        for scale in dtype == .float32 ? [1e-36, 1e36] : [1e-300, 1e300] {
            let a = DenseMatrix(rows: 2, columns: 2) { $0 == $1 ? 2 * scale : scale }.tensor(dtype)
            let singular = DenseMatrix(try a.singularValueDecomposition().singularValues).values
            let eigen = DenseMatrix(try a.symmetricEigen().values).values
            for (value, expected) in zip(singular + eigen, [3.0, 1, 1, 3]) {
                #expect(abs(value / scale - expected) < 8 * dtype.precision)
            }
        }
    }
}
