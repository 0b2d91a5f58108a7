import Tensor

/// Loads the items of the next steps on other threads, while a step computes.
///
/// What a step learns from is known long before: what an item becomes depends on the seed, the epoch
/// and the example alone.
final class ItemLoader<P: Preparation> {
    /// How many steps are loaded ahead. One would do if all took the same time.
    private static var depth: Int { 2 }

    private let preparation: P
    private let threads: Int
    /// The steps that are under way or ready, each by the number that it was asked for under.
    private var tasks: [Int: Task<[P.Item], any Error>] = [:]

    /// A loader that uses so many threads.
    init(_ preparation: P, threads: Int) {
        (self.preparation, self.threads) = (preparation, threads)
    }

    deinit { for task in tasks.values { task.cancel() } }

    /// Begins to load the items of some steps, unless it has begun already, and waits for the first of
    /// them.
    ///
    /// - Parameters:
    ///   - steps: The numbers of the next steps, in order.
    ///   - items: The items of a step, and whether each has to be loaded.
    /// - Returns: The items of the first step.
    /// - Throws: What is wrong with an item of the first step.
    nonisolated(nonsending) func items(
        of steps: [Int], _ items: (Int) -> [(item: P.Item, isNeeded: Bool)]
    ) async throws -> [P.Item] {
        for step in steps.prefix(1 + Self.depth) where tasks[step] == nil {
            tasks[step] = load(items(step))
        }
        guard let first = steps.first, let task = tasks.removeValue(forKey: first) else {
            return []
        }
        return try await task.value
    }

    /// Forgets what was begun.
    func cancel() {
        for task in tasks.values { task.cancel() }
        tasks = [:]
    }

    private func load(_ items: [(item: P.Item, isNeeded: Bool)]) -> Task<[P.Item], any Error> {
        let preparation = preparation
        // Further threads would have nothing to do.
        let threads = min(self.threads, max(1, items.count))
        return Task.detached {
            try await withThrowingTaskGroup(of: [(Int, P.Item)].self) { group in
                for thread in 0..<threads {
                    group.addTask {
                        var loaded: [(Int, P.Item)] = []
                        for index in stride(from: thread, to: items.count, by: threads)
                        where items[index].isNeeded {
                            try Task.checkCancellation()
                            loaded.append((index, try preparation.loaded(items[index].item)))
                        }
                        return loaded
                    }
                }
                var all = items.map(\.item)
                for try await part in group {
                    for (index, item) in part { all[index] = item }
                }
                return all
            }
        }
    }
}
