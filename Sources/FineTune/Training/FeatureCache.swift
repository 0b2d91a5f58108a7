import Autograd
import Layers
import Tensor

/// Keeps what the frozen stages at the bottom of a model gave for an example, so that each example
/// goes through them once.
///
/// An entry is known by the example's key and belongs to one state of the frozen stages: as soon as
/// the boundary or a weight below it is another, all entries are dropped. Entries that were computed
/// together lie together, in one ``FeatureBlock``.
final class FeatureCache<Key: Hashable> {
    /// The features of one example.
    private struct Entry {
        let block: FeatureBlock
        let rows: Range<Int>
    }

    /// Whether features that are computed from now on are kept.
    var keepsNew = true
    /// How many examples the frozen stages have computed.
    private(set) var computedCount = 0
    /// How many examples they were spared.
    private(set) var reusedCount = 0

    private let limits: TrainingSettings.FeatureCaching
    private var prefix: FrozenPrefix?
    private var storage: FeatureStorage
    private var entries: [Key: Entry] = [:]
    /// Where the rows of a batch are put together; as large as the largest batch so far.
    private var staging: [UInt8] = []

    /// An empty cache.
    init(_ limits: TrainingSettings.FeatureCaching) {
        self.limits = limits
        storage = FeatureStorage(limits)
    }

    /// Drops everything unless it comes from these stages.
    func prepare(for prefix: FrozenPrefix?) {
        if let prefix, let current = self.prefix, current.isIdentical(to: prefix) { return }
        if self.prefix != nil { clear() }
        self.prefix = prefix
    }

    private func clear() {
        entries = [:]
        storage = FeatureStorage(limits)
    }

    /// The features of a batch.
    ///
    /// - Parameters:
    ///   - keys: The examples.
    ///   - compute: Computes the features of the examples at these positions, in their order.
    /// - Returns: The features in the order of `keys`.
    func features(of keys: [Key], computing compute: (_ positions: [Int]) -> Features) -> Features {
        var found = keys.map { entries[$0] }
        var numbers: [Key: Int] = [:]
        let missing = keys.indices.filter { position in
            guard found[position] == nil, numbers[keys[position]] == nil else { return false }
            numbers[keys[position]] = numbers.count
            return true
        }
        computedCount += missing.count
        reusedCount += keys.count - missing.count
        if !missing.isEmpty {
            let computed = compute(missing)
            let kept = keepsNew ? storage.keep(computed.value.value) : nil
            let block = kept ?? FeatureBlock(computed.value.value)
            for position in keys.indices where found[position] == nil {
                guard let number = numbers[keys[position]] else { continue }
                let entry = Entry(block: block, rows: computed.segments[number])
                found[position] = entry
                if kept != nil { entries[keys[position]] = entry }
            }
            if missing.count == keys.count { return computed }
        }
        if let features = joined(found.compactMap { $0 }) { return features }
        // The file could not be read, or rows of several shapes met: without the cache, then.
        clear()
        storage.isFull = true
        return compute(Array(keys.indices))
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
