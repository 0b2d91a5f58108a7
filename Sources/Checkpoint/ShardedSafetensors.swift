public import Tensor

/// Tensors spread over several safetensors files, with an index that says which file holds which:
/// the `model.safetensors.index.json` of the Hugging Face layout.
///
/// The set is accepted whole or refused: index and files must agree in every name and in the total
/// size, and no file outside the folder is opened.
public struct ShardedSafetensors: NamedTensors {
    /// The path of the index.
    public let path: String
    /// The files, in the order in which the index first names them.
    public let shards: [SafetensorsFile]
    /// What the index says under `metadata`; empty if it says nothing.
    public let metadata: JSON.Object

    private let shardOfName: [ByteKey: Int]

    /// Opens an index and all of its files, and checks that they agree.
    ///
    /// - Parameters:
    ///   - indexPath: The index. Its files lie in its folder.
    ///   - root: The folder that links among the files must not lead out of; by default the
    ///     index's own. A hub cache links into a folder beside: give the folder of both.
    /// - Throws: ``ShardedSafetensorsError``.
    public init(
        indexPath: String, root: String? = nil
    ) throws(ShardedSafetensorsError) {
        do throws(ShardedSafetensorsError.Reason) {
            let index = try ShardIndex(path: indexPath)
            let paths = try ShardPaths(indexPath: indexPath, root: root)
            var shards: [SafetensorsFile] = []
            for name in index.shardNames {
                let path = try paths.resolve(name)
                do throws(SafetensorsError) {
                    shards.append(try SafetensorsFile(path: path))
                } catch {
                    throw .invalidShard(error)
                }
            }
            // Each file's bytes are counted in `Int`, and as many files as would overflow the sum
            // cannot be mapped at once.
            let byteCount = shards.reduce(0) { total, shard in
                shard.entries.reduce(total) { $0 + $1.byteRange.count }
            }
            try index.check(against: shards.map(\.names), totalByteCounts: [byteCount])
            (self.path, self.shards, self.metadata) = (indexPath, shards, index.metadata)
            shardOfName = index.shardOfName
        } catch {
            throw ShardedSafetensorsError(path: indexPath, reason: error)
        }
    }

    /// The tensors' names, file by file in the order of their bytes.
    public var names: [String] { shards.flatMap(\.names) }

    /// The shape of a tensor, or nil if there is none of that name.
    public func shape(of name: String) -> Tensor.Shape? { shard(of: name)?.shape(of: name) }

    /// The element type of a tensor, or nil if there is none of that name or a ``Tensor`` cannot
    /// hold it.
    public func dtype(of name: String) -> Tensor.DType? { shard(of: name)?.dtype(of: name) }

    /// The tensor of that name, a view of its mapped file, or nil if there is none.
    ///
    /// - Throws: ``UnsupportedElementType`` if a ``Tensor`` cannot hold its elements.
    public func tensor(named name: String) throws(UnsupportedElementType) -> Tensor? {
        try shard(of: name)?.tensor(named: name)
    }

    private func shard(of name: String) -> SafetensorsFile? {
        shardOfName[ByteKey(name)].map { shards[$0] }
    }
}
