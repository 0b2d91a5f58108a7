extension Tensor {
    /// The matrix product of the last two dimensions.
    ///
    /// - Parameters:
    ///   - a: Shape `[..., m, k]`, or `[..., k, m]` if `transposingA`.
    ///   - b: Shape `[..., k, n]`, or `[..., n, k]` if `transposingB`. Either both have the same
    ///     outer dimensions, or `b` is one matrix for all of `a`'s.
    ///   - transposingA: Whether the last two dimensions of `a` are exchanged first.
    ///   - transposingB: The same for `b`.
    /// - Returns: Shape `[..., m, n]`.
    public static func matmul(
        _ a: Tensor, _ b: Tensor, transposingA: Bool = false, transposingB: Bool = false
    ) -> Tensor {
        require(
            a.rank >= 2 && b.rank >= 2 && a.dtype == b.dtype,
            "no matrix product of \(a.dtype) \(a.shape) and \(b.dtype) \(b.shape)")
        let (aRows, aColumns) = (a.shape[a.rank - 2], a.shape[a.rank - 1])
        let (bRows, bColumns) = (b.shape[b.rank - 2], b.shape[b.rank - 1])
        let (m, k) = transposingA ? (aColumns, aRows) : (aRows, aColumns)
        let (inner, n) = transposingB ? (bColumns, bRows) : (bRows, bColumns)
        let outer = Array(a.shape.dropLast(2))
        require(
            k == inner && (b.rank == 2 || Array(b.shape.dropLast(2)) == outer),
            "no matrix product of \(a.shape)\(transposingA ? "ᵀ" : "") "
                + "and \(b.shape)\(transposingB ? "ᵀ" : "")")
        let result = Tensor(uninitialized: Shape(outer + [m, n]), dtype: a.dtype)
        let (x, y) = (a.contiguous(), b.contiguous())
        let size = a.dtype.byteCount
        let strides = { (columns: Int, transposing: Bool) in
            transposing ? (row: 1, column: columns) : (row: columns, column: 1)
        }
        for index in 0..<outer.reduce(1, *) {
            MatrixProduct(
                dtype: a.dtype, m: m, n: n, k: k,
                a: x.pointer + index * aRows * aColumns * size,
                aStrides: strides(aColumns, transposingA),
                b: y.pointer + (b.rank == 2 ? 0 : index * bRows * bColumns * size),
                bStrides: strides(bColumns, transposingB),
                c: result.base + index * m * n * size
            ).run()
        }
        withExtendedLifetime((x, y)) {}
        return result
    }
}
