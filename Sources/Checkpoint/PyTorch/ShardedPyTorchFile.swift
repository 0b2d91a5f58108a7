public import Tensor

/// Tensors spread over several files of PyTorch, with an index that says which file holds which: the
/// `pytorch_model.bin.index.json` of the Hugging Face layout.
///
/// The set is accepted whole or refused, as ``ShardedSafetensors`` is.
public struct ShardedPyTorchFile: NamedTensors {
    /// The path of the index.
    public let path: String
    /// The files, in the order in which the index first names them.
    public let shards: [PyTorchFile]
    /// What the index says under `metadata`; empty if it says nothing.
    public let metadata: JSON.Object

    private let shardOfName: [ByteKey: Int]

    /// Opens an index and all of its files, and checks that they agree.
    ///
    /// - Parameters:
    ///   - indexPath: The index. Its files lie in its folder.
    ///   - root: The folder that links among the files must not lead out of; by default the
    ///     index's own.
    ///   - verifyingChecksums: Whether to compare the numbers with their checksums.
    /// - Throws: ``ShardedSafetensorsError``.
    public init(
        indexPath: String, root: String? = nil, verifyingChecksums: Bool = true
    ) throws(ShardedSafetensorsError) {
        do throws(ShardedSafetensorsError.Reason) {
            let index = try ShardIndex(path: indexPath)
            let paths = try ShardPaths(indexPath: indexPath, root: root)
            var shards: [PyTorchFile] = []
            for name in index.shardNames {
                let path = try paths.resolve(name)
                do throws(PyTorchFileError) {
                    shards.append(
                        try PyTorchFile(path: path, verifyingChecksums: verifyingChecksums))
                } catch {
                    throw .invalidPyTorchShard(error)
                }
            }
            try index.check(
                against: shards.map(\.names), totalByteCounts: Self.totalByteCounts(shards))
            (self.path, self.shards, self.metadata) = (indexPath, shards, index.metadata)
            shardOfName = index.shardOfName
        } catch {
            throw ShardedSafetensorsError(path: indexPath, reason: error)
        }
    }

    /// The sizes that an index may give: writers count tensors that share their numbers once, or
    /// each. A size that cannot be counted is none that an index could give.
    private static func totalByteCounts(_ shards: [PyTorchFile]) -> [Int] {
        var (all, distinct): (Int?, Int?) = (0, 0)
        func sum(_ total: Int?, _ entry: PyTorchFile.Entry) -> Int? {
            guard let total else { return nil }
            // The product was checked when the file was opened.
            let byteCount = entry.shape.elementCount * entry.type.byteCount
            let (sum, overflow) = total.addingReportingOverflow(byteCount)
            return overflow ? nil : sum
        }
        for shard in shards {
            var storages: Set<ByteKey> = []
            for entry in shard.entries {
                all = sum(all, entry)
                guard storages.insert(ByteKey(entry.storage)).inserted else { continue }
                distinct = sum(distinct, entry)
            }
        }
        return [all, distinct].compactMap { $0 }
    }

    /// The tensors' names, file by file in the order of their bytes.
    public var names: [String] { shards.flatMap(\.names) }

    /// The shape of a tensor, or nil if there is none of that name.
    public func shape(of name: String) -> Tensor.Shape? { shard(of: name)?.shape(of: name) }

    /// The element type of a tensor, or nil if there is none of that name or a ``Tensor`` cannot
    /// hold it.
    public func dtype(of name: String) -> Tensor.DType? { shard(of: name)?.dtype(of: name) }

    /// The tensor of that name, or nil if there is none.
    ///
    /// - Throws: ``UnsupportedElementType`` if a ``Tensor`` cannot hold its elements.
    public func tensor(named name: String) throws(UnsupportedElementType) -> Tensor? {
        try shard(of: name)?.tensor(named: name)
    }

    private func shard(of name: String) -> PyTorchFile? {
        shardOfName[ByteKey(name)].map { shards[$0] }
    }
}
