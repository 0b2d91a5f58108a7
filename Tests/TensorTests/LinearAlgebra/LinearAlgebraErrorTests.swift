import Tensor
import Testing

/// An operation on a square matrix, and its name.
struct NamedOperation: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let run: @Sendable (Tensor) throws(LinearAlgebraError) -> Void

    static let all = [
        NamedOperation(testDescription: "choleskyFactor") {
            (a: Tensor) throws(LinearAlgebraError) in _ = try a.choleskyFactor()
        },
        NamedOperation(testDescription: "choleskySolve") {
            (a: Tensor) throws(LinearAlgebraError) in
            _ = try a.choleskySolve(Tensor(repeating: 1, shape: [a.shape[0]], dtype: a.dtype))
        },
        NamedOperation(testDescription: "solve") { (a: Tensor) throws(LinearAlgebraError) in
            _ = try a.solve(Tensor(repeating: 1, shape: [a.shape[0]], dtype: a.dtype))
        },
        NamedOperation(testDescription: "leastSquares") { (a: Tensor) throws(LinearAlgebraError) in
            _ = try a.leastSquares(Tensor(repeating: 1, shape: [a.shape[0]], dtype: a.dtype))
        },
        NamedOperation(testDescription: "qr") {
            (a: Tensor) throws(LinearAlgebraError) in _ = try a.qr()
        },
        NamedOperation(testDescription: "singularValueDecomposition") {
            (a: Tensor) throws(LinearAlgebraError) in _ = try a.singularValueDecomposition()
        },
        NamedOperation(testDescription: "symmetricEigen") {
            (a: Tensor) throws(LinearAlgebraError) in _ = try a.symmetricEigen()
        },
    ]
}

@Suite struct LinearAlgebraErrorTests {
    @Test(arguments: NamedOperation.all, [Double.nan, .infinity, -.infinity])
    func aNumberThatIsNotFiniteIsFound(operation: NamedOperation, value: Double) {
        for dtype in [Tensor.DType.float32, .float64] {
            let a = Tensor([2.0, 0, 0, value, 2, 0, 0, 0, 2], shape: [3, 3]).converted(to: dtype)
            let expected = LinearAlgebraError.notFinite(
                operation: operation.testDescription, shape: [3, 3], position: [1, 0])
            #expect(throws: expected) { try operation.run(a) }
        }
    }

    @Test func aRightHandSideThatIsNotFiniteIsFound() {
        let a = Tensor([2.0, 0, 0, 2], shape: [2, 2])
        let b = Tensor([1.0, 2, 3, .nan], shape: [2, 2])
        for (operation, run) in [
            ("choleskySolve", { try a.choleskySolve(b) }), ("solve", { try a.solve(b) }),
            ("leastSquares", { try a.leastSquares(b).solution }),
        ] as [(String, () throws -> Tensor)] {
            let expected = LinearAlgebraError.notFinite(
                operation: operation, shape: [2, 2], position: [1, 1])
            #expect(throws: expected) { try run() }
        }
        #expect(
            throws: LinearAlgebraError.notFinite(operation: "solve", shape: [2], position: [1])
        ) { try a.solve(Tensor([1.0, .infinity])) }
    }

    /// The matrices are one element, broadcast: a refusal that came after a copy would need 20 GB.
    @Test(arguments: NamedOperation.all)
    func aMatrixThatLAPACKCannotCountIsRefused(operation: NamedOperation) {
        let a = Tensor(Float(1)).broadcast(to: [50_000, 50_000])
        let expected = LinearAlgebraError.tooLarge(
            operation: operation.testDescription, shape: [50_000, 50_000])
        #expect(throws: expected) { try operation.run(a) }
    }

    @Test func aDimensionBeyond32BitsIsRefused() {
        let a = Tensor(Float(1)).broadcast(to: [1 << 33, 0])
        #expect(throws: LinearAlgebraError.tooLarge(operation: "qr", shape: [1 << 33, 0])) {
            try a.qr()
        }
        let wide = Tensor(Float(1)).broadcast(to: [1 << 62, 1])
        #expect(throws: LinearAlgebraError.self) { try wide.singularValueDecomposition() }
    }

    @Test(arguments: [
        (
            LinearAlgebraError.notFinite(operation: "qr", shape: [3, 4], position: [1, 2]),
            ["qr", "[3, 4]", "[1, 2]", "NaN"]
        ),
        (.notPositiveDefinite(leadingMinor: 2, size: 5), ["5 × 5", "order 2", "leastSquares"]),
        (.singular(shape: [4, 4], reciprocalCondition: 0), ["[4, 4]", "leastSquares"]),
        (
            .didNotConverge(operation: "symmetricEigen", shape: [4, 4]),
            ["symmetricEigen", "[4, 4]"]
        ),
        (
            .tooLarge(operation: "solve", shape: [50_000, 50_000]),
            ["solve", "50000", "2147483647"]
        ),
        (.outOfMemory(operation: "solve", shape: [9, 9]), ["solve", "[9, 9]", "memory"]),
    ])
    func theMessageSaysWhatAndWhatToDo(error: LinearAlgebraError, parts: [String]) {
        for part in parts { #expect("\(error)".contains(part)) }
    }
}
