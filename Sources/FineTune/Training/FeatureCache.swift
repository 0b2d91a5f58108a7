import Autograd
import Layers
import Tensor

/// Keeps what the frozen stages at the bottom of a model gave for an example, so that each example
/// goes through them once.
///
/// An entry is known by the example's key and belongs to one state of the frozen stages: as soon as
/// the boundary or a weight below it is another, all entries are dropped. Entries that were computed
/// together lie together, in one ``FeatureBlock``.
final class FeatureCache<P: Preparation> {
    /// The features of one example.
    private struct Entry {
        let block: FeatureBlock
        let rows: Range<Int>
    }

    /// Whether features that are computed from now on are kept.
    var keepsNew = true
    /// How many features were given that did not have to be computed.
    var reusedCount: Int { requestedCount - computedCount }
    private var requestedCount = 0
    private var computedCount = 0

    let limits: TrainingSettings.FeatureCaching
    private var prefix: FrozenPrefix?
    private var storage: FeatureStorage
    private var entries: [P.FeatureKey: Entry] = [:]
    /// What the last pass computed for this batch and the next ones, if it found no room.
    private var recent: [P.FeatureKey: Entry] = [:]
    /// Where the rows of a batch are put together; as large as the largest batch so far.
    private var staging: [UInt8] = []

    /// The bytes that it has taken in memory.
    var memoryUsed: Int { storage.memoryUsed }

    /// An empty cache.
    init(_ limits: TrainingSettings.FeatureCaching) {
        self.limits = limits
        storage = FeatureStorage(limits)
    }

    /// Drops everything unless it comes from these stages.
    func prepare(for prefix: FrozenPrefix?) {
        if isPrepared(for: prefix) { return }
        if self.prefix != nil { clear() }
        self.prefix = prefix
    }

    /// Whether what it holds comes from these stages.
    func isPrepared(for prefix: FrozenPrefix?) -> Bool {
        prefix.map { current in self.prefix?.isIdentical(to: current) == true } ?? false
    }

    /// Whether the item's features are there. Of an item without a key, they never are.
    func holds(_ item: P.Item, _ preparation: P) -> Bool {
        preparation.featureKey(of: item).map { entry($0) != nil } ?? false
    }

    private func clear() {
        (entries, recent) = ([:], [:])
        storage = FeatureStorage(limits)
    }

    /// The features of a batch.
    ///
    /// - Parameters:
    ///   - items: The items of the batch.
    ///   - upcoming: Items that will be asked for next, so many that their sizes fill the room that
    ///     is given. If one of `items` has to be computed, they go with it, since one large pass is
    ///     faster than many small ones; all such passes have the same size, and so need the same
    ///     buffers.
    ///   - preparation: Says which items are equal.
    ///   - compute: The frozen stages.
    /// - Returns: The features in the order of `items`.
    func features(
        of items: [P.Item], before upcoming: (_ room: Int) -> [P.Item], preparation: P,
        computing compute: ([P.Item]) throws -> Features
    ) rethrows -> Features {
        let keys = items.compactMap { preparation.featureKey(of: $0) }
        guard keys.count == items.count else { return try compute(items) }
        requestedCount += items.count
        var found = keys.map { entry($0) }
        if found.contains(where: { $0 == nil }) {
            var missing = unknown(items, preparation)
            let size = missing.reduce(0) { $0 + preparation.size(of: $1.item) }
            let ahead = upcoming(max(0, inferencePassSize - size))
            missing = unknown(missing.map(\.item) + ahead, preparation)
            let computed = try compute(missing.map(\.item))
            computedCount += missing.count
            let kept = keepsNew ? storage.keep(computed.value.value) : nil
            let block = kept ?? FeatureBlock(computed.value.value)
            var fresh: [P.FeatureKey: Entry] = [:]
            for (number, (_, key)) in missing.enumerated() {
                fresh[key] = Entry(block: block, rows: computed.segments[number])
            }
            found = keys.map { entry($0) ?? fresh[$0] }
            if kept != nil {
                entries.merge(fresh) { $1 }
            } else {
                // What the pass before this one computed ahead is still needed.
                for key in ahead.lazy.compactMap({ preparation.featureKey(of: $0) }) {
                    fresh[key] = fresh[key] ?? recent[key]
                }
                recent = fresh
            }
            if missing.map(\.key) == keys { return computed }
        }
        if let features = joined(found.compactMap { $0 }) { return features }
        // The file could not be read, or rows of several shapes met: without the cache, then.
        clear()
        storage.isFull = true
        computedCount += items.count
        return try compute(items)
    }

    private func entry(_ key: P.FeatureKey) -> Entry? { entries[key] ?? recent[key] }

    /// The items that have no entry, each once. Items that have no key are none of them.
    private func unknown(
        _ items: [P.Item], _ preparation: P
    ) -> [(item: P.Item, key: P.FeatureKey)] {
        var seen: Set<P.FeatureKey> = []
        return items.compactMap { item in
            guard let key = preparation.featureKey(of: item), entry(key) == nil,
                seen.insert(key).inserted
            else { return nil }
            return (item, key)
        }
    }

    /// The rows of these entries, one after the other; nil if they cannot be read or do not fit
    /// together.
    private func joined(_ entries: [Entry]) -> Features? {
        guard let first = entries.first?.block else { return nil }
        let lengths = entries.map(\.rows.count)
        let rowCount = lengths.reduce(0, +)
        let byteCount = rowCount * first.rowByteCount
        if staging.count < byteCount { staging = [UInt8](repeating: 0, count: byteCount) }
        let value = staging.withUnsafeMutableBytes { bytes -> Tensor? in
            var start = 0
            for entry in entries {
                let end = start + entry.rows.count * first.rowByteCount
                let place = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<end])
                guard entry.block.rowShape == first.rowShape, entry.block.dtype == first.dtype,
                    entry.block.copy(entry.rows, to: place)
                else { return nil }
                start = end
            }
            return Tensor(
                copying: UnsafeRawBufferPointer(rebasing: bytes[..<byteCount]),
                shape: Tensor.Shape([rowCount] + first.rowShape), dtype: first.dtype)
        }
        return value.map { Features(Variable($0), segments: Segments(lengths: lengths)) }
    }
}
