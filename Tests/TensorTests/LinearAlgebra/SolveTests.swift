import Tensor
import Testing

@Suite struct SolveTests {
    @Test(arguments: [Tensor.DType.float32, .float64])
    func agreesWithNumPy(dtype: Tensor.DType) throws {
        let cases = try #require(LinearAlgebraReference.shared).solve
        #expect(cases.count == 5)
        for each in cases {
            let expected = each.solution.dense
            for layout in Layout.allCases {
                let x = try each.matrix.dense.tensor(dtype, layout)
                    .solve(each.right.dense.tensor(dtype, layout))
                #expect(x.shape == Tensor.Shape(each.solution.shape))
                let error = (DenseMatrix(x) - expected).norm
                #expect(
                    error <= 4 * each.condition * dtype.precision * expected.norm, "\(each.name)")
            }
        }
    }

    @Test(arguments: [1, 3, 65], [Tensor.DType.float32, .float64])
    func theResidualIsARoundingError(size: Int, dtype: Tensor.DType) throws {
        let a = DenseMatrix.random(size, size, seed: 5)
        let b = DenseMatrix.random(size, 2, seed: 6)
        let x = DenseMatrix(try a.tensor(dtype).solve(b.tensor(dtype)))
        #expect((a * x - b).norm <= Double(size) * dtype.precision * a.norm * x.norm)
    }

    /// In floating point the last pivot of this singular matrix is not exactly zero, so an LU
    /// alone returns numbers without a right digit.
    @Test(arguments: [Tensor.DType.float32, .float64])
    func aSingularMatrixIsRefusedDespiteRounding(dtype: Tensor.DType) throws {
        let a = Tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], shape: [3, 3])
            .converted(to: dtype)
        let error = try #require(throws: LinearAlgebraError.self) {
            try a.solve(Tensor([1.0, 2, 4]).converted(to: dtype))
        }
        guard case .singular(let shape, let reciprocalCondition) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(shape == [3, 3])
        #expect(reciprocalCondition < dtype.precision)
    }

    @Test func aMatrixOfZerosIsSingular() {
        #expect(throws: LinearAlgebraError.singular(shape: [2, 2], reciprocalCondition: 0)) {
            try Tensor(zeros: [2, 2]).solve(Tensor(zeros: [2]))
        }
    }

    @Test func badScalingAloneIsNotSingular() throws {
        let a = Tensor([1e-30, 0, 0, 1e20], shape: [2, 2])
        let x = try a.solve(Tensor([3e-30, 5e20])).elements(as: Double.self)
        #expect(abs(x[0] - 3) < 1e-14 && abs(x[1] - 5) < 1e-14)
    }

    @Test func inputsAreNotWritten() throws {
        let (a, b) = (Tensor([2.0, 1, 1, 3], shape: [2, 2]), Tensor([3.0, 5]))
        _ = try a.solve(b)
        #expect(a.elements(as: Double.self) == [2, 1, 1, 3])
        #expect(b.elements(as: Double.self) == [3, 5])
    }

    @Test func emptyMatricesHaveEmptyResults() throws {
        #expect(try Tensor(zeros: [0, 0]).solve(Tensor(zeros: [0])).shape == [0])
        #expect(try Tensor(zeros: [0, 0]).solve(Tensor(zeros: [0, 2])).shape == [0, 2])
        #expect(
            try Tensor([Float(2)], shape: [1, 1]).solve(Tensor(zeros: [1, 0])).shape == [1, 0])
    }
}
