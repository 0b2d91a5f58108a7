public import Tensor

extension Variable {
    /// The same elements in another shape.
    public func reshaped(_ newShape: Tensor.Shape) -> Variable {
        let shape = shape
        return Variable(value.reshaped(newShape), from: [self]) { [$0.reshaped(shape)] }
    }

    /// A view with the dimensions in another order.
    public func permuted(_ order: [Int]) -> Variable {
        let inverse = order.indices.sorted { order[$0] < order[$1] }
        return Variable(value.permuted(order), from: [self]) { [$0.permuted(inverse)] }
    }

    /// A view with the last two dimensions exchanged.
    public func transposed() -> Variable {
        Variable(value.transposed(), from: [self]) { [$0.transposed()] }
    }

    /// The elements whose position along dimension `axis` lies in `range`.
    public func sliced(_ range: Range<Int>, axis: Int = 0) -> Variable {
        let shape = shape
        return Variable(value.sliced(range, axis: axis), from: [self]) { dy in
            [dy.padded(to: shape, at: range.lowerBound, axis: axis)]
        }
    }

    /// Zeros of `newShape` with this at position `start` along dimension `axis`.
    ///
    /// - Precondition: The other dimensions are those of `newShape`.
    public func padded(to newShape: Tensor.Shape, at start: Int, axis: Int) -> Variable {
        let end = start + shape[axis]
        return Variable(value.padded(to: newShape, at: start, axis: axis), from: [self]) {
            [$0.sliced(start..<end, axis: axis)]
        }
    }

    /// The rows at these positions; a row may be taken more than once.
    ///
    /// - Returns: Shape `[indices.count, ...]`.
    public func gatheringRows(_ indices: [Int32]) -> Variable {
        let shape = shape
        return Variable(value.gatheringRows(indices), from: [self]) { dy in
            var gradient = Tensor(zeros: shape, dtype: dy.dtype)
            gradient.scatterAdd(dy, at: indices)
            return [gradient]
        }
    }

    /// The mean row of each segment, shape `[segments, width]`.
    public func segmentMeans(_ segments: Segments) -> Variable {
        Variable(value.segmentMeans(segments), from: [self]) {
            [$0.segmentMeansGradient(segments)]
        }
    }

    /// The first row of each segment, shape `[segments, width]`.
    public func segmentStarts(_ segments: Segments) -> Variable {
        gatheringRows(segments.offsets.dropLast().map(Int32.init))
    }
}
