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
    /// LAPACK's `geqrf` and `orgqr`, about 4mn² − 4n³/3 operations for m ≥ n.
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
        // Column by column: for a tall matrix geqrf on a copy takes half the time of gelqf, its
        // counterpart for the transpose.
        var factors: [Scalar] = try finiteColumns("qr", height: rows)
        guard size > 0 else {
            return QR(
                q: Tensor(zeros: [rows, size], dtype: dtype),
                r: Tensor(zeros: [size, columns], dtype: dtype))
        }
        var scales = [Scalar](repeating: 0, count: size)
        let factored = Scalar.lapack.geqrf(
            lapackColumnMajor, Int32(rows), Int32(columns), &factors, Int32(rows), &scales)
        try requireMemory(factored, "qr")

        // R is the upper triangle; below it lie the reflectors that Q is made from.
        var r = [Scalar](repeating: 0, count: size * columns)
        for row in 0..<size {
            for column in row..<columns {
                r[row * columns + column] = factors[column * rows + row]
            }
        }
        let formed = Scalar.lapack.orgqr(
            lapackColumnMajor, Int32(rows), Int32(size), Int32(size), &factors, Int32(rows), scales)
        try requireMemory(formed, "qr")
        let q = rowMajor(Array(factors.prefix(rows * size)), rows: rows, columns: size)
        return QR(q: Tensor(q, shape: [rows, size]), r: Tensor(r, shape: [size, columns]))
    }
}
