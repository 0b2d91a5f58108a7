import CKernels

extension Tensor {
    /// How attention is computed: everything but its tensors.
    public struct AttentionSettings: Sendable {
        /// The rows that attend to each other.
        public let segments: Segments
        /// The number of heads; they share the width evenly.
        public let heads: Int
        /// What is dropped of the probabilities while training.
        public let dropout: DropoutMask?

        /// Settings of an attention.
        public init(segments: Segments, heads: Int, dropout: DropoutMask? = nil) {
            (self.segments, self.heads, self.dropout) = (segments, heads, dropout)
        }
    }

    /// Multi-head scaled dot-product attention inside each segment (Vaswani et al. 2017,
    /// arXiv:1706.03762, section 3.2).
    ///
    /// Scores and probabilities exist a block at a time, in the cache, and never as a tensor. Both of
    /// its products have operands of the current ``Precision``; the softmax between them is exact.
    ///
    /// - Parameters:
    ///   - query: Shape `[rows, heads · headWidth]`.
    ///   - key: Same shape.
    ///   - value: Same shape.
    ///   - settings: Which rows attend to each other, in how many heads.
    /// - Returns: The output, same shape, and the logarithms of the softmax's denominators, shape
    ///   `[rows, heads]`, which the gradient needs again.
    public static func attention(
        query: Tensor, key: Tensor, value: Tensor, settings: AttentionSettings
    ) -> (output: Tensor, logSums: Tensor) {
        let attention = AttentionTiles(query: query, key: key, value: value, settings: settings)
        let output = Tensor(uninitialized: query.shape, dtype: query.dtype)
        let logSums = Tensor(uninitialized: [query.shape[0], settings.heads], dtype: query.dtype)
        attention.forEachHead(backward: false) { kernels, shape, segment, head, row, scratch in
            let at = row * attention.rowBytes
            kernels.pointee.forward(
                shape, output.base + at, logSums.base + row * attention.logSumBytes,
                attention.query.pointer + at, attention.key.pointer + at,
                attention.value.pointer + at, segment, head, scratch)
        }
        return (output, logSums)
    }

    /// The gradients of ``attention(query:key:value:settings:)``, where this is the gradient of its
    /// output.
    ///
    /// - Returns: The gradients of query, key and value.
    public func attentionGradient(
        query: Tensor, key: Tensor, value: Tensor, logSums: Tensor, settings: AttentionSettings
    ) -> (query: Tensor, key: Tensor, value: Tensor) {
        checkSameShape(query, "the gradient of an attention")
        require(
            logSums.shape == [query.shape[0], settings.heads] && logSums.dtype == dtype,
            "log-sums of \(logSums.dtype) \(logSums.shape) do not fit an attention of "
                + "\(settings.heads) heads over \(dtype) \(shape)")
        let attention = AttentionTiles(query: query, key: key, value: value, settings: settings)
        let (dy, sums) = (contiguous(), logSums.contiguous())
        let dquery = Tensor(uninitialized: shape, dtype: dtype)
        let dkey = Tensor(uninitialized: shape, dtype: dtype)
        let dvalue = Tensor(uninitialized: shape, dtype: dtype)
        attention.forEachHead(backward: true) { kernels, shape, segment, head, row, scratch in
            let at = row * attention.rowBytes
            kernels.pointee.gradient(
                shape, dquery.base + at, dkey.base + at, dvalue.base + at, dy.pointer + at,
                sums.pointer + row * attention.logSumBytes,
                attention.query.pointer + at, attention.key.pointer + at,
                attention.value.pointer + at, segment, head, scratch)
        }
        return (dquery, dkey, dvalue)
    }
}

/// The work of one attention, cut into (segment, heads) tiles.
private struct AttentionTiles {
    let query: Tensor, key: Tensor, value: Tensor
    let settings: Tensor.AttentionSettings
    private let kernels: UnsafePointer<ck_attention_kernels>

    init(query: Tensor, key: Tensor, value: Tensor, settings: Tensor.AttentionSettings) {
        query.checkRows(of: settings.segments)
        query.checkSameShape(key, "attention")
        query.checkSameShape(value, "attention")
        require(
            settings.heads > 0 && query.shape[1] % settings.heads == 0,
            "\(settings.heads) heads cannot share a width of \(query.shape[1])")
        (self.query, self.key, self.value) = (
            query.contiguous(), key.contiguous(), value.contiguous()
        )
        self.settings = settings
        kernels = Tensor.Precision.current.attention(of: query.dtype)
    }

    var rowBytes: Int { query.shape[1] * query.dtype.byteCount }
    var logSumBytes: Int { settings.heads * query.dtype.byteCount }

    /// Calls `body` for every head of every segment with the first row of the segment.
    func forEachHead(
        backward: Bool,
        _ body: (
            _ kernels: UnsafePointer<ck_attention_kernels>, _ shape: UnsafePointer<ck_attention>,
            _ segment: Int, _ head: Int, _ row: Int, _ scratch: UnsafeMutableRawPointer
        ) -> Void
    ) {
        let segments = settings.segments
        // Few segments are shared out by heads.
        let groups = segments.count >= 16 ? 1 : settings.heads
        let headsPerGroup = settings.heads / groups
        parallel(tiles: segments.count * groups) { tile in
            let (segment, group) = (tile / groups, tile % groups)
            var shape = kernelShape(length: segments[segment].count)
            let elements = kernels.pointee.scratch(&shape, backward ? 1 : 0)
            let scratch = Storage(byteCount: elements * query.dtype.byteCount)
            for head in group * headsPerGroup..<(group + 1) * headsPerGroup {
                body(
                    kernels, &shape, segment, head, segments[segment].lowerBound, scratch.base)
            }
        }
    }

    private func kernelShape(length: Int) -> ck_attention {
        let (width, headWidth) = (query.shape[1], query.shape[1] / settings.heads)
        return ck_attention(
            length: length, heads: settings.heads, width: headWidth, stride: width,
            out_stride: width, scale: 1 / Double(headWidth).squareRoot(),
            dropout: settings.dropout?.kernelValue
                ?? ck_dropout(rate: 0, seed: 0, layer: 0, step: 0))
    }
}
