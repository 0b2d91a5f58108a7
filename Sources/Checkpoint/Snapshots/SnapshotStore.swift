import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The folder that a run keeps its snapshots in, for one run at a time.
///
/// A snapshot is a folder named by its number and step, such as `000012-step-3400`; the highest number
/// is the newest. Other names are left alone.
package final class SnapshotStore: Sendable {
    /// Where the snapshots are.
    package let folder: String
    private let state: Locked<State>

    private struct State {
        /// Holds the lock of the folder; -1 once that is given back.
        var descriptor: Int32
        var nextNumber: Int
        /// Those that were written or found whole by this store, oldest first. Only they count when it
        /// is decided what is no longer needed.
        var good: [SnapshotName] = []
        /// Those of a course that the run has gone back from.
        var abandoned: Set<SnapshotName> = []
        /// The scores that were asked for.
        var scores: [SnapshotName: Double?] = [:]
    }

    /// Opens a folder, which is made if it is missing, and removes what an interrupted process left of
    /// unfinished snapshots.
    ///
    /// - Throws: ``SnapshotError/folderInUse(_:)``, ``SnapshotError/file(_:)``.
    package init(folder: String) throws(SnapshotError) {
        self.folder = folder
        let descriptor: Int32
        do throws(FileError) {
            try AtomicFile.makeFolder(folder)
            descriptor = uninterrupted { SystemCalls.current.openFolder(folder) }
            guard descriptor >= 0 else {
                throw FileError(operation: "open", path: folder, code: errno)
            }
        } catch {
            throw .file(error)
        }
        state = Locked(State(descriptor: descriptor, nextNumber: 1))
        // A file system without locks has none to give.
        guard uninterrupted({ SystemCalls.current.lock(descriptor) }) == 0 || errno != EWOULDBLOCK
        else {
            close()
            throw .folderInUse(folder)
        }
        do throws(FileError) {
            let names = try SnapshotFolder.names(in: folder)
            for name in names where name.hasPrefix(incompletePrefix) {
                try SnapshotFolder.removeAll(folder + "/" + name)
            }
            let newest = names.compactMap { SnapshotName($0)?.number }.max() ?? 0
            state.withLock { $0.nextNumber = newest + 1 }
        } catch {
            throw .file(error)
        }
    }

    deinit { close() }

    /// Gives the folder back for another run; nothing more is to be written by this one.
    package func close() {
        state.withLock { state in
            guard state.descriptor >= 0 else { return }
            // A process that is being started has a copy of the descriptor, until it becomes its program.
            _ = SystemCalls.current.unlock(state.descriptor)
            _ = SystemCalls.current.close(state.descriptor)
            state.descriptor = -1
        }
    }

    /// The names of the snapshots, oldest first.
    package func names() throws(SnapshotError) -> [String] { try sortedNames().map(\.text) }

    private func sortedNames() throws(SnapshotError) -> [SnapshotName] {
        do throws(FileError) {
            return try SnapshotFolder.names(in: folder).compactMap { SnapshotName($0) }.sorted()
        } catch {
            throw .file(error)
        }
    }

    /// Writes a snapshot as the newest one and returns when the disk has it.
    ///
    /// - Parameters:
    ///   - content: What it holds.
    ///   - step: The steps that were taken, for its name.
    /// - Returns: Its name, and the bytes of its files.
    /// - Throws: ``SnapshotError``; earlier snapshots are as they were.
    package func write(
        _ content: SnapshotContent, step: Int
    ) throws(SnapshotError) -> (name: String, byteCount: Int) {
        // A number is used once, also where writing fails after the name has appeared.
        let number = state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        let name = SnapshotName(number: number, step: step)
        let byteCount = try SnapshotFolder.write(content, to: path(of: name))
        state.withLock {
            $0.good.append(name)
            $0.scores[name] = content.score
        }
        return (name.text, byteCount)
    }

    /// Removes snapshots that are older than the newest `count` that are known to be whole, but for the
    /// newest one of fewer steps than the newest: a run may have to go back by a step. While this store
    /// has written or read fewer, none is.
    ///
    /// - Parameters:
    ///   - count: How many are kept, at least 2.
    ///   - keepsBest: Whether the first one with the highest score is kept whatever its age.
    /// - Throws: ``SnapshotError/file(_:)``.
    package func prune(keeping count: Int, keepsBest: Bool) throws(SnapshotError) {
        precondition(count >= 2, "two snapshots are kept at least, not \(count)")
        let good = state.withLock { $0.good }
        guard good.count >= count else { return }
        let names = try sortedNames()
        let best = keepsBest ? bestName(of: names) : nil
        // The last step of an epoch and its end are two snapshots of the same weights.
        let earlier = good.last { $0.step < good[good.count - 1].step }
        for name in names
        where name < good[good.count - count] && name != best && name != earlier {
            do throws(FileError) {
                try SnapshotFolder.remove(path(of: name))
            } catch {
                throw .file(error)
            }
            state.withLock {
                $0.good.removeAll { $0 == name }
                $0.scores[name] = nil
            }
        }
    }

    private func bestName(of names: [SnapshotName]) -> SnapshotName? {
        var best: (name: SnapshotName, score: Double)?
        for name in names {
            let known = state.withLock { $0.scores[name] }
            let score = known ?? SnapshotFolder.score(of: path(of: name))
            state.withLock { $0.scores[name] = .some(score) }
            if let score, score > best?.score ?? -.infinity { best = (name, score) }
        }
        return best?.name
    }

    /// Passes over all snapshots from now on that there are beside this one and older ones: the run has
    /// gone back to it, or to its beginning.
    ///
    /// - Throws: ``SnapshotError/file(_:)``.
    package func abandon(newerThan kept: String?) throws(SnapshotError) {
        let last = kept.flatMap { SnapshotName($0)?.number } ?? 0
        let newer = try sortedNames().filter { $0.number > last }
        state.withLock {
            $0.abandoned.formUnion(newer)
            $0.good.removeAll { $0.number > last }
        }
    }

    /// Reads the newest snapshot that is whole.
    ///
    /// - Parameter isWanted: Which steps are: all by default.
    /// - Returns: The snapshot, its name, and what is wrong with newer ones, newest first; nil if there
    ///   is no snapshot.
    /// - Throws: ``SnapshotError/nothingIntact(folder:_:)``; ``SnapshotError/file(_:)`` if the system
    ///   cannot read for another reason than a fault of the disk.
    package func newest(
        where isWanted: (_ step: Int) -> Bool = { _ in true }
    ) throws(SnapshotError) -> (content: SnapshotContent, name: String, damaged: [SnapshotError])? {
        var damaged: [SnapshotError] = []
        let abandoned = state.withLock { $0.abandoned }
        for name in try sortedNames().reversed()
        where isWanted(name.step) && !abandoned.contains(name) {
            do throws(SnapshotError) {
                let content = try SnapshotFolder.read(path(of: name))
                // Whatever is newer is damaged, or not wanted, and does not count.
                state.withLock {
                    $0.good.removeAll { $0 >= name }
                    $0.good.append(name)
                }
                return (content, name.text, damaged)
            } catch {
                guard error.isDamage else { throw error }
                damaged.append(error)
            }
        }
        guard damaged.isEmpty else { throw .nothingIntact(folder: folder, damaged) }
        return nil
    }

    private func path(of name: SnapshotName) -> String { folder + "/" + name.text }
}

extension SnapshotError {
    /// Whether an earlier snapshot may serve in place of the one that this is about.
    fileprivate var isDamage: Bool {
        switch self {
        case .damaged: true
        case .file(let error): error.code == EIO
        default: false
        }
    }
}

/// The name of a snapshot's folder.
struct SnapshotName: Hashable, Comparable {
    let number: Int
    let step: Int
    let text: String

    init(number: Int, step: Int) {
        (self.number, self.step) = (number, step)
        let digits = String(number)
        text = String(repeating: "0", count: max(0, 6 - digits.count)) + "\(digits)-step-\(step)"
    }

    /// Nil if it is the name of something else.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1] == "step",
            let number = Int(parts[0]), let step = Int(parts[2]), (1..<1 << 60).contains(number)
        else { return nil }
        self.init(number: number, step: step)
        guard self.text == text else { return nil }
    }

    static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}
