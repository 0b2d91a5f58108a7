import CKernels

/// `c = a b`, `c` row-major, `a` and `b` matrices of any strides, split into tiles of `c`.
///
/// Each element of `c` is one chain of multiply-adds in the order of k. So neither the tiles, nor
/// the threads, nor the other rows of `a` change a bit of it.
struct MatrixProduct {
    typealias Strides = (row: Int, column: Int)

    let m: Int, n: Int, k: Int
    private let size: Int
    private let a: UnsafeRawPointer
    private let aStrides: Strides
    private let b: UnsafeRawPointer
    private let bStrides: Strides
    private let c: UnsafeMutableRawPointer
    private let kernels: UnsafePointer<ck_products>

    /// The product of `a`, `[m, k]`, and `b`, `[k, n]`, whose strides count elements, to be written
    /// to `c`, `[m, n]` and contiguous. Inside a tile, where the task's precision is not known, it
    /// has to be given.
    init(
        dtype: Tensor.DType, m: Int, n: Int, k: Int, a: UnsafeRawPointer, aStrides: Strides,
        b: UnsafeRawPointer, bStrides: Strides, c: UnsafeMutableRawPointer,
        precision: Tensor.Precision = .current
    ) {
        require(dtype.isComputable, "\(dtype) is for storage; convert it to compute")
        self.init(
            kernels: precision.products(of: dtype), size: dtype.byteCount, m: m,
            n: n, k: k, a: a, aStrides: aStrides, b: b, bStrides: bStrides, c: c)
    }

    private init(
        kernels: UnsafePointer<ck_products>, size: Int, m: Int, n: Int, k: Int,
        a: UnsafeRawPointer, aStrides: Strides, b: UnsafeRawPointer, bStrides: Strides,
        c: UnsafeMutableRawPointer
    ) {
        (self.kernels, self.size, self.m, self.n, self.k) = (kernels, size, m, n, k)
        (self.a, self.aStrides, self.b, self.bStrides, self.c) = (a, aStrides, b, bStrides, c)
    }

    /// Computes the product, then calls `finish` with the rows and columns of every block while
    /// they are still in the cache.
    func run(finish: ((_ rows: Range<Int>, _ columns: Range<Int>) -> Void)? = nil) {
        guard m > 0, n > 0 else { return }
        // Few rows do not repay packing b: it is read where it is, and a is packed.
        if m < n, m <= panelColumns, kernels.pointee.packs_left == 0 {
            return runTransposed(finish: finish)
        }
        let packed = kernels.pointee.packs_left != 0 ? packedLeft() : nil
        let (rowTiles, columnTiles) = tiling
        let right = Storage(byteCount: columnTiles * rowTiles * panelBytes(of: columnTiles))
        parallel(tiles: rowTiles * columnTiles) { tile in
            let rows = part(tile / columnTiles, of: rowTiles, in: m, step: panelRows)
            let columns = part(tile % columnTiles, of: columnTiles, in: n, step: panelColumns)
            guard !rows.isEmpty, !columns.isEmpty else { return }
            let panels = right.base + tile * panelBytes(of: columnTiles)
            multiply(rows, columns, left: packed?.base, panels: panels, finish: finish)
        }
        withExtendedLifetime((packed, right)) {}
    }

    /// Computes the transpose of `c` as the product of the transposes, and copies it over block by
    /// block. Each element is the same chain of multiply-adds.
    private func runTransposed(finish: ((Range<Int>, Range<Int>) -> Void)?) {
        let scratch = Storage(byteCount: m * n * size)
        MatrixProduct(
            kernels: kernels, size: size, m: n, n: m, k: k,
            a: b, aStrides: (row: bStrides.column, column: bStrides.row),
            b: a, bStrides: (row: aStrides.column, column: aStrides.row), c: scratch.base
        ).run { columns, rows in
            switch size {
            case 4: transpose(scratch.base, rows, columns, as: UInt32.self)
            default: transpose(scratch.base, rows, columns, as: UInt64.self)
            }
            finish?(rows, columns)
        }
        withExtendedLifetime(scratch) {}
    }

    private func transpose<Bits>(
        _ source: UnsafeMutableRawPointer, _ rows: Range<Int>, _ columns: Range<Int>,
        as type: Bits.Type
    ) {
        let from = source.assumingMemoryBound(to: type)
        let to = c.assumingMemoryBound(to: type)
        for row in rows {
            for column in columns { to[row * n + column] = from[column * m + row] }
        }
    }

    // MARK: Blocks

    /// So many elements along k are packed at once: panels of the width of the kernels' then fill
    /// an eighth of a megabyte at most.
    private var depthBlock: Int { 384 * depth }
    /// So many rows of `a` meet the panels of a tile in turn: both fit in the second-level cache.
    private let rowBlock = 64
    /// The most columns of a tile, for the same reason.
    private let columnBlock = 384

    private var panelRows: Int { kernels.pointee.panel_rows }
    private var panelColumns: Int { kernels.pointee.panel_columns }
    private var depth: Int { kernels.pointee.depth }
    private var packedSize: Int { kernels.pointee.packed_bytes }

    private func packedDepth(_ elements: Int) -> Int { (elements + depth - 1) / depth }

    /// The bytes of the panels that one tile needs at a time.
    private func panelBytes(of columnTiles: Int) -> Int {
        let columns = part(0, of: columnTiles, in: n, step: panelColumns).count
        return roundedUp(columns, to: panelColumns) * packedDepth(Swift.min(k, depthBlock))
            * packedSize
    }

    /// `a` in panels, for kernels that convert it.
    private func packedLeft() -> Storage {
        let bytes = roundedUp(m, to: panelRows) * packedDepth(k) * packedSize
        let storage = Storage(byteCount: bytes)
        let panelBytes = panelRows * packedDepth(k) * packedSize
        parallel(over: m, grain: rowBlock) { rows in
            kernels.pointee.pack_left(
                storage.base + rows.lowerBound / panelRows * panelBytes,
                a + rows.lowerBound * aStrides.row * size, aStrides.row, aStrides.column,
                rows.count, k)
        }
        return storage
    }

    /// How `c` is cut: two tiles for each thread, since threads are not equally fast. With few rows,
    /// columns alone, for tiles of the same columns pack them again; with many, rows as well, for
    /// tiles of the same rows read them again.
    private var tiling: (rows: Int, columns: Int) {
        let panels = (n + panelColumns - 1) / panelColumns
        let fitting = (n + columnBlock - 1) / columnBlock
        guard m * n * k > 1 << 17, !isInsideTile else { return (1, fitting) }
        let threads = Tensor.Threads.count
        let columns = Swift.min(panels, Swift.max(fitting, m > 512 ? threads : 2 * threads))
        return (Swift.min((2 * threads + columns - 1) / columns, Swift.max(1, m / 64)), columns)
    }

    private func part(_ index: Int, of count: Int, in length: Int, step: Int) -> Range<Int> {
        let width = roundedUp((length + count - 1) / count, to: step)
        return Swift.min(length, index * width)..<Swift.min(length, (index + 1) * width)
    }

    private func multiply(
        _ rows: Range<Int>, _ columns: Range<Int>, left: UnsafeMutableRawPointer?,
        panels: UnsafeMutableRawPointer, finish: ((Range<Int>, Range<Int>) -> Void)?
    ) {
        var first = 0
        repeat {
            let count = Swift.min(depthBlock, k - first)
            kernels.pointee.pack_right(
                panels,
                b + (columns.lowerBound * bStrides.column + first * bStrides.row) * size,
                bStrides.column, bStrides.row, columns.count, count)
            for start in stride(from: rows.lowerBound, to: rows.upperBound, by: rowBlock) {
                let block = start..<Swift.min(start + rowBlock, rows.upperBound)
                let target = c + (start * n + columns.lowerBound) * size
                let accumulates: Int32 = first > 0 ? 1 : 0
                if let left {
                    let panel = panelRows * packedDepth(k)
                    let at = start / panelRows * panel + first / depth * panelRows
                    kernels.pointee.multiply(
                        target, n, left + at * packedSize, 1, panelRows, panel, panels,
                        block.count, columns.count, count, accumulates)
                } else {
                    kernels.pointee.multiply(
                        target, n, a + (start * aStrides.row + first * aStrides.column) * size,
                        aStrides.row, aStrides.column, panelRows * aStrides.row, panels,
                        block.count, columns.count, count, accumulates)
                }
                if first + count >= k { finish?(block, columns) }
            }
            first += count
        } while first < k
    }
}

private func roundedUp(_ count: Int, to step: Int) -> Int { (count + step - 1) / step * step }
