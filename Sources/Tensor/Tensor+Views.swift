extension Tensor {
    /// The same elements in another shape: a view if the elements are contiguous, a copy if not.
    ///
    /// - Precondition: The number of elements stays the same.
    public func reshaped(_ newShape: Shape) -> Tensor {
        require(
            newShape.elementCount == elementCount,
            "a tensor of shape \(shape) cannot be reshaped to \(newShape)")
        let dense = contiguous()
        return Tensor(
            storage: dense.storage, shape: newShape, strides: newShape.rowMajorStrides,
            offset: dense.offset, dtype: dtype)
    }

    /// A view with the dimensions in another order: dimension `i` of the result is dimension
    /// `order[i]` of this.
    ///
    /// - Precondition: `order` is a permutation of the dimensions.
    public func permuted(_ order: [Int]) -> Tensor {
        require(order.sorted() == Array(0..<rank), "\(order) does not permute \(shape)")
        return Tensor(
            storage: storage, shape: Shape(order.map { shape[$0] }),
            strides: order.map { strides[$0] }, offset: offset, dtype: dtype)
    }

    /// A view with the last two dimensions exchanged.
    ///
    /// - Precondition: There are at least two dimensions.
    public func transposed() -> Tensor {
        require(rank >= 2, "a tensor of shape \(shape) has no two dimensions to exchange")
        return permuted(Array(0..<(rank - 2)) + [rank - 1, rank - 2])
    }

    /// A view of the elements whose position along dimension `axis` lies in `range`.
    ///
    /// - Precondition: `range` lies within that dimension.
    public func sliced(_ range: Range<Int>, axis: Int = 0) -> Tensor {
        require(
            range.lowerBound >= 0 && range.upperBound <= shape[axis],
            "the range \(range) does not lie in dimension \(axis) of \(shape)")
        var sizes = shape.sizes
        sizes[axis] = range.count
        return Tensor(
            storage: storage, shape: Shape(sizes), strides: strides,
            offset: offset + range.lowerBound * strides[axis], dtype: dtype)
    }

    /// A view of one position along the outermost dimension, which it drops.
    public subscript(index: Int) -> Tensor {
        let row = sliced(index..<(index + 1))
        return Tensor(
            storage: storage, shape: Shape(Array(shape.sizes.dropFirst())),
            strides: Array(strides.dropFirst()), offset: row.offset, dtype: dtype)
    }

    /// A view that repeats the elements along new outer dimensions and along those of size 1.
    ///
    /// - Precondition: `shape` broadcasts to `newShape` (NumPy's rule).
    public func broadcast(to newShape: Shape) -> Tensor {
        require(
            shape.broadcast(with: newShape) == newShape,
            "a tensor of shape \(shape) does not broadcast to \(newShape)")
        let added = newShape.rank - rank
        let newStrides = newShape.indices.map { axis in
            axis < added || shape[axis - added] == 1 && newShape[axis] != 1
                ? 0 : strides[axis - added]
        }
        return Tensor(
            storage: storage, shape: newShape, strides: newStrides, offset: offset, dtype: dtype)
    }

    /// The same elements, contiguous in row-major order: this tensor itself if they already are.
    public func contiguous() -> Tensor { isContiguous ? self : copied() }

    /// A contiguous copy in storage of its own.
    public func copied() -> Tensor {
        let result = Tensor(uninitialized: shape, dtype: dtype)
        let (source, target) = (pointer, result.storage.base)
        if isContiguous {
            target.copyMemory(from: source, byteCount: byteCount)
            return result
        }
        switch dtype.byteCount {
        case 1: gather(UInt8.self, from: source, to: target)
        case 2: gather(UInt16.self, from: source, to: target)
        case 4: gather(UInt32.self, from: source, to: target)
        default: gather(UInt64.self, from: source, to: target)
        }
        return result
    }

    /// Zeros of `newShape` with this tensor at position `start` along dimension `axis`: the gradient
    /// of ``sliced(_:axis:)``.
    ///
    /// - Precondition: The other dimensions are those of `newShape`.
    public func padded(to newShape: Shape, at start: Int, axis: Int) -> Tensor {
        let result = Tensor(zeros: newShape, dtype: dtype)
        let place = result.sliced(start..<(start + shape[axis]), axis: axis)
        require(place.shape == shape, "\(shape) does not fit into \(newShape) at \(start)")
        let source = contiguous()
        let rowBytes = (shape.last ?? 1) * dtype.byteCount
        var read = source.pointer
        // The innermost dimension of a slice stays contiguous.
        place.forEachRow { position in
            (result.base + (place.offset + position) * dtype.byteCount)
                .copyMemory(from: read, byteCount: rowBytes)
            read += rowBytes
        }
        return result
    }

    private func gather<Bits: FixedWidthInteger>(
        _: Bits.Type, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer
    ) {
        let input = source.assumingMemoryBound(to: Bits.self)
        let output = target.assumingMemoryBound(to: Bits.self)
        guard elementCount > 0, let width = shape.last, let step = strides.last else { return }
        var written = 0
        forEachRow { start in
            for column in 0..<width { output[written + column] = input[start + column * step] }
            written += width
        }
    }

    /// Calls `body` with the position of the first element of each row (a run along the innermost
    /// dimension), in row-major order, relative to the tensor's first element.
    func forEachRow(_ body: (Int) -> Void) {
        guard rank > 0 else { return body(0) }
        guard elementCount > 0 else { return }
        var index = [Int](repeating: 0, count: rank - 1)
        var position = 0
        while true {
            body(position)
            var axis = rank - 2
            while axis >= 0 {
                index[axis] += 1
                position += strides[axis]
                if index[axis] < shape[axis] { break }
                position -= shape[axis] * strides[axis]
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
