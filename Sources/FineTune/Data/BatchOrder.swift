/// Which examples form which batch, and in which order the batches come.
///
/// Knows the examples only by their sizes, such as their numbers of tokens. In training, examples
/// of similar size share a batch, yet every epoch mixes anew: the examples are shuffled, cut into
/// pools of many batches, sorted by size within a pool, cut into batches, and the batches shuffled.
/// The order is a function of the seed and the epoch alone, on every platform and in every
/// version, so that a resumed run goes on where it was.
public struct BatchOrder: Sendable, Hashable {
    /// How large a batch may be.
    public enum Limit: Sendable, Hashable {
        /// So many examples; only the last batch of an epoch has fewer.
        case examples(Int)
        /// So many tokens in all; an example larger than that is a batch of its own.
        case tokens(Int)
    }

    /// The size of each example, such as its number of tokens.
    public let sizes: [Int]
    /// How large a batch may be.
    public let limit: Limit
    /// Decides the order, together with the epoch.
    public let seed: UInt64
    /// How many batches are sorted by size together. More make the sizes within a batch more
    /// alike; fewer mix the examples better.
    public let poolSize: Int

    /// The order of examples of these `sizes`.
    ///
    /// - Precondition: The limit and `poolSize` are positive, and no size is negative.
    public init(sizes: [Int], limit: Limit, seed: UInt64, poolSize: Int = 50) {
        precondition(limit.value > 0, "a batch of \(limit.value) holds nothing")
        precondition(poolSize > 0, "a pool of \(poolSize) batches holds nothing")
        precondition(sizes.allSatisfy { $0 >= 0 }, "an example has a negative size")
        (self.sizes, self.limit, self.seed, self.poolSize) = (sizes, limit, seed, poolSize)
    }

    /// The batches of an epoch, each the positions of its examples; every example is in one.
    ///
    /// Under a limit of tokens, two epochs may differ in their number of batches.
    public func batches(epoch: Int) -> [[Int]] {
        var generator = SplitMix64(seed: seed, stream: UInt64(bitPattern: Int64(epoch)))
        var order = Array(sizes.indices)
        generator.shuffle(&order)
        var batches: [[Int]] = []
        for pool in cut(order, limit: limit.value.multipliedClamped(by: poolSize)) {
            batches += cut(sorted(pool), limit: limit.value)
        }
        generator.shuffle(&batches)
        return batches
    }

    /// The batches to evaluate, the largest examples first: what memory it takes is then known
    /// at once. ``restored(_:)`` brings the results back into the order of the examples.
    public var evaluationBatches: [[Int]] {
        cut(Array(sorted(Array(sizes.indices)).reversed()), limit: limit.value)
    }

    /// The results of the ``evaluationBatches``, in the order of the examples.
    ///
    /// - Parameter results: The results of each batch, example by example.
    /// - Returns: One result for each example.
    /// - Precondition: There is one result for each example.
    public func restored<Result>(_ results: [[Result]]) -> [Result] {
        let order = evaluationBatches
        precondition(
            order.count == results.count && zip(order, results).allSatisfy { $0.count == $1.count },
            "the results are not those of the evaluation batches")
        var place = [Int](repeating: 0, count: sizes.count)
        for (rank, position) in order.joined().enumerated() { place[position] = rank }
        let flat = results.flatMap { $0 }
        return place.map { flat[$0] }
    }

    /// From small to large; equal sizes keep their order.
    private func sorted(_ positions: [Int]) -> [Int] {
        positions.enumerated()
            .sorted { (sizes[$0.element], $0.offset) < (sizes[$1.element], $1.offset) }
            .map(\.element)
    }

    /// Runs of `positions` that are as long as `limit`, of the kind of `self.limit`, lets them be.
    private func cut(_ positions: [Int], limit: Int) -> [[Int]] {
        var runs: [[Int]] = []
        var (run, filled) = ([Int](), 0)
        for position in positions {
            let size = if case .tokens = self.limit { sizes[position] } else { 1 }
            if !run.isEmpty, size > limit - filled {
                runs.append(run)
                (run, filled) = ([], 0)
            }
            run.append(position)
            filled += min(size, limit)
        }
        return run.isEmpty ? runs : runs + [run]
    }
}

extension BatchOrder.Limit {
    fileprivate var value: Int {
        switch self {
        case .examples(let count), .tokens(let count): count
        }
    }
}

extension Int {
    /// The product, or the largest number if it would be larger.
    fileprivate func multipliedClamped(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
