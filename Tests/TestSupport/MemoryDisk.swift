package import Checkpoint
import Foundation
import Tensor

/// A disk in memory that takes the place of the system's calls. It writes down what happens to it, and
/// can lose its power.
package final class MemoryDisk: Sendable {
    /// What happened, in order. Files and folders are known by numbers.
    package enum Operation: Sendable {
        /// A name appeared in a folder: that of a new file or folder.
        case add(name: String, to: Int, node: Int, isFolder: Bool)
        /// A name went.
        case remove(name: String, from: Int, node: Int)
        /// A name in a folder became another one.
        case rename(old: String, new: String, in: Int, node: Int)
        /// Bytes went to the end of a file.
        case write(bytes: [UInt8], at: Int, node: Int)
        /// What happened to a file's bytes, or to the names in a folder, is on the disk.
        case flush(node: Int)
    }

    /// A file or a folder.
    fileprivate struct Node {
        var isFolder: Bool
        var bytes: [UInt8] = []
        var entries: [String: Int] = [:]
    }

    fileprivate struct State {
        var nodes = [0: Node(isFolder: true)]
        var open: [Int32: (node: Int, position: Int)] = [:]
        /// The descriptor that holds the lock of a folder.
        var locked: [Int: Int32] = [:]
        var nextNode = 1
        var nextDescriptor: Int32 = 1000
        var log: [Operation] = []
    }

    private let state: Locked<State>

    /// What was on it at first, which no loss of power takes away.
    private let first: [Int: Node]

    /// An empty disk.
    package convenience init() { self.init([0: Node(isFolder: true)]) }

    private init(_ nodes: [Int: Node]) {
        first = nodes
        state = Locked(State())
        state.withLock { ($0.nodes, $0.nextNode) = (nodes, (nodes.keys.max() ?? 0) + 1) }
    }

    /// What has happened so far.
    package var log: [Operation] { state.withLock { $0.log } }

    /// Changes the bytes of a file behind the system's back.
    package func corrupt(_ path: String, _ body: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard let node = state.node(path) else { return }
            body(&state.nodes[node, default: Node(isFolder: false)].bytes)
        }
    }

    /// The bytes of a file; nil if there is none.
    package func content(of path: String) -> [UInt8]? {
        state.withLock { state in
            state.node(path).flatMap { state.nodes[$0] }.flatMap { $0.isFolder ? nil : $0.bytes }
        }
    }

    /// A disk of the same content.
    package func copy() -> MemoryDisk { MemoryDisk(state.withLock { $0.nodes }) }
}

// MARK: Losing power

extension MemoryDisk {
    /// What a loss of power leaves behind, after the first `count` operations: all that was flushed, and
    /// of the rest anything at all. Names appear, go and change, or do not; of bytes, any pages of 64 are
    /// there, others zero or garbage, and the file may be shorter.
    ///
    /// This is worse than file systems with a journal, which keep what happens to names in order. A
    /// renaming happens as a whole.
    package func afterPowerLoss(
        at count: Int, keeping share: Double, using generator: inout some RandomNumberGenerator
    ) -> MemoryDisk {
        let log = state.withLock { Array($0.log[..<count]) }
        var flushed = [Bool](repeating: false, count: count)
        var isFlushed: Set<Int> = []
        for (index, operation) in log.enumerated().reversed() {
            switch operation {
            case .flush(let node): isFlushed.insert(node)
            case .add(_, let node, _, _), .remove(_, let node, _), .rename(_, _, let node, _),
                .write(_, _, let node):
                flushed[index] = isFlushed.contains(node)
            }
        }
        var nodes = first
        for (index, operation) in log.enumerated() {
            let stays = flushed[index] || Double.random(in: 0..<1, using: &generator) < share
            switch operation {
            case .flush: break
            case .add(let name, let folder, let node, let isFolder):
                nodes[node] = nodes[node] ?? Node(isFolder: isFolder)
                if stays { nodes[folder]?.entries[name] = node }
            case .remove(let name, let folder, let node):
                if stays, nodes[folder]?.entries[name] == node {
                    nodes[folder]?.entries[name] = nil
                }
            case .rename(let old, let new, let folder, let node):
                guard stays else { break }
                nodes[folder]?.entries[old] = nil
                nodes[folder]?.entries[new] = node
            case .write(let bytes, let offset, let node):
                var content = nodes[node]?.bytes ?? []
                write(
                    bytes, at: offset, to: &content, share: flushed[index] ? 1 : share,
                    using: &generator)
                nodes[node]?.bytes = content
            }
        }
        return MemoryDisk(nodes)
    }

    private func write(
        _ bytes: [UInt8], at offset: Int, to content: inout [UInt8], share: Double,
        using generator: inout some RandomNumberGenerator
    ) {
        for page in stride(from: 0, to: bytes.count, by: 64) {
            let part = bytes[page..<min(page + 64, bytes.count)]
            let kind = share >= 1 ? 0 : Double.random(in: 0..<1, using: &generator)
            if kind >= share, Bool.random(using: &generator) { continue }
            let end = offset + page + part.count
            if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
            if kind < share {
                content.replaceSubrange(offset + page..<end, with: part)
            } else if Bool.random(using: &generator) {
                for index in offset + page..<end {
                    content[index] = .random(in: 0...255, using: &generator)
                }
            }
        }
    }
}

// MARK: Calls

extension MemoryDisk {
    /// The calls of this disk.
    package var calls: SystemCalls {
        var calls = SystemCalls()
        calls.create = { path in self.answer { try $0.create(path) } }
        calls.openFile = { path in self.answer { try $0.openAny(path) } }
        calls.openFolder = { path in
            self.answer { state in
                guard let node = state.node(path) else { throw Failure(ENOENT) }
                guard state.nodes[node]?.isFolder == true else { throw Failure(ENOTDIR) }
                return try state.openAny(path)
            }
        }
        calls.size = { descriptor in
            self.answer { state in
                let node = try state.openNode(descriptor)
                guard !node.isFolder else { throw Failure(EINVAL) }
                return node.bytes.count
            }
        }
        calls.read = { descriptor, buffer in
            self.answer { state in
                let node = try state.openNode(descriptor)
                let start = state.open[descriptor]?.position ?? 0
                let part = node.bytes[start..<min(start + buffer.count, node.bytes.count)]
                buffer.copyBytes(from: part)
                state.open[descriptor]?.position += part.count
                return part.count
            }
        }
        calls.write = { descriptor, bytes in
            self.answer { state in
                _ = try state.openNode(descriptor)
                let number = state.open[descriptor]?.node ?? 0
                let offset = state.nodes[number]?.bytes.count ?? 0
                state.nodes[number]?.bytes += bytes
                state.log.append(.write(bytes: Array(bytes), at: offset, node: number))
                return bytes.count
            }
        }
        calls.flush = { descriptor in
            self.answer { state in
                _ = try state.openNode(descriptor)
                state.log.append(.flush(node: state.open[descriptor]?.node ?? 0))
                return 0
            }
        }
        calls.close = { descriptor in
            self.answer { state in
                guard let closed = state.open.removeValue(forKey: descriptor) else {
                    throw Failure(EBADF)
                }
                state.unlock(closed.node, descriptor)
                return 0
            }
        }
        calls.unlock = { descriptor in
            self.answer { state in
                state.unlock(state.open[descriptor]?.node ?? 0, descriptor)
                return 0
            }
        }
        calls.rename = { old, new in self.answer { try $0.rename(old, new) } }
        calls.remove = { path in self.answer { try $0.remove(path, isFolder: false) } }
        calls.removeFolder = { path in self.answer { try $0.remove(path, isFolder: true) } }
        calls.makeFolder = { path in
            self.answer { state in
                _ = try state.add(path, isFolder: true)
                return 0
            }
        }
        calls.list = { path in
            self.state.withLock { state in
                let node = state.node(path).flatMap { state.nodes[$0] }
                if node?.isFolder != true { errno = node == nil ? ENOENT : ENOTDIR }
                return node?.isFolder == true ? node.map { Array($0.entries.keys) } : nil
            }
        }
        calls.lock = { descriptor in
            self.answer { state in
                let node = state.open[descriptor]?.node ?? 0
                guard state.locked[node] == nil else { throw Failure(EWOULDBLOCK) }
                state.locked[node] = descriptor
                return 0
            }
        }
        return calls
    }

    fileprivate struct Failure: Error {
        let code: Int32

        init(_ code: Int32) { self.code = code }
    }

    /// The answer of a call: -1 with `errno` where it fails.
    private func answer<Number: SignedInteger & Sendable>(
        _ body: (inout State) throws -> Number
    ) -> Number {
        state.withLock { state in
            do {
                return try body(&state)
            } catch {
                errno = (error as? Failure)?.code ?? EIO
                return -1
            }
        }
    }
}

extension MemoryDisk.State {
    fileprivate func node(_ path: String) -> Int? {
        var node = 0
        for part in path.split(separator: "/") where part != "." {
            guard let next = nodes[node]?.entries[String(part)] else { return nil }
            node = next
        }
        return node
    }

    fileprivate func openNode(_ descriptor: Int32) throws -> MemoryDisk.Node {
        guard let number = open[descriptor]?.node, let node = nodes[number] else {
            throw MemoryDisk.Failure(EBADF)
        }
        return node
    }

    /// The folder that a path lies in, and its last name.
    private func place(_ path: String) throws -> (folder: Int, name: String) {
        let parts = path.split(separator: "/").map(String.init)
        guard let name = parts.last, let folder = node(parts.dropLast().joined(separator: "/"))
        else { throw MemoryDisk.Failure(ENOENT) }
        return (folder, name)
    }

    fileprivate mutating func unlock(_ node: Int, _ descriptor: Int32) {
        if locked[node] == descriptor { locked[node] = nil }
    }

    fileprivate mutating func add(_ path: String, isFolder: Bool) throws -> Int {
        let (folder, name) = try place(path)
        guard nodes[folder]?.entries[name] == nil else { throw MemoryDisk.Failure(EEXIST) }
        let number = nextNode
        nextNode += 1
        nodes[number] = MemoryDisk.Node(isFolder: isFolder)
        nodes[folder]?.entries[name] = number
        log.append(.add(name: name, to: folder, node: number, isFolder: isFolder))
        return number
    }

    fileprivate mutating func create(_ path: String) throws -> Int32 {
        opened(try add(path, isFolder: false))
    }

    fileprivate mutating func openAny(_ path: String) throws -> Int32 {
        guard let node = node(path) else { throw MemoryDisk.Failure(ENOENT) }
        return opened(node)
    }

    private mutating func opened(_ node: Int) -> Int32 {
        nextDescriptor += 1
        open[nextDescriptor] = (node, 0)
        return nextDescriptor
    }

    fileprivate mutating func rename(_ old: String, _ new: String) throws -> Int32 {
        let (from, to) = (try place(old), try place(new))
        guard let node = nodes[from.folder]?.entries[from.name] else {
            throw MemoryDisk.Failure(ENOENT)
        }
        if let taken = nodes[to.folder]?.entries[to.name], let target = nodes[taken],
            target.isFolder, !target.entries.isEmpty
        {
            throw MemoryDisk.Failure(ENOTEMPTY)
        }
        precondition(from.folder == to.folder, "nothing here is moved between folders")
        nodes[from.folder]?.entries[from.name] = nil
        nodes[to.folder]?.entries[to.name] = node
        log.append(.rename(old: from.name, new: to.name, in: to.folder, node: node))
        return 0
    }

    fileprivate mutating func remove(_ path: String, isFolder: Bool) throws -> Int32 {
        let (folder, name) = try place(path)
        guard let number = nodes[folder]?.entries[name], let node = nodes[number] else {
            throw MemoryDisk.Failure(ENOENT)
        }
        guard node.isFolder == isFolder else {
            throw MemoryDisk.Failure(isFolder ? ENOTDIR : EISDIR)
        }
        guard node.entries.isEmpty else { throw MemoryDisk.Failure(ENOTEMPTY) }
        nodes[folder]?.entries[name] = nil
        log.append(.remove(name: name, from: folder, node: number))
        return 0
    }
}
