/// A set of safetensors files, or of PyTorch's, that cannot be read or written: which index, and why.
public struct ShardedSafetensorsError: Error, Hashable, CustomStringConvertible {
    /// The index.
    public let path: String
    /// Why.
    public let reason: Reason

    /// The message, with the path.
    public var description: String {
        switch reason {
        case .unreadableIndex(let error): error.description
        case .invalidShard(let error): error.description
        case .invalidPyTorchShard(let error): error.description
        default: "the index '\(path)' and its files do not agree: \(reason)"
        }
    }

    /// What is wrong with an index or its files.
    public enum Reason: Error, Hashable, CustomStringConvertible {
        /// The index could not be read, is not JSON or repeats a key.
        case unreadableIndex(JSON.ReadError)
        /// The index has no object `weight_map`.
        case missingWeightMap
        /// What stands under a tensor's name is not the name of a file.
        case shardNotString(tensor: String, found: String)
        /// `total_size` is no number of bytes.
        case invalidTotalSize(found: String)
        /// The name of a file is empty, absolute, goes up, or contains a backslash or NUL.
        case unsafeShardName(String)
        /// A link leads out of the folder that files may lie in.
        case linkLeavesRoot(shard: String, target: String, root: String)
        /// The index names itself as a file of tensors.
        case namesItself
        /// A file is missing.
        case missingShard(String)
        /// A file is a folder, a pipe or a device.
        case notRegularFile(String)
        /// A file is not valid by itself.
        case invalidShard(SafetensorsError)
        /// A file of PyTorch is not valid by itself.
        case invalidPyTorchShard(PyTorchFileError)
        /// A tensor is not in the file that the index names.
        case absentTensor(tensor: String, shard: String)
        /// A file has a tensor that the index does not list.
        case unlistedTensor(tensor: String, shard: String)
        /// Two files have a tensor of the same name.
        case tensorInTwoShards(tensor: String, shards: [String])
        /// The tensors take another number of bytes than the index says.
        case wrongTotalSize(expected: Int, found: Int)

        /// What is wrong, where.
        public var description: String {
            switch self {
            case .unreadableIndex(let error): error.description
            case .missingWeightMap: "it has no object 'weight_map'"
            case .shardNotString(let tensor, let found):
                "what stands under '\(tensor)' is \(found), not the name of a file"
            case .invalidTotalSize(let found): "'total_size' is \(found), not a number of bytes"
            case .unsafeShardName(let name):
                "it names the file '\(name)', which may lie outside of its folder"
            case .linkLeavesRoot(let shard, let target, let root):
                "'\(shard)' links to '\(target)', outside of '\(root)'"
            case .namesItself: "it names itself as a file of tensors"
            case .missingShard(let shard):
                "the file '\(shard)' is missing; was its download interrupted?"
            case .notRegularFile(let shard): "'\(shard)' is not a regular file"
            case .invalidShard(let error): error.description
            case .invalidPyTorchShard(let error): error.description
            case .absentTensor(let tensor, let shard):
                "the tensor '\(tensor)' is not in '\(shard)'"
            case .unlistedTensor(let tensor, let shard):
                "the tensor '\(tensor)' in '\(shard)' is not listed"
            case .tensorInTwoShards(let tensor, let shards):
                "the tensor '\(tensor)' is in "
                    + shards.map { "'\($0)'" }.joined(separator: " and in ")
            case .wrongTotalSize(let expected, let found):
                "the tensors take \(found) bytes, not \(expected)"
            }
        }
    }
}
