import COpenBLAS

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
        let product = MatrixProduct(
            dtype: a.dtype, m: m, n: n, k: k,
            a: x.pointer, aStride: aColumns, transposingA: transposingA,
            b: y.pointer, bStride: bColumns, transposingB: transposingB,
            c: result.base, cStride: n)
        let size = a.dtype.byteCount
        for index in 0..<outer.reduce(1, *) {
            product.shifted(
                a: index * aRows * aColumns * size,
                b: b.rank == 2 ? 0 : index * bRows * bColumns * size, c: index * m * n * size
            ).run()
        }
        withExtendedLifetime((x, y)) {}
        return result
    }
}

/// `c = op(a) op(b)` on row-major matrices, split into tiles of `c` that each make one
/// single-threaded call of BLAS.
struct MatrixProduct {
    let dtype: Tensor.DType
    let m: Int, n: Int, k: Int
    var a: UnsafeRawPointer
    let aStride: Int
    let transposingA: Bool
    var b: UnsafeRawPointer
    let bStride: Int
    let transposingB: Bool
    var c: UnsafeMutableRawPointer
    let cStride: Int

    /// The same product of matrices that begin some bytes further on.
    func shifted(a: Int, b: Int, c: Int) -> MatrixProduct {
        var moved = self
        moved.a += a
        moved.b += b
        moved.c += c
        return moved
    }

    /// Computes the product, then calls `finish` with the rows and columns of every tile while they
    /// are still in the cache.
    func run(finish: ((_ rows: Range<Int>, _ columns: Range<Int>) -> Void)? = nil) {
        let (rowTiles, columnTiles) = tiling
        parallel(tiles: rowTiles * columnTiles) { tile in
            let rows = part(tile / columnTiles, of: rowTiles, in: m)
            let columns = part(tile % columnTiles, of: columnTiles, in: n)
            multiply(rows: rows, columns: columns)
            finish?(rows, columns)
        }
    }

    /// How `c` is cut, from its shape alone: enough tiles to share, each large enough that packing
    /// the operands costs little beside multiplying them.
    private var tiling: (rows: Int, columns: Int) {
        guard m * n * k > 1 << 18 else { return (1, 1) }
        // Cutting rows makes every tile pack b again, cutting columns a: cut the longer side.
        if m >= n || m >= 1024 {
            return (Swift.max(1, Swift.min(64, evenUp(m / 192))), 1)
        }
        return (1, Swift.max(1, Swift.min(64, evenUp(n / 192))))
    }

    private func evenUp(_ count: Int) -> Int { count <= 1 ? 2 : (count + 1) / 2 * 2 }

    private func part(_ index: Int, of count: Int, in length: Int) -> Range<Int> {
        // Boundaries on multiples of 16 keep every tile's kernel calls whole.
        let step = ((length + count - 1) / count + 15) / 16 * 16
        return Swift.min(length, index * step)..<Swift.min(length, (index + 1) * step)
    }

    private func multiply(rows: Range<Int>, columns: Range<Int>) {
        guard !rows.isEmpty, !columns.isEmpty else { return }
        _ = SingleThreadedBLAS.isSet
        let size = dtype.byteCount
        let aStart = a + rows.lowerBound * (transposingA ? 1 : aStride) * size
        let bStart = b + columns.lowerBound * (transposingB ? bStride : 1) * size
        let cStart = c + (rows.lowerBound * cStride + columns.lowerBound) * size
        let (opA, opB) = (
            transposingA ? CblasTrans : CblasNoTrans, transposingB ? CblasTrans : CblasNoTrans
        )
        let (m, n, k) = (blasint(rows.count), blasint(columns.count), blasint(self.k))
        let (lda, ldb, ldc) = (
            blasint(Swift.max(aStride, 1)), blasint(Swift.max(bStride, 1)), blasint(cStride)
        )
        switch dtype {
        case .float32:
            cblas_sgemm(
                CblasRowMajor, opA, opB, m, n, k, 1, aStart.assumingMemoryBound(to: Float.self),
                lda, bStart.assumingMemoryBound(to: Float.self), ldb, 0,
                cStart.assumingMemoryBound(to: Float.self), ldc)
        case .float64:
            cblas_dgemm(
                CblasRowMajor, opA, opB, m, n, k, 1, aStart.assumingMemoryBound(to: Double.self),
                lda, bStart.assumingMemoryBound(to: Double.self), ldb, 0,
                cStart.assumingMemoryBound(to: Double.self), ldc)
        default:
            requirementFailure("\(dtype) is for storage; convert it to compute")
        }
    }
}

/// OpenBLAS's own threads do not scale as well as our tiles, and would fight with them.
enum SingleThreadedBLAS {
    static let isSet: Bool = {
        openblas_set_num_threads(1)
        return true
    }()
}
