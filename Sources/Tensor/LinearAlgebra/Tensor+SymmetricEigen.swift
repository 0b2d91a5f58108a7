extension Tensor {
    /// The result of ``Tensor/symmetricEigen()``: `A = V diag(λ) Vᵀ`.
    public struct SymmetricEigen: Sendable {
        /// The eigenvalues in ascending order, shape `[n]`.
        public let values: Tensor
        /// Orthonormal eigenvectors, shape `[n, n]`: column `j` belongs to value `j`. The sign of
        /// each column is arbitrary.
        public let vectors: Tensor
    }

    /// The eigenvalues and eigenvectors of this symmetric matrix.
    ///
    /// Only the lower triangle is read, but every element must be finite. LAPACK's `syevd` (divide
    /// and conquer), about 9n³ operations at most.
    ///
    /// - Throws: ``LinearAlgebraError``: `didNotConverge`, `notFinite`, `tooLarge`, `outOfMemory`.
    /// - Precondition: A square matrix of `float32` or `float64`.
    public func symmetricEigen() throws(LinearAlgebraError) -> SymmetricEigen {
        requireSquareMatrix("symmetricEigen")
        return dtype == .float32
            ? try symmetricEigen(as: Float.self) : try symmetricEigen(as: Double.self)
    }

    private func symmetricEigen<Scalar: LAPACKScalar>(
        as _: Scalar.Type
    ) throws(LinearAlgebraError) -> SymmetricEigen {
        let size = shape[0]
        // Working memory: 1 + 6n + 2n² numbers, which 2 (n + 2)² exceeds.
        try requireCountable("symmetricEigen", [2, size + 2, size + 2])
        var vectors: [Scalar] = try finiteElements("symmetricEigen")
        var values = [Scalar](repeating: 0, count: size)
        if size > 0 {
            // Row-major lower is column-major upper; the matrix itself is its own transpose.
            let status = Scalar.lapack.syevd(
                lapackColumnMajor, .lapack("V"), .lapack("U"), Int32(size), &vectors, Int32(size),
                &values)
            try requireMemory(status, "symmetricEigen")
            guard status == 0 else {
                throw .didNotConverge(operation: "symmetricEigen", shape: shape)
            }
        }
        return SymmetricEigen(
            values: Tensor(values), vectors: Tensor(vectors, shape: shape).transposed().contiguous()
        )
    }
}
