import CKernels

/// Where each sequence of a packed batch begins: the rows of all sequences stand one after the
/// other in one matrix, without padding.
public struct Segments: Sendable, Hashable {
    /// `count + 1` row numbers: sequence `i` has the rows `offsets[i] ..< offsets[i + 1]`.
    public let offsets: [Int]

    /// Segments of these lengths, one after the other.
    ///
    /// - Precondition: Every length is at least 1.
    public init(lengths: [Int]) {
        var offsets = [0]
        offsets.reserveCapacity(lengths.count + 1)
        for length in lengths {
            require(length > 0, "a segment has no rows: \(lengths)")
            offsets.append(offsets[offsets.count - 1] + length)
        }
        self.offsets = offsets
    }

    /// The number of sequences.
    public var count: Int { offsets.count - 1 }

    /// The number of rows of all sequences.
    public var rowCount: Int { offsets[count] }

    /// The rows of sequence `index`.
    public subscript(index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }
}

extension Tensor {
    /// The mean row of each segment.
    ///
    /// - Returns: Shape `[segments, width]`.
    /// - Precondition: This has the shape `[rows, width]`.
    public func segmentMeans(_ segments: Segments) -> Tensor {
        checkRows(of: segments)
        let x = contiguous()
        let width = shape[1]
        let result = Tensor(zeros: [segments.count, width], dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(tiles: segments.count) { index in
            let (rows, row) = (segments[index], result.base + index * width * size)
            kernels.pointee.column_sums(
                row, x.pointer + rows.lowerBound * width * size, rows.count, width, width)
            kernels.pointee.binary_scalar(CK_DIVIDE, row, row, Double(rows.count), width)
        }
        return result
    }

    /// The gradient of ``segmentMeans(_:)``, where this is the gradient of its result.
    ///
    /// - Returns: Shape `[rows, width]`.
    public func segmentMeansGradient(_ segments: Segments) -> Tensor {
        require(
            rank == 2 && shape[0] == segments.count,
            "means of \(segments.count) segments cannot have the shape \(shape)")
        let dy = contiguous()
        let width = shape[1]
        let result = Tensor(uninitialized: [segments.rowCount, width], dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(tiles: segments.count) { index in
            for row in segments[index] {
                kernels.pointee.binary_scalar(
                    CK_DIVIDE, result.base + row * width * size,
                    dy.pointer + index * width * size, Double(segments[index].count), width)
            }
        }
        return result
    }

    func checkRows(of segments: Segments) {
        require(
            rank == 2 && shape[0] == segments.rowCount,
            "segments of \(segments.rowCount) rows do not fit the shape \(shape)")
    }
}
