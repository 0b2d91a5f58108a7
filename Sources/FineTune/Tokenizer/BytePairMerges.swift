/// The merges of a byte-pair encoding (Sennrich et al., "Neural Machine Translation of Rare Words
/// with Subword Units", 2016): which two neighbouring tokens become one, and in which order.
struct BytePairMerges: Sendable {
    private var slots: [Slot]
    private let shift: UInt64
    /// A file cannot be built to make pairs collide, because the seed is drawn anew.
    private let seed = UInt64.random(in: .min ... .max)

    private struct Slot: Sendable {
        /// The left id above the right one.
        var pair: UInt64 = 0
        var merge = Merge(rank: .max, id: -1)
    }

    /// What a pair becomes.
    struct Merge: Sendable {
        /// Merges of lower rank come first. `UInt32.max` where there is none.
        var rank: UInt32
        var id: Int32
    }

    /// Room for this many merges.
    init(capacity: Int) {
        let count = max(16, 1 << (Int.bitWidth - (capacity * 2).leadingZeroBitCount))
        slots = Array(repeating: Slot(), count: count)
        shift = UInt64(64 - count.trailingZeroBitCount)
    }

    /// Enters a merge, in place of an earlier one of the same pair. There may be no more than the
    /// capacity.
    mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
        let slot = slot(left, right)
        slots[slot] = Slot(pair: Self.pair(left, right), merge: merge)
    }

    /// What two neighbouring tokens become, with the rank `UInt32.max` if they stay two.
    @inline(__always)
    subscript(left: Int32, right: Int32) -> Merge { slots[slot(left, right)].merge }

    @inline(__always)
    private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The slot of the pair, or the free slot where it belongs; at most half are taken.
    @inline(__always)
    private func slot(_ left: Int32, _ right: Int32) -> Int {
        let pair = Self.pair(left, right)
        let product = (pair ^ seed).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        var slot = Int(truncatingIfNeeded: (product.high ^ product.low) >> shift)
        while slots[slot].merge.rank != .max, slots[slot].pair != pair {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }
}

// MARK: Merging a word

extension BytePairMerges {
    /// Merges the tokens of a word until no pair is left that merges: always the pair of the
    /// lowest rank, and of several the leftmost.
    ///
    /// - Parameter tokens: The word's tokens, which are replaced by the result.
    func apply(to tokens: inout [Int32]) {
        // Looking for the lowest rank anew is faster than a heap while a word is short.
        if tokens.count <= 32 { applyByScanning(&tokens) } else { applyByHeap(&tokens) }
    }

    private func applyByScanning(_ tokens: inout [Int32]) {
        let none = Merge(rank: .max, id: -1)
        withUnsafeTemporaryAllocation(of: Merge.self, capacity: 32) { merges in
            var count = tokens.count
            // The merge of each token with its right neighbour.
            for position in 0..<count {
                merges[position] =
                    position + 1 < count ? self[tokens[position], tokens[position + 1]] : none
            }
            while count > 1 {
                var best = 0
                for position in 1..<count where merges[position].rank < merges[best].rank {
                    best = position
                }
                guard merges[best].rank != .max else { break }
                tokens[best] = merges[best].id
                for position in best + 1..<count - 1 {
                    tokens[position] = tokens[position + 1]
                    merges[position] = merges[position + 1]
                }
                count -= 1
                merges[best] = best + 1 < count ? self[tokens[best], tokens[best + 1]] : none
                if best > 0 { merges[best - 1] = self[tokens[best - 1], tokens[best]] }
            }
            tokens.removeLast(tokens.count - count)
        }
    }

    private func applyByHeap(_ tokens: inout [Int32]) {
        /// A pair that merges: by rank, then by position.
        struct Candidate: Comparable {
            var rank: UInt32
            var position: Int
            /// What the pair becomes.
            var id: Int32
            static func < (left: Self, right: Self) -> Bool {
                (left.rank, left.position) < (right.rank, right.position)
            }
        }
        let count = tokens.count
        // Neighbours that are left, -1 and `count` at the ends.
        var previous = Array(-1..<count - 1)
        var next = Array(1...count)
        var heap = MinimumHeap<Candidate>()
        func push(_ left: Int, _ right: Int) {
            let merge = self[tokens[left], tokens[right]]
            if merge.rank != .max {
                heap.push(Candidate(rank: merge.rank, position: left, id: merge.id))
            }
        }
        for position in 0..<count - 1 { push(position, position + 1) }
        while let candidate = heap.pop() {
            let left = candidate.position
            let right = next[left]
            // A pair of which something else has become since it was pushed.
            guard tokens[left] >= 0, right < count,
                self[tokens[left], tokens[right]].id == candidate.id
            else { continue }
            tokens[left] = candidate.id
            tokens[right] = -1
            next[left] = next[right]
            if next[left] < count {
                previous[next[left]] = left
                push(left, next[left])
            }
            if previous[left] >= 0 { push(previous[left], left) }
        }
        tokens.removeAll { $0 < 0 }
    }
}

/// A binary heap whose least element comes out first.
struct MinimumHeap<Element: Comparable> {
    private var elements: [Element] = []

    mutating func push(_ element: Element) {
        elements.append(element)
        var position = elements.count - 1
        while position > 0, elements[position] < elements[(position - 1) / 2] {
            elements.swapAt(position, (position - 1) / 2)
            position = (position - 1) / 2
        }
    }

    /// Takes the least element out, or gives nil if there is none.
    mutating func pop() -> Element? {
        guard let least = elements.first, let last = elements.popLast() else { return nil }
        guard !elements.isEmpty else { return least }
        elements[0] = last
        var position = 0
        while true {
            var child = 2 * position + 1
            guard child < elements.count else { break }
            if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
            guard elements[child] < elements[position] else { break }
            elements.swapAt(position, child)
            position = child
        }
        return least
    }
}
