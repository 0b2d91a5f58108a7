import CKernels

extension Tensor {
    /// The sum of all elements, in tiles that are added in order.
    public func sum() -> Double {
        reduced { kernels, x, count in kernels.pointee.sum(x, count) }.reduce(0, +)
    }

    /// The mean of all elements; NaN if there is none.
    public func mean() -> Double { sum() / Double(elementCount) }

    /// The sum of the squares of all elements.
    public func sumOfSquares() -> Double {
        reduced { kernels, x, count in kernels.pointee.sum_of_squares(x, count) }.reduce(0, +)
    }

    /// The largest element: `-inf` if there is none, NaN if any is NaN.
    public func maximum() -> Double {
        reduced { kernels, x, count in kernels.pointee.maximum(x, count) }
            .reduce(-.infinity) { $1 > $0 || $1.isNaN ? $1 : $0 }
    }

    /// Whether no element is infinite or NaN.
    public var isFinite: Bool {
        reduced { kernels, x, count in kernels.pointee.is_finite(x, count) == 0 ? 1 : 0 }
            .allSatisfy { $0 == 0 }
    }

    /// The scalar product with `other`, over all elements.
    ///
    /// - Precondition: Same shape and type.
    public func dot(_ other: Tensor) -> Double {
        checkSameShape(other, "a scalar product")
        let (x, y) = (contiguous(), other.contiguous())
        return x.reduced { kernels, part, count in
            kernels.pointee.dot(part, y.pointer + (part - x.pointer), count)
        }.reduce(0, +)
    }

    /// The sum along one dimension, which is dropped.
    ///
    /// - Precondition: `axis` is a dimension.
    public func sum(axis: Int) -> Tensor {
        require(shape.indices.contains(axis), "\(shape) has no dimension \(axis)")
        let outer = shape[..<axis].reduce(1, *)
        let length = shape[axis]
        let inner = shape[(axis + 1)...].reduce(1, *)
        let x = contiguous()
        let result = Tensor(
            zeros: Shape(Array(shape[..<axis]) + Array(shape[(axis + 1)...])), dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        if inner == 1 {
            parallel(over: outer, grain: rowGrain(width: length)) { rows in
                for row in rows {
                    let total = kernels.pointee.sum(x.pointer + row * length * size, length)
                    kernels.pointee.fill(result.base + row * size, total, 1)
                }
            }
            return result
        }
        // Tiles of columns rather than of rows: each result belongs to one tile.
        let columns = (inner + 63) / 64
        parallel(tiles: outer * columns) { tile in
            let (block, column) = (tile / columns, tile % columns * 64)
            kernels.pointee.column_sums(
                result.base + (block * inner + column) * size,
                x.pointer + (block * length * inner + column) * size,
                length, min(64, inner - column), inner)
        }
        return result
    }

    /// The mean along one dimension, which is dropped.
    public func mean(axis: Int) -> Tensor { sum(axis: axis) / Double(shape[axis]) }

    /// Sums what broadcasting repeated: the gradient of ``broadcast(to:)``.
    ///
    /// - Precondition: `target` broadcasts to this tensor's shape.
    public func summed(to target: Shape) -> Tensor {
        if shape == target { return self }
        require(
            target.broadcast(with: shape) == shape, "\(target) does not broadcast to \(shape)")
        var result = self
        while result.rank > target.rank { result = result.sum(axis: 0) }
        for axis in target.indices where target[axis] == 1 && result.shape[axis] != 1 {
            let kept = result.shape.sizes.enumerated().map { $0.offset == axis ? 1 : $0.element }
            result = result.sum(axis: axis).reshaped(Shape(kept))
        }
        return result
    }

    /// For each row (a run along the last dimension) the position of its largest element; the first
    /// of equals. NaN is never the largest.
    ///
    /// - Returns: `int32` of the shape without the last dimension.
    public func argmax() -> Tensor {
        require(rank >= 1 && shape[rank - 1] > 0, "\(shape) has no last dimension to search")
        let width = shape[rank - 1]
        let values = converted(to: .float64).elements(as: Double.self)
        let positions = (0..<rowCount).map { row -> Int32 in
            var best = 0
            for column in 1..<max(width, 1)
            where values[row * width + column] > values[row * width + best]
                || values[row * width + best].isNaN && !values[row * width + column].isNaN
            {
                best = column
            }
            return Int32(best)
        }
        return Tensor(positions, shape: Shape(Array(shape.dropLast())))
    }

    /// One number per tile, in the order of the tiles.
    private func reduced(
        _ body: (UnsafePointer<ck_kernels>, UnsafeRawPointer, Int) -> Double
    ) -> [Double] {
        let x = contiguous()
        let (size, kernels) = (dtype.byteCount, kernels)
        let tiles = (elementCount + elementwiseGrain - 1) / elementwiseGrain
        return [Double](unsafeUninitializedCapacity: tiles) { buffer, count in
            let partial = buffer
            parallel(over: elementCount, grain: elementwiseGrain) { range in
                partial[range.lowerBound / elementwiseGrain] = body(
                    kernels, x.pointer + range.lowerBound * size, range.count)
            }
            count = tiles
        }
    }
}
