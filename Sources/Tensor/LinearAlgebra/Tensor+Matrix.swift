import CLAPACKE

// What every operation of this folder checks and moves.
extension Tensor {
    /// - Precondition: A matrix of a computable type.
    func requireMatrix(_ operation: String) {
        require(rank == 2, "\(operation) needs a matrix, not a tensor of shape \(shape)")
        require(
            dtype.isComputable, "\(operation) needs float32 or float64 elements, not \(dtype)")
    }

    /// - Precondition: A square matrix of a computable type.
    func requireSquareMatrix(_ operation: String) {
        requireMatrix(operation)
        require(
            shape[0] == shape[1],
            "\(operation) needs a square matrix, not a matrix of shape \(shape)")
    }

    /// - Precondition: `self` has as many rows as `matrix`, and its type.
    func requireRightHandSide(of matrix: Tensor, _ operation: String) {
        require(
            (rank == 1 || rank == 2) && shape[0] == matrix.shape[0],
            "\(operation): a right-hand side of shape \(shape) does not fit a matrix of shape "
                + "\(matrix.shape)")
        require(
            dtype == matrix.dtype,
            "\(operation): a right-hand side of \(dtype) does not fit a matrix of \(matrix.dtype)")
    }

    /// Refuses arrays that LAPACK's 32-bit integers cannot count; `counts` holds the number of
    /// elements of each, as the factors of a product.
    func requireCountable(
        _ operation: String, _ counts: [Int]...
    ) throws(LinearAlgebraError) {
        for factors in counts {
            var product = 1
            for factor in factors {
                let (next, overflow) = product.multipliedReportingOverflow(by: factor)
                product = next
                if overflow || factor > Int32.max || next > Int32.max {
                    throw .tooLarge(operation: operation, shape: shape)
                }
            }
        }
    }

    /// The elements in row-major order, all of them finite.
    func finiteElements<Scalar: LAPACKScalar>(
        _ operation: String, as _: Scalar.Type = Scalar.self
    ) throws(LinearAlgebraError) -> [Scalar] {
        let values = elements(as: Scalar.self)
        guard let flat = values.firstIndex(where: { !$0.isFinite }) else { return values }
        let position = rank == 1 ? [flat] : [flat / shape[1], flat % shape[1]]
        throw .notFinite(operation: operation, shape: shape, position: position)
    }

    /// The columns of a matrix or right-hand side one after the other, each padded with zeros to `height`.
    func finiteColumns<Scalar: LAPACKScalar>(
        _ operation: String, height: Int, as _: Scalar.Type = Scalar.self
    ) throws(LinearAlgebraError) -> [Scalar] {
        let values: [Scalar] = try finiteElements(operation)
        let (rows, columns) = (shape[0], columnCount)
        if height == rows { return rowMajor(values, rows: columns, columns: rows) }
        var result = [Scalar](repeating: 0, count: height * columns)
        for column in 0..<columns {
            for row in 0..<rows {
                result[column * height + row] = values[row * columns + column]
            }
        }
        return result
    }

    /// The first `rows` of columns that lie `height` apart, in the form of the right-hand side
    /// `self`: a vector, or a matrix with as many columns.
    func solution<Scalar: LAPACKScalar>(
        _ columns: [Scalar], height: Int, rows: Int
    ) -> Tensor {
        let padded = Tensor(columns, shape: [columnCount, height])
        let result = padded.sliced(0..<rows, axis: 1).transposed().contiguous()
        return rank == 1 ? result.reshaped([rows]) : result
    }

    /// How many right-hand sides there are: a vector is one.
    var columnCount: Int { rank == 1 ? 1 : shape[1] }

    /// Throws what LAPACKE reports when it finds no working memory, and ends the process on an
    /// argument that LAPACK refuses, which would be a mistake in this folder.
    func requireMemory(_ status: Int32, _ operation: String) throws(LinearAlgebraError) {
        if status == LAPACK_WORK_MEMORY_ERROR || status == LAPACK_TRANSPOSE_MEMORY_ERROR {
            throw .outOfMemory(operation: operation, shape: shape)
        }
        require(status >= 0, "\(operation): LAPACK refused its argument \(-status)")
    }
}

/// The elements of a matrix of shape `[rows, columns]` in row-major order, from those in column-major
/// order.
func rowMajor<Scalar: LAPACKScalar>(_ values: [Scalar], rows: Int, columns: Int) -> [Scalar] {
    if rows == 1 || columns == 1 { return values }
    // Blocks of this size stay in the first cache whichever way they are walked.
    let block = 16
    return [Scalar](unsafeUninitializedCapacity: values.count) { result, count in
        for top in stride(from: 0, to: rows, by: block) {
            for left in stride(from: 0, to: columns, by: block) {
                for row in top..<min(top + block, rows) {
                    for column in left..<min(left + block, columns) {
                        result[row * columns + column] = values[column * rows + row]
                    }
                }
            }
        }
        count = values.count
    }
}
