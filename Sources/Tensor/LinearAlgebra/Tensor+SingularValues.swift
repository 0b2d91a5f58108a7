extension Tensor {
    /// The thin singular value decomposition `A = U diag(s) Vᵀ` of a matrix of shape `[m, n]`, with
    /// `k = min(m, n)` singular values, or fewer after ``truncated(to:)``.
    public struct SingularValueDecomposition: Sendable {
        /// Orthonormal columns, the left singular vectors, shape `[m, k]`.
        public let u: Tensor
        /// In descending order and not negative, shape `[k]`.
        public let singularValues: Tensor
        /// Orthonormal rows, the right singular vectors, shape `[k, n]`.
        public let vTransposed: Tensor

        /// The largest `rank` singular values and their vectors, as views: of all matrices of that
        /// rank, their product is the nearest to `A` (Eckart and Young, Psychometrika 1936).
        ///
        /// - Precondition: `rank` is between 0 and the number of singular values.
        public func truncated(to rank: Int) -> SingularValueDecomposition {
            require(
                rank >= 0 && rank <= singularValues.elementCount,
                "\(singularValues.elementCount) singular values cannot be truncated to \(rank)")
            return SingularValueDecomposition(
                u: u.sliced(0..<rank, axis: 1), singularValues: singularValues.sliced(0..<rank),
                vTransposed: vTransposed.sliced(0..<rank))
        }
    }

    /// The thin singular value decomposition of this matrix. Signs of the vectors are arbitrary, in
    /// pairs.
    ///
    /// LAPACK's `gesdd` (divide and conquer), about 6mn² + 20n³ operations for m ≥ n. Where that
    /// does not converge, which is rare, the slower `gesvd` (QR iteration) does the work.
    ///
    /// - Throws: ``LinearAlgebraError``: `didNotConverge`, `notFinite`, `tooLarge`, `outOfMemory`.
    /// - Precondition: A matrix of `float32` or `float64`.
    public func singularValueDecomposition() throws(LinearAlgebraError)
        -> SingularValueDecomposition
    {
        requireMatrix("singularValueDecomposition")
        return dtype == .float32
            ? try decomposed(as: Float.self) : try decomposed(as: Double.self)
    }

    /// Read by columns the matrix is `Aᵀ = V diag(s) Uᵀ`: what LAPACK returns as its left vectors
    /// is, row-major, our `Vᵀ`, and its right ones are our `U`.
    private func decomposed<Scalar: LAPACKScalar>(
        as _: Scalar.Type
    ) throws(LinearAlgebraError) -> SingularValueDecomposition {
        let operation = "singularValueDecomposition"
        let (rows, columns) = (shape[0], shape[1])
        let count = Swift.min(rows, columns)
        // Working memory of gesdd: 4k² + 7k numbers, or a block of up to 64 rows and columns; 4
        // (k + 1)² exceeds the first.
        try requireCountable(
            operation, [rows, columns], [4, count + 1, count + 1], [64, rows + columns + count])
        var singularValues = [Scalar](repeating: 0, count: count)
        var u = [Scalar](repeating: 0, count: rows * count)
        var vTransposed = [Scalar](repeating: 0, count: count * columns)
        let source: [Scalar] = try finiteElements(operation)
        if count > 0 {
            var matrix = source
            var status = Scalar.lapack.gesdd(
                lapackColumnMajor, .lapack("S"), Int32(columns), Int32(rows), &matrix,
                Int32(columns), &singularValues, &vTransposed, Int32(columns), &u, Int32(count))
            if status > 0 {
                matrix = source
                var superdiagonal = singularValues
                status = Scalar.lapack.gesvd(
                    lapackColumnMajor, .lapack("S"), .lapack("S"), Int32(columns), Int32(rows),
                    &matrix, Int32(columns), &singularValues, &vTransposed, Int32(columns), &u,
                    Int32(count), &superdiagonal)
            }
            try requireMemory(status, operation)
            guard status == 0 else { throw .didNotConverge(operation: operation, shape: shape) }
        }
        return SingularValueDecomposition(
            u: Tensor(u, shape: [rows, count]), singularValues: Tensor(singularValues),
            vTransposed: Tensor(vTransposed, shape: [count, columns]))
    }
}
