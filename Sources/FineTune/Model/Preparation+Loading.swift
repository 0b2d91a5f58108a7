import Layers
import Tensor

extension Preparation {
    /// Items as the features that the first stage takes, loaded before where that is needed.
    ///
    /// - Throws: What is wrong with what was read.
    func loadedBatch(_ items: [Item]) throws -> Features { batch(try loaded(items)) }

    /// Items, loaded on all threads.
    ///
    /// - Throws: The error of the first item that has one.
    func loaded(_ items: [Item]) throws -> [Item] {
        guard loadsItems else { return items }
        let results = Locked([Result<Item, any Error>?](repeating: nil, count: items.count))
        parallel(tiles: items.count) { index in
            let result = Result { try loaded(items[index]) }
            results.withLock { $0[index] = result }
        }
        return try results.withLock { try $0.compactMap { try $0?.get() } }
    }
}
