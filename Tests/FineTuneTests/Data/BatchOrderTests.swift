import FineTune
import Testing

@Suite struct BatchOrderTests {
    private static let sizes: [Int] = {
        var generator = SplitMix64(seed: 2)
        return (0..<1003).map { _ in 3 + generator.next(below: 40) }
    }()

    private static let limits: [BatchOrder.Limit] = [
        .examples(1), .examples(32), .examples(1003), .examples(5000), .tokens(1), .tokens(256),
        .tokens(1000), .tokens(.max),
    ]

    @Test(arguments: limits)
    func everyEpochIsAPermutationWithinTheLimit(_ limit: BatchOrder.Limit) {
        let order = BatchOrder(sizes: Self.sizes, limit: limit, seed: 4, poolSize: 5)
        for batches in [order.batches(epoch: 0), order.batches(epoch: 1), order.evaluationBatches] {
            #expect(batches.joined().sorted() == Array(Self.sizes.indices))
            for batch in batches {
                switch limit {
                case .examples(let count): #expect(batch.count <= count)
                case .tokens(let count):
                    let tokens = batch.map { Self.sizes[$0] }.reduce(0, +)
                    #expect(tokens <= count || batch.count == 1)
                }
            }
        }
    }

    @Test func onlyOneBatchIsPartial() {
        let order = BatchOrder(sizes: Self.sizes, limit: .examples(32), seed: 4, poolSize: 5)
        let counts = order.batches(epoch: 3).map(\.count).sorted()
        #expect(counts == [1003 % 32] + [Int](repeating: 32, count: 1003 / 32))
    }

    @Test func aBudgetOfTokensIsFilled() {
        let order = BatchOrder(sizes: Self.sizes, limit: .tokens(1000), seed: 4)
        let batches = order.batches(epoch: 0)
        let least = (Self.sizes.reduce(0, +) + 999) / 1000
        // A batch leaves less than one example of at most 42 tokens free.
        #expect(batches.count <= least + 2)
    }

    @Test(arguments: [BatchOrder.Limit.examples(32), .tokens(600)])
    func theOrderIsAFunctionOfSeedAndEpoch(_ limit: BatchOrder.Limit) {
        func batches(_ seed: UInt64, _ epoch: Int) -> [[Int]] {
            BatchOrder(sizes: Self.sizes, limit: limit, seed: seed).batches(epoch: epoch)
        }
        #expect(batches(1, 2) == batches(1, 2))
        let all = [batches(1, 0), batches(1, 1), batches(0, 1), batches(0, 0), batches(2, 0)]
        #expect(Set(all).count == all.count)
        // Not the same batches in another order either.
        #expect(Set(batches(1, 0)).intersection(batches(1, 1)).isEmpty)
    }

    @Test func similarSizesShareABatch() {
        func spread(_ poolSize: Int) -> Int {
            BatchOrder(sizes: Self.sizes, limit: .examples(32), seed: 4, poolSize: poolSize)
                .batches(epoch: 0).map { batch in
                    let sizes = batch.map { Self.sizes[$0] }
                    return (sizes.max() ?? 0) - (sizes.min() ?? 0)
                }.reduce(0, +)
        }
        #expect(spread(50) * 8 < spread(1))
    }

    /// Short and long batches come in turn; an epoch that goes from short to long learns worse.
    @Test func batchesOfAPoolAreShuffled() {
        let order = BatchOrder(sizes: Self.sizes, limit: .examples(32), seed: 4)
        let first = order.batches(epoch: 0).compactMap(\.first).map { Self.sizes[$0] }
        let rises = zip(first, first.dropFirst()).count { $0 < $1 }
        #expect((8...22).contains(rises), "\(first)")
    }

    @Test func theLargestAreEvaluatedFirstAndResultsReturnToTheirPlaces() {
        let order = BatchOrder(sizes: Self.sizes, limit: .examples(32), seed: 4)
        let batches = order.evaluationBatches
        let sizes = batches.joined().map { Self.sizes[$0] }
        #expect(sizes == sizes.sorted(by: >))
        #expect(order.restored(batches) == Array(Self.sizes.indices))
    }

    @Test func nothingGivesNoBatch() {
        let order = BatchOrder(sizes: [], limit: .tokens(5), seed: 0)
        #expect(order.batches(epoch: 0).isEmpty)
        #expect(order.restored([[Int]]()).isEmpty)
    }

    @Test func emptyExamplesAreKept() {
        let order = BatchOrder(sizes: [0, 0, 9, 0], limit: .tokens(4), seed: 0)
        #expect(order.batches(epoch: 0).joined().sorted() == [0, 1, 2, 3])
    }
}
