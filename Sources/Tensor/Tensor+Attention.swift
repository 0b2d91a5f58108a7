import CKernels

extension Tensor {
    /// How attention is computed: everything but its tensors.
    public struct AttentionSettings: Sendable {
        /// The rows of key and value that are attended to.
        public let segments: Segments
        /// The rows of the query that attend to those of each segment.
        public let queries: Segments
        /// The number of heads; they share the width evenly.
        public let heads: Int
        /// What is dropped of the probabilities while training.
        public let dropout: DropoutMask?

        /// Settings of an attention.
        ///
        /// - Parameters:
        ///   - segments: The rows of key and value that are attended to.
        ///   - queries: The rows of the query that attend to those of each segment; by default as many
        ///     as the segment has. A layer of which only the first tokens are read has one.
        ///   - heads: The number of heads.
        ///   - dropout: What is dropped of the probabilities.
        /// - Precondition: There are as many segments of queries.
        public init(
            segments: Segments, queries: Segments? = nil, heads: Int, dropout: DropoutMask? = nil
        ) {
            let queries = queries ?? segments
            require(
                queries.count == segments.count,
                "\(queries.count) segments of queries cannot attend to \(segments.count) segments")
            (self.segments, self.queries) = (segments, queries)
            (self.heads, self.dropout) = (heads, dropout)
        }
    }

    /// Multi-head scaled dot-product attention inside each segment (Vaswani et al. 2017,
    /// arXiv:1706.03762, section 3.2).
    ///
    /// Scores and probabilities exist a block at a time, in the cache, and never as a tensor. Both of
    /// its products have operands of the current ``Precision``; the softmax between them is exact.
    ///
    /// - Parameters:
    ///   - query: Shape `[queries, heads · headWidth]`.
    ///   - key: Shape `[rows, heads · headWidth]`.
    ///   - value: The shape of `key`.
    ///   - settings: Which rows attend to which, in how many heads.
    /// - Returns: The output, the shape of `query`, and the logarithms of the softmax's denominators,
    ///   shape `[queries, heads]`, which the gradient needs again.
    public static func attention(
        query: Tensor, key: Tensor, value: Tensor, settings: AttentionSettings
    ) -> (output: Tensor, logSums: Tensor) {
        let attention = AttentionTiles(query: query, key: key, value: value, settings: settings)
        let output = Tensor(uninitialized: query.shape, dtype: query.dtype)
        let logSums = Tensor(uninitialized: [query.shape[0], settings.heads], dtype: query.dtype)
        attention.forEachHead(backward: false) { kernels, shape, segment, head, rows, scratch in
            let (to, from) = (rows.query * attention.rowBytes, rows.key * attention.rowBytes)
            kernels.pointee.forward(
                shape, output.base + to, logSums.base + rows.query * attention.logSumBytes,
                attention.query.pointer + to, attention.key.pointer + from,
                attention.value.pointer + from, segment, head, scratch)
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
        let dkey = Tensor(uninitialized: key.shape, dtype: dtype)
        let dvalue = Tensor(uninitialized: key.shape, dtype: dtype)
        attention.forEachHead(backward: true) { kernels, shape, segment, head, rows, scratch in
            let (to, from) = (rows.query * attention.rowBytes, rows.key * attention.rowBytes)
            kernels.pointee.gradient(
                shape, dquery.base + to, dkey.base + from, dvalue.base + from, dy.pointer + to,
                sums.pointer + rows.query * attention.logSumBytes,
                attention.query.pointer + to, attention.key.pointer + from,
                attention.value.pointer + from, segment, head, scratch)
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
        query.checkRows(of: settings.queries)
        key.checkRows(of: settings.segments)
        key.checkSameShape(value, "attention")
        require(
            query.shape[1] == key.shape[1] && query.dtype == key.dtype,
            "a query of \(query.dtype) \(query.shape) cannot attend to keys of \(key.dtype) "
                + "\(key.shape)")
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

    /// Calls `body` for every head of every segment with the first rows of the segment.
    func forEachHead(
        backward: Bool,
        _ body: (
            _ kernels: UnsafePointer<ck_attention_kernels>, _ shape: UnsafePointer<ck_attention>,
            _ segment: Int, _ head: Int, _ rows: (query: Int, key: Int),
            _ scratch: UnsafeMutableRawPointer
        ) -> Void
    ) {
        let segments = settings.segments
        // Few segments are shared out by heads.
        let groups = segments.count >= 16 ? 1 : settings.heads
        let headsPerGroup = settings.heads / groups
        parallel(tiles: segments.count * groups) { tile in
            let (segment, group) = (tile / groups, tile % groups)
            let (queries, keys) = (settings.queries[segment], segments[segment])
            var shape = kernelShape(queries: queries.count, length: keys.count)
            let elements = kernels.pointee.scratch(&shape, backward ? 1 : 0)
            let scratch = Storage(byteCount: elements * query.dtype.byteCount)
            for head in group * headsPerGroup..<(group + 1) * headsPerGroup {
                body(
                    kernels, &shape, segment, head, (queries.lowerBound, keys.lowerBound),
                    scratch.base)
            }
        }
    }

    private func kernelShape(queries: Int, length: Int) -> ck_attention {
        let (width, headWidth) = (query.shape[1], query.shape[1] / settings.heads)
        return ck_attention(
            queries: queries, length: length, heads: settings.heads, width: headWidth,
            stride: width,
            out_stride: width, scale: 1 / Double(headWidth).squareRoot(),
            dropout: settings.dropout?.kernelValue
                ?? ck_dropout(rate: 0, seed: 0, layer: 0, step: 0))
    }
}
