import CKernels

extension Tensor {
    /// The rows at these positions: an embedding look-up.
    ///
    /// - Parameter indices: Any number of positions along the outermost dimension.
    /// - Returns: Shape `[indices.count, ...]`, any element type.
    /// - Precondition: Every index is a row.
    public func gatheringRows(_ indices: [Int32]) -> Tensor {
        require(rank >= 1, "a scalar has no rows")
        let source = contiguous()
        let rowBytes = shape.dropFirst().reduce(1, *) * dtype.byteCount
        let result = Tensor(
            uninitialized: Shape([indices.count] + shape.dropFirst()), dtype: dtype)
        checkRows(indices)
        parallel(over: indices.count, grain: max(1, (1 << 16) / max(rowBytes, 1))) { range in
            for position in range {
                (result.base + position * rowBytes).copyMemory(
                    from: source.pointer + Int(indices[position]) * rowBytes, byteCount: rowBytes)
            }
        }
        return result
    }

    /// Adds row `i` of `rows` to row `indices[i]` of this, in place, in the order of the rows.
    ///
    /// - Precondition: `rows` has one row per index, as wide as this tensor's.
    public mutating func scatterAdd(_ rows: Tensor, at indices: [Int32]) {
        require(
            rank >= 1 && rows.dtype == dtype
                && rows.shape == Shape([indices.count] + shape.dropFirst()),
            "rows of \(rows.dtype) \(rows.shape) cannot be added to \(dtype) \(shape) "
                + "at \(indices.count) positions")
        checkRows(indices)
        let source = rows.contiguous()
        let target = mutablePointer()
        let width = shape.dropFirst().reduce(1, *)
        let (size, kernels) = (dtype.byteCount, kernels)
        // Tiles of columns: no two threads add to the same element, and the order is kept.
        parallel(over: width, grain: 64) { columns in
            for (row, index) in indices.enumerated() {
                kernels.pointee.accumulate(
                    target + (Int(index) * width + columns.lowerBound) * size,
                    source.pointer + (row * width + columns.lowerBound) * size, 1, columns.count)
            }
        }
    }

    /// Multiplies rows by one factor after the other, in place.
    ///
    /// - Precondition: No row comes twice.
    public mutating func multiplyRows(_ indices: [Int32], by factors: [Double]) {
        guard !indices.isEmpty, !factors.isEmpty else { return }
        checkRows(indices)
        let target = mutablePointer()
        let width = shape.dropFirst().reduce(1, *)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: indices.count, grain: 64) { range in
            for position in range {
                let row = target + Int(indices[position]) * width * size
                for factor in factors {
                    kernels.pointee.binary_scalar(CK_MULTIPLY, row, row, factor, width)
                }
            }
        }
    }

    /// Stops unless every index is a row of this.
    func checkRows(_ indices: [Int32]) {
        for index in indices where index < 0 || Int(index) >= shape[0] {
            requirementFailure("row \(index) does not exist in a tensor of shape \(shape)")
        }
    }
}
