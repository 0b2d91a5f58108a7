extension Tensor {
    /// The solution `X` of `A X = B`, where `A` is this square matrix.
    ///
    /// LAPACK's `gesvx`: rows and columns are scaled, factored by LU with partial pivoting, and the
    /// solution is refined; 2n³/3 + O(n²k) operations. A matrix that rounding alone could make
    /// singular (reciprocal condition number below the precision) is refused, because no digit of
    /// the answer would be right.
    ///
    /// - Parameter b: Shape `[n]` or `[n, k]`, of the same type.
    /// - Returns: The shape of `b`.
    /// - Throws: ``LinearAlgebraError/singular(shape:reciprocalCondition:)``, `notFinite`,
    ///   `tooLarge`, `outOfMemory`.
    /// - Precondition: A square matrix of `float32` or `float64`, and `b` has as many rows.
    public func solve(_ b: Tensor) throws(LinearAlgebraError) -> Tensor {
        requireSquareMatrix("solve")
        b.requireRightHandSide(of: self, "solve")
        return dtype == .float32 ? try solve(b, as: Float.self) : try solve(b, as: Double.self)
    }

    private func solve<Scalar: LAPACKScalar>(
        _ b: Tensor, as _: Scalar.Type
    ) throws(LinearAlgebraError) -> Tensor {
        let (size, columns) = (shape[0], b.columnCount)
        try requireCountable("solve", [size, size], [4, size])
        try b.requireCountable("solve", [size, columns])
        var matrix: [Scalar] = try finiteElements("solve")
        var right: [Scalar] = try b.finiteColumns("solve", height: size)
        var x = right
        guard size > 0 else { return b.solution(x, height: size, rows: size) }

        var factors = [Scalar](repeating: 0, count: size * size)
        var pivots = [Int32](repeating: 0, count: size)
        var scaling = CChar.lapack("N")
        var (rowScales, columnScales) = (
            [Scalar](repeating: 1, count: size), [Scalar](repeating: 1, count: size)
        )
        var (forward, backward) = (
            [Scalar](repeating: 0, count: columns), [Scalar](repeating: 0, count: columns)
        )
        var reciprocalCondition: Scalar = 0
        var growth: Scalar = 0
        // Read by columns the matrix is Aᵀ, so the system to solve is the transposed one.
        let status = Scalar.lapack.gesvx(
            lapackColumnMajor, .lapack("E"), .lapack("T"), Int32(size), Int32(columns), &matrix,
            Int32(size), &factors, Int32(size), &pivots, &scaling, &rowScales, &columnScales,
            &right, Int32(size), &x, Int32(size), &reciprocalCondition, &forward, &backward,
            &growth)
        try requireMemory(status, "solve")
        guard status == 0 else {
            throw .singular(shape: shape, reciprocalCondition: Double(reciprocalCondition))
        }
        return b.solution(x, height: size, rows: size)
    }
}
