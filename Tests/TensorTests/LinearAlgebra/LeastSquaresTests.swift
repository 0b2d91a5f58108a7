import Tensor
import Testing

@Suite struct LeastSquaresTests {
    @Test(arguments: [Tensor.DType.float32, .float64])
    func agreesWithNumPy(dtype: Tensor.DType) throws {
        let cases = try #require(LinearAlgebraReference.shared).leastSquares
        #expect(cases.count == 8)
        for each in cases {
            let (a, b, expected) = (each.matrix.dense, each.right.dense, each.solution.dense)
            // Wedin: the error grows with the condition number, and with its square times the
            // residual.
            let residual = (a * expected - b).norm / max(a.norm * expected.norm, 1e-9)
            let growth = each.condition * (1 + each.condition * residual)
            for layout in Layout.allCases {
                let result = try a.tensor(dtype, layout).leastSquares(b.tensor(dtype, layout))
                #expect(result.rank == each.rank, "\(each.name)")
                #expect(result.solution.shape == Tensor.Shape(each.solution.shape))
                let error = (DenseMatrix(result.solution) - expected).norm
                #expect(
                    error <= 10 * growth * dtype.precision * expected.norm,
                    "\(each.name) \(dtype) \(layout)")
            }
        }
    }

    @Test(arguments: [(50, 7), (7, 50), (40, 40), (300, 20)], [Tensor.DType.float32, .float64])
    func theResidualIsOrthogonalToTheColumns(size: (Int, Int), dtype: Tensor.DType) throws {
        let a = DenseMatrix.random(size.0, size.1, seed: 7)
        let b = DenseMatrix.random(size.0, 3, seed: 8)
        let result = try a.tensor(dtype).leastSquares(b.tensor(dtype))
        #expect(result.rank == min(size.0, size.1))
        let x = DenseMatrix(result.solution)
        let residual = a * x - b
        let bound = Double(size.0 + size.1) * dtype.precision * a.norm * (a.norm * x.norm + b.norm)
        #expect((a.transposed * residual).norm <= bound)
    }

    @Test func aVectorIsSolvedAsOneColumn() throws {
        // The line through (0, 1), (1, 3), (2, 5), (3, 7).
        let a = Tensor([1.0, 0, 1, 1, 1, 2, 1, 3], shape: [4, 2])
        let result = try a.leastSquares(Tensor([1.0, 3, 5, 7]))
        #expect(result.solution.shape == [2])
        #expect((DenseMatrix(result.solution) - DenseMatrix(Tensor([1.0, 2.0]))).norm < 1e-14)
    }

    @Test func theToleranceDecidesTheRank() throws {
        let a = Tensor([1.0, 0, 0, 1e-6, 0, 0], shape: [3, 2])
        let b = Tensor([1.0, 1, 1])
        let full = try a.leastSquares(b)
        #expect(full.rank == 2)
        #expect(abs(full.solution.elements(as: Double.self)[1] - 1e6) < 1e-6)
        let cut = try a.leastSquares(b, rankTolerance: 1e-5)
        #expect(cut.rank == 1)
        #expect(cut.solution.elements(as: Double.self) == [1, 0])
    }

    /// Matrices with singular values of our choice, from well above the tolerance to well below.
    @Test(arguments: [(30, 6), (6, 30), (8, 8)], [1e-1, 1e-3, 2e-5, 5e-6, 1e-7, 1e-12, 0])
    func theRankCountsSingularValuesAboveTheTolerance(size: (Int, Int), smallest: Double) throws {
        let rank = min(size.0, size.1)
        let left = DenseMatrix.random(size.0, rank, seed: 12).tensor(.float64)
        let right = DenseMatrix.random(size.1, rank, seed: 13).tensor(.float64)
        let values = Tensor((0..<rank).map { $0 == rank - 1 ? smallest : 3 / Double($0 + 3) })
        let a =
            DenseMatrix(try left.qr().q) * .diagonal(values)
            * DenseMatrix(try right.qr().q).transposed
        let b = DenseMatrix.random(size.0, 1, seed: 14).tensor(.float64)
        let result = try a.tensor(.float64).leastSquares(b, rankTolerance: 1e-5)
        #expect(result.rank == (smallest > 1e-5 ? rank : rank - 1))
    }

    @Test func broadcastRowsHaveRankOne() throws {
        let a = Tensor([1.0, 2, 2]).broadcast(to: [5, 3])
        let result = try a.leastSquares(Tensor([9.0, 9, 9, 9, 9]))
        #expect(result.rank == 1)
        #expect((DenseMatrix(result.solution) - DenseMatrix(Tensor([1.0, 2, 2]))).norm < 1e-14)
    }

    @Test func inputsAreNotWritten() throws {
        let (a, b) = (Tensor([2.0, 1, 1, 3, 0, 1], shape: [3, 2]), Tensor([3.0, 5, 1]))
        _ = try a.leastSquares(b)
        #expect(a.elements(as: Double.self) == [2, 1, 1, 3, 0, 1])
        #expect(b.elements(as: Double.self) == [3, 5, 1])
    }

    @Test(arguments: [(0, 3), (3, 0), (0, 0)])
    func anEmptyMatrixHasRankZeroAndTheZeroSolution(rows: Int, columns: Int) throws {
        let a = Tensor(zeros: [rows, columns])
        let result = try a.leastSquares(Tensor(repeating: 1, shape: [rows, 2]))
        #expect(result.rank == 0)
        #expect(result.solution.shape == [columns, 2])
        #expect(result.solution.elements(as: Float.self).allSatisfy { $0 == 0 })
    }

    @Test func withoutRightHandSidesTheRankIsKnown() throws {
        let result = try Tensor([1.0, 2, 2, 4, 3, 6], shape: [3, 2])
            .leastSquares(Tensor(zeros: [3, 0], dtype: .float64))
        #expect(result.rank == 1)
        #expect(result.solution.shape == [2, 0])
    }
}
