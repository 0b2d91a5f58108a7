public import Tensor

extension ShardedSafetensors {
    /// Writes tensors into a folder in the Hugging Face layout: as `model.safetensors` if they fit
    /// in one file, and otherwise as `model-00001-of-00002.safetensors` and so on with
    /// `model.safetensors.index.json`.
    ///
    /// The files appear when the disk has all of them, the index last. What an earlier call left under
    /// these names stays until then, and is replaced or removed; an old index goes first, so that an
    /// interrupted call never leaves an index whose files are of two models. What it has written is then
    /// in a folder `.saving-…`.
    ///
    /// - Parameters:
    ///   - tensors: The tensors. They fill the files in this order.
    ///   - metadata: Texts to keep in every file, such as `["format": "pt"]`. Every value must be
    ///     a string.
    ///   - folder: An existing folder.
    ///   - shardByteLimit: The most bytes of tensors in one file, 5 GB by default as in
    ///     Transformers. A larger tensor has a file of its own.
    /// - Returns: The path of the file or index to open.
    /// - Throws: ``SafetensorsError``.
    @discardableResult
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], metadata: JSON.Object = [:],
        inFolder folder: String, shardByteLimit: Int = 5_000_000_000
    ) throws(SafetensorsError) -> String {
        let shards = distribute(tensors, shardByteLimit: shardByteLimit)
        let singlePath = folder + "/model.safetensors"
        let indexPath = folder + "/" + indexName
        try checkNames(tensors, path: indexPath)
        guard shards.count > 1 else {
            try SafetensorsFile.write(tensors, metadata: metadata, to: singlePath)
            try remove([indexPath])
            try removeShards(inFolder: folder, except: 0)
            return singlePath
        }
        let files: StagedFiles
        do throws(FileError) {
            files = try StagedFiles(in: folder)
        } catch {
            throw SafetensorsError(path: indexPath, reason: .unwritable(error))
        }
        try write(shards, metadata: metadata, into: files.path, for: folder)
        do throws(FileError) {
            let byteCount = tensors.reduce(0) { $0 + $1.tensor.byteCount }
            try AtomicFile.write(
                index(of: shards, byteCount: byteCount).serialized(pretty: true) + "\n",
                to: files.path + "/" + indexName)
            try files.commit(last: indexName)
        } catch {
            throw SafetensorsError(path: indexPath, reason: .unwritable(error))
        }
        try remove([singlePath])
        try removeShards(inFolder: folder, except: shards.count)
        return indexPath
    }

    private static let indexName = "model.safetensors.index.json"

    /// Writes the files of a set. Errors name them as they will be called.
    private static func write(
        _ shards: [[(name: String, tensor: Tensor)]], metadata: JSON.Object, into place: String,
        for folder: String
    ) throws(SafetensorsError) {
        for (number, shard) in shards.enumerated() {
            let name = "/" + shardName(number + 1, of: shards.count)
            do throws(SafetensorsError) {
                try SafetensorsFile.write(shard, metadata: metadata, to: place + name)
            } catch {
                var reason = error.reason
                if case .unwritable(let cause) = reason, cause.code != 0 {
                    reason = .unwritable(
                        FileError(
                            operation: cause.operation, path: folder + name, code: cause.code))
                }
                throw SafetensorsError(path: folder + name, reason: reason)
            }
        }
    }

    private static func index(
        of shards: [[(name: String, tensor: Tensor)]], byteCount: Int
    ) -> JSON {
        var map: [(key: String, value: JSON)] = []
        for (number, shard) in shards.enumerated() {
            let name = shardName(number + 1, of: shards.count)
            map += shard.map { ($0.name, .string(name)) }
        }
        map.sort { $0.key.precedesInBytes($1.key) }
        return [
            "metadata": ["total_size": JSON(byteCount)],
            "weight_map": .object(JSON.Object(map)),
        ]
    }

    /// Fills files in order; each has at least one tensor.
    private static func distribute(
        _ tensors: [(name: String, tensor: Tensor)], shardByteLimit: Int
    ) -> [[(name: String, tensor: Tensor)]] {
        var shards: [[(name: String, tensor: Tensor)]] = [[]]
        var byteCount = 0
        for tensor in tensors {
            let added = tensor.tensor.byteCount
            if byteCount + added > shardByteLimit, !shards[shards.count - 1].isEmpty {
                shards.append([])
                byteCount = 0
            }
            shards[shards.count - 1].append(tensor)
            byteCount += added
        }
        return shards
    }

    /// Two files may each be right where their set is not.
    private static func checkNames(
        _ tensors: [(name: String, tensor: Tensor)], path: String
    ) throws(SafetensorsError) {
        var names: Set<ByteKey> = []
        for (name, _) in tensors where !names.insert(ByteKey(name)).inserted {
            throw SafetensorsError(path: path, reason: .unsuitableTensors(.duplicateName(name)))
        }
    }

    private static func shardName(_ number: Int, of count: Int) -> String {
        func digits(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(5 - digits.count, 0)) + digits
        }
        return "model-\(digits(number))-of-\(digits(count)).safetensors"
    }

    /// Removes the files of earlier sets of other sizes than `count`.
    private static func removeShards(
        inFolder folder: String, except count: Int
    ) throws(SafetensorsError) {
        let names: [String]
        do throws(FileError) {
            names = try SnapshotFolder.names(in: folder)
        } catch {
            throw SafetensorsError(path: folder, reason: .unwritable(error))
        }
        var stale: [String] = []
        for name in names {
            let parts = name.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 4, let number = Int(parts[1]),
                let total = parts[3].split(separator: ".").first.flatMap({ Int($0) }),
                total != count, name == shardName(number, of: total)
            else { continue }
            stale.append(folder + "/" + name)
        }
        try remove(stale)
    }

    private static func remove(_ paths: [String]) throws(SafetensorsError) {
        for path in paths {
            do throws(FileError) {
                try AtomicFile.remove(path)
            } catch {
                throw SafetensorsError(path: path, reason: .unwritable(error))
            }
        }
    }
}
