public import Tensor

/// How well vectors find the text that belongs to another, among all texts of the examples.
public struct RetrievalMetrics: HeadMetrics, Hashable {
    /// The number of queries.
    public let count: Int
    /// The number of texts that each query is compared with.
    public let candidateCount: Int
    /// The part of the queries whose own text is nearer than every other by cosine. Of texts that are
    /// equally near, the others count as nearer.
    public let accuracy: Double
    /// The mean of `1 / rank` of a query's own text (Voorhees, TREC-8 1999).
    public let meanReciprocalRank: Double

    /// Compares queries with candidates.
    ///
    /// - Parameters:
    ///   - queries: One vector for each group; any shape of as many rows.
    ///   - candidates: The vectors that queries are compared with, of the shape of `queries`: first
    ///     those that belong to them, group by group, then others.
    public init(queries: Tensor, candidates: [Tensor]) {
        func rows(_ tensor: Tensor) -> Tensor {
            let count = tensor.shape[0]
            let width = count > 0 ? tensor.elementCount / count : 0
            let matrix = tensor.contiguous().reshaped([count, width]).converted(to: .float64)
            let lengths = (matrix.squared().sum(axis: 1) + 1e-24).squareRoot()
            return matrix / lengths.reshaped([count, 1])
        }
        let (queries, candidates) = (rows(queries), candidates.map(rows))
        let count = queries.shape[0]
        self.count = count
        candidateCount = candidates.reduce(0) { $0 + $1.shape[0] }
        var (hits, reciprocals) = (0, 0.0)
        // A block at a time, so that memory does not grow with the square of the examples.
        for start in stride(from: 0, to: count, by: 256) {
            let block = start..<min(start + 256, count)
            let similarities = candidates.map {
                Tensor.matmul(queries.sliced(block), $0, transposingB: true)
                    .elements(as: Double.self)
            }
            for query in block {
                let place = (query - start) * count
                let own = similarities[0][place + query]
                // The own text itself is among those that are at least as near.
                let rank = similarities.reduce(0) { rank, values in
                    rank + values[place..<place + count].count { $0 >= own }
                }
                hits += rank == 1 ? 1 : 0
                reciprocals += 1 / Double(max(rank, 1))
            }
        }
        accuracy = ratio(hits, count)
        meanReciprocalRank = count > 0 ? reciprocals / Double(count) : 0
    }

    /// The accuracy.
    public var score: Double { accuracy }
    /// `retrieval accuracy`
    public static var scoreName: String { "retrieval accuracy" }

    /// Such as `retrieval accuracy 0.912, mean reciprocal rank 0.944 (500 queries, 500 texts)`.
    public var description: String {
        "retrieval accuracy \(accuracy.formatted(decimals: 3)), mean reciprocal rank "
            + "\(meanReciprocalRank.formatted(decimals: 3)) (\(count) queries, \(candidateCount) texts)"
    }
}
