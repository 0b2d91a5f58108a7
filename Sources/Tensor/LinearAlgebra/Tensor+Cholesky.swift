extension Tensor {
    /// The Cholesky factor `L` of a symmetric positive definite matrix `A = L Lᵀ`: lower
    /// triangular, with zeros above the diagonal and a positive diagonal.
    ///
    /// Only the lower triangle of `A` is read, but every element must be finite. LAPACK's `potrf`,
    /// n³/3 operations.
    ///
    /// - Returns: Shape `[n, n]`.
    /// - Throws: ``LinearAlgebraError/notPositiveDefinite(leadingMinor:size:)``, also for a matrix
    ///   that is positive semidefinite only; `notFinite`, `tooLarge`, `outOfMemory`.
    /// - Precondition: A square matrix of `float32` or `float64`.
    public func choleskyFactor() throws(LinearAlgebraError) -> Tensor {
        requireSquareMatrix("choleskyFactor")
        return dtype == .float32
            ? Tensor(try choleskyFactor("choleskyFactor", as: Float.self), shape: shape)
            : Tensor(try choleskyFactor("choleskyFactor", as: Double.self), shape: shape)
    }

    /// The solution `X` of `A X = B`, where `A` is this symmetric positive definite matrix.
    ///
    /// Half the work of ``solve(_:)`` and no pivoting. Only the lower triangle of `A` is read, but
    /// every element must be finite. LAPACK's `potrf` and `potrs`, n³/3 + 2n²k operations. The
    /// residual is small however ill-conditioned `A` is; the solution's relative error grows with
    /// its condition number.
    ///
    /// - Parameter b: Shape `[n]` or `[n, k]`, of the same type.
    /// - Returns: The shape of `b`.
    /// - Throws: ``LinearAlgebraError/notPositiveDefinite(leadingMinor:size:)``, `notFinite`,
    ///   `tooLarge`, `outOfMemory`.
    /// - Precondition: A square matrix of `float32` or `float64`, and `b` has as many rows.
    public func choleskySolve(_ b: Tensor) throws(LinearAlgebraError) -> Tensor {
        requireSquareMatrix("choleskySolve")
        b.requireRightHandSide(of: self, "choleskySolve")
        return dtype == .float32
            ? try choleskySolve(b, as: Float.self) : try choleskySolve(b, as: Double.self)
    }

    private func choleskySolve<Scalar: LAPACKScalar>(
        _ b: Tensor, as _: Scalar.Type
    ) throws(LinearAlgebraError) -> Tensor {
        let size = shape[0]
        try b.requireCountable("choleskySolve", [size, b.columnCount])
        let factor = try choleskyFactor("choleskySolve", as: Scalar.self)
        var x: [Scalar] = try b.finiteColumns("choleskySolve", height: size)
        if !x.isEmpty {
            let status = Scalar.lapack.potrs(
                lapackColumnMajor, .lapack("U"), Int32(size), Int32(b.columnCount), factor,
                Int32(size), &x, Int32(size))
            try requireMemory(status, "choleskySolve")
        }
        return b.solution(x, height: size, rows: size)
    }

    /// The factor in row-major order. Read by columns it is `U = Lᵀ`, and `A = Uᵀ U`.
    private func choleskyFactor<Scalar: LAPACKScalar>(
        _ operation: String, as _: Scalar.Type
    ) throws(LinearAlgebraError) -> [Scalar] {
        let size = shape[0]
        try requireCountable(operation, [size, size])
        var factor: [Scalar] = try finiteElements(operation)
        guard size > 0 else { return factor }
        let status = Scalar.lapack.potrf(
            lapackColumnMajor, .lapack("U"), Int32(size), &factor, Int32(size))
        try requireMemory(status, operation)
        guard status == 0 else {
            throw .notPositiveDefinite(leadingMinor: Int(status), size: size)
        }
        for row in 0..<size {
            for column in (row + 1)..<Swift.max(size, row + 1) { factor[row * size + column] = 0 }
        }
        return factor
    }
}
