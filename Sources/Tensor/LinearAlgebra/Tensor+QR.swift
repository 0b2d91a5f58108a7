extension Tensor {
    /// The factors of ``Tensor/qr()``: `A = Q R`.
    public struct QR: Sendable {
        /// Orthonormal columns, shape `[m, min(m, n)]`.
        public let q: Tensor
        /// Upper triangular, zeros below the diagonal, shape `[min(m, n), n]`. The signs of the
        /// diagonal are as LAPACK's Householder reflectors leave them.
        public let r: Tensor
    }

    /// The thin QR factors of this matrix of shape `[m, n]`.
    ///
    /// LAPACK's `gelqf` and `orglq` on the transpose, which is how LAPACK reads a row-major matrix:
    /// `Aᵀ = L P` gives `Q = Pᵀ` and `R = Lᵀ`. About 4mn² − 4n³/3 operations for m ≥ n.
    ///
    /// - Throws: ``LinearAlgebraError``: `notFinite`, `tooLarge`, `outOfMemory`.
    /// - Precondition: A matrix of `float32` or `float64`.
    public func qr() throws(LinearAlgebraError) -> QR {
        requireMatrix("qr")
        return dtype == .float32 ? try qr(as: Float.self) : try qr(as: Double.self)
    }

    private func qr<Scalar: LAPACKScalar>(as _: Scalar.Type) throws(LinearAlgebraError) -> QR {
        let (rows, columns) = (shape[0], shape[1])
        let size = Swift.min(rows, columns)
        // Working memory: a block of up to 64 rows or columns.
        try requireCountable("qr", [rows, columns], [64, rows], [64, columns])
        var factors: [Scalar] = try finiteElements("qr")
        guard size > 0 else {
            return QR(
                q: Tensor(zeros: [rows, size], dtype: dtype),
                r: Tensor(zeros: [size, columns], dtype: dtype))
        }
        var scales = [Scalar](repeating: 0, count: size)
        let factored = Scalar.lapack.gelqf(
            lapackColumnMajor, Int32(columns), Int32(rows), &factors, Int32(columns), &scales)
        try requireMemory(factored, "qr")

        // Row-major, R is the upper triangle of the first `size` rows; below it and in the rows
        // after lie the reflectors, one a column: those are what Q is made from.
        var r = [Scalar](repeating: 0, count: size * columns)
        for row in 0..<size {
            for column in row..<columns {
                r[row * columns + column] = factors[row * columns + column]
            }
        }
        var q = factors
        if columns > size {
            q = [Scalar](repeating: 0, count: rows * size)
            for row in 0..<rows {
                for column in 0..<size { q[row * size + column] = factors[row * columns + column] }
            }
        }
        let formed = Scalar.lapack.orglq(
            lapackColumnMajor, Int32(size), Int32(rows), Int32(size), &q, Int32(size), scales)
        try requireMemory(formed, "qr")
        return QR(q: Tensor(q, shape: [rows, size]), r: Tensor(r, shape: [size, columns]))
    }
}
