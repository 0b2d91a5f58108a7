import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What an index of several files of tensors says.
struct ShardIndex {
    typealias Reason = ShardedSafetensorsError.Reason

    /// The files, in the order in which they are first named.
    private(set) var shardNames: [String] = []
    /// For each tensor, the position of its file in ``shardNames``.
    private(set) var shardOfName: [ByteKey: Int] = [:]
    let metadata: JSON.Object
    private let totalByteCount: Int?

    init(path: String) throws(Reason) {
        let root: JSON
        do throws(JSON.ReadError) {
            root = try JSON(contentsOf: path)
        } catch {
            throw .unreadableIndex(error)
        }
        guard let map = root["weight_map"]?.object else { throw .missingWeightMap }
        metadata = root["metadata"]?.object ?? [:]
        totalByteCount = try Self.totalByteCount(metadata)
        var positions: [ByteKey: Int] = [:]
        for (name, value) in map {
            guard let shard = value.string else {
                throw .shardNotString(tensor: name, found: value.kindName)
            }
            let key = ByteKey(shard)
            if positions[key] == nil {
                positions[key] = shardNames.count
                shardNames.append(shard)
            }
            shardOfName[ByteKey(name)] = positions[key]
        }
    }

    private static func totalByteCount(_ metadata: JSON.Object) throws(Reason) -> Int? {
        guard let value = metadata["total_size"] else { return nil }
        guard let count = value.int, count >= 0 else {
            throw .invalidTotalSize(found: value.serialized())
        }
        return count
    }

    /// Checks that the files, those of ``shardNames`` in that order, hold exactly the tensors that
    /// the index places in them.
    /// `shards` are the names in each file, and `byteCounts` the sizes of all tensors together that
    /// the index may give.
    func check(against shards: [[String]], totalByteCounts byteCounts: [Int]) throws(Reason) {
        var found: [ByteKey: Int] = [:]
        for (position, shard) in shards.enumerated() {
            for name in shard {
                let key = ByteKey(name)
                if let other = found.updateValue(position, forKey: key) {
                    throw .tensorInTwoShards(
                        tensor: name, shards: [shardNames[other], shardNames[position]])
                }
                guard shardOfName[key] != nil else {
                    throw .unlistedTensor(tensor: name, shard: shardNames[position])
                }
            }
        }
        for (key, position) in shardOfName where found[key] != position {
            throw .absentTensor(tensor: key.name, shard: shardNames[position])
        }
        if let totalByteCount, !byteCounts.contains(totalByteCount) {
            throw .wrongTotalSize(expected: totalByteCount, found: byteCounts.first ?? 0)
        }
    }
}

/// Finds the files of an index, and no others.
struct ShardPaths {
    typealias Reason = ShardedSafetensorsError.Reason

    private let folder: String
    private let root: String
    private let index: String

    /// Links must not lead out of `root`, by default the index's folder.
    init(indexPath: String, root: String?) throws(Reason) {
        folder = indexPath.parentFolder
        self.root = try Self.resolved(root ?? folder)
        index = try Self.resolved(indexPath)
    }

    /// The path of a file, all links followed.
    func resolve(_ name: String) throws(Reason) -> String {
        guard Self.isSafe(name) else { throw .unsafeShardName(name) }
        let resolved: String
        do throws(Reason) {
            resolved = try Self.resolved(folder + "/" + name)
        } catch {
            throw .missingShard(name)
        }
        guard resolved.utf8.starts(with: (root == "/" ? root : root + "/").utf8) else {
            throw .linkLeavesRoot(shard: name, target: resolved, root: root)
        }
        guard !resolved.hasSameBytes(as: index) else { throw .namesItself }
        var status = stat()
        guard stat(resolved, &status) == 0 else { throw .missingShard(name) }
        // A pipe would block whoever opens it, and opening a device may do anything.
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegularFile(name) }
        return resolved
    }

    /// Whether a name stays below the folder that it is looked up in, on every system.
    private static func isSafe(_ name: String) -> Bool {
        let components = name.utf8.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return components.allSatisfy { component in
            !component.isEmpty && !component.elementsEqual(".".utf8)
                && !component.elementsEqual("..".utf8)
                && !component.contains { $0 == 0 || $0 == UInt8(ascii: "\\") }
        }
    }

    private static func resolved(_ path: String) throws(Reason) -> String {
        guard let resolved = realpath(path, nil) else {
            throw .unreadableIndex(
                .unreadable(FileError(operation: "find", path: path, code: errno)))
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
