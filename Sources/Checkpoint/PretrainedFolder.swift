public import Layers
public import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A folder in the layout of Hugging Face: `config.json`, the weights, the tokenizer's files, and
/// what sentence-transformers adds.
public struct PretrainedFolder: Sendable {
    /// The folder.
    public let path: String
    /// The content of `config.json`.
    public let configuration: JSON
    /// The tensors of `model.safetensors`, or of the files that `model.safetensors.index.json` lists;
    /// if there is neither, of `pytorch_model.bin` or the files of its index.
    public let tensors: any NamedTensors

    /// Opens a folder: reads its configuration and maps its weights.
    ///
    /// - Throws: ``PretrainedFolderError`` if a part is missing or unreadable.
    public init(path: String) throws(PretrainedFolderError) {
        self.path = path
        guard Self.kind(of: path) == .folder else {
            throw Self.kind(of: path) == .missing ? .missingFolder(path) : .notAFolder(path)
        }
        configuration = try Self.json("config.json", in: path, orThrow: .missingConfiguration(path))
        tensors = try Self.weights(in: path)
        // Whoever saves a model over another removes this file first and adds it last.
        guard
            try Self.json("config.json", in: path, orThrow: .missingConfiguration(path))
                == configuration
        else {
            throw Self.changed(path)
        }
    }

    static func changed(_ path: String) -> PretrainedFolderError {
        .unreadable(
            "'\(path)' was changed while it was opened: something else was saved there; open it again"
        )
    }

    private static func weights(
        in path: String
    ) throws(PretrainedFolderError) -> any NamedTensors {
        let single = "\(path)/model.safetensors"
        let index = "\(path)/model.safetensors.index.json"
        let pickled = "\(path)/pytorch_model.bin"
        let pickledIndex = "\(path)/pytorch_model.bin.index.json"
        do {
            if kind(of: single) == .file { return try SafetensorsFile(path: single) }
            if kind(of: index) == .file {
                return try ShardedSafetensors(indexPath: index, root: hubCache(around: path))
            }
            if kind(of: pickled) == .file { return try PyTorchFile(path: pickled).modelTensors() }
            if kind(of: pickledIndex) == .file {
                return try ShardedPyTorchFile(
                    indexPath: pickledIndex, root: hubCache(around: path))
            }
        } catch {
            throw .unreadable("\(error)")
        }
        let others = ["tf_model.h5", "flax_model.msgpack"]
        throw .missingWeights(
            path, found: others.filter { kind(of: "\(path)/\($0)") == .file })
    }

    /// The folder of a model in Hugging Face's cache, if `path` is a revision in it: the files of
    /// `snapshots/<revision>` are links to those of `blobs` beside it.
    private static func hubCache(around path: String) -> String? {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        while parts.count > 1, parts.last?.isEmpty == true { parts.removeLast() }
        guard parts.count >= 2, parts[parts.count - 2] == "snapshots" else { return nil }
        let cache = parts.dropLast(2).joined(separator: "/")
        let root = cache.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : cache
        return kind(of: root + "/blobs") == .folder ? root : nil
    }

    /// The content of one of the folder's JSON files, or nil if there is no such file.
    ///
    /// - Throws: ``PretrainedFolderError`` if the file is there but cannot be read.
    public func json(_ name: String) throws(PretrainedFolderError) -> JSON? {
        guard has(name) else { return nil }
        return try Self.json(name, in: path, orThrow: .missingConfiguration(path))
    }

    /// Whether the folder has a file of that name.
    public func has(_ name: String) -> Bool { Self.kind(of: "\(path)/\(name)") == .file }

    private static func json(
        _ name: String, in folder: String, orThrow missing: PretrainedFolderError
    ) throws(PretrainedFolderError) -> JSON {
        guard kind(of: "\(folder)/\(name)") == .file else { throw missing }
        do {
            return try JSON(contentsOf: "\(folder)/\(name)")
        } catch {
            throw .unreadable("\(error)")
        }
    }

    enum Kind { case missing, file, folder, other }

    static func kind(of path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .missing }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        default: .other
        }
    }
}

/// A pretrained model's folder that cannot be used: what is wrong and what to do.
public enum PretrainedFolderError: Error, Hashable, CustomStringConvertible {
    /// There is nothing at the path.
    case missingFolder(String)
    /// The path leads to a file.
    case notAFolder(String)
    /// The folder has no `config.json`.
    case missingConfiguration(String)
    /// The folder has no weights in a format that is read; these others lie there.
    case missingWeights(String, found: [String])
    /// A file of the folder cannot be read or is malformed.
    case unreadable(String)
    /// `config.json` describes a kind of model that this library does not know.
    case unsupportedKind(String, found: String, supported: [String])
    /// `config.json` lacks a setting, or it has an impossible value.
    case unusableSetting(String, key: String, expected: String, found: String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .missingFolder(let path):
            "there is no folder '\(path)'; give the folder that holds the model's config.json"
        case .notAFolder(let path):
            "'\(path)' is not a folder; give the folder that holds the model's config.json"
        case .missingConfiguration(let path):
            "the folder '\(path)' has no config.json; give a folder in the layout of Hugging Face, "
                + "with config.json, model.safetensors and the tokenizer's files"
        case .missingWeights(let path, let found):
            "the folder '\(path)' has neither model.safetensors nor pytorch_model.bin"
                + (found.isEmpty
                    ? ""
                    : "; it has \(found.joined(separator: ", ")), which this library does not read: "
                        + "convert the weights to safetensors")
        case .unreadable(let reason): reason
        case .unsupportedKind(let path, let found, let supported):
            "'\(path)/config.json' describes a model of the type \(found); supported are: "
                + supported.joined(separator: ", ")
        case .unusableSetting(let path, let key, let expected, let found):
            "'\(path)/config.json' should have \(expected) as '\(key)', but has \(found)"
        }
    }
}

/// The tensors of a checkpoint under the names that the architecture gives them: a checkpoint may
/// put a prefix before the backbone's names (`bert.encoder…`), and old ones call the parameters of a
/// normalisation `gamma` and `beta`.
public struct BackboneTensors: ParameterProvider, Sendable {
    private let tensors: any NamedTensors
    /// What the checkpoint puts before the backbone's names: `bert.` or nothing.
    public let prefix: String

    /// The tensors of a backbone whose publisher's prefix is `prefix`, used or not.
    public init(_ tensors: any NamedTensors, prefix: String) {
        self.tensors = tensors
        self.prefix = tensors.names.contains { $0.utf8.starts(with: prefix.utf8) } ? prefix : ""
    }

    /// The name that the checkpoint has for an architecture's name, or nil if it has none.
    public func storedName(_ name: String) -> String? {
        for candidate in [prefix + name, name] {
            if tensors.shape(of: candidate) != nil { return candidate }
            for (new, old) in [(".weight", ".gamma"), (".bias", ".beta")]
            where candidate.hasSuffix("LayerNorm" + new) {
                let renamed = String(candidate.dropLast(new.count)) + old
                if tensors.shape(of: renamed) != nil { return renamed }
            }
        }
        return nil
    }

    /// The tensor that the architecture calls `name`, or nil if there is none.
    public func tensor(named name: String) throws -> Tensor? {
        try storedName(name).flatMap { try tensors.tensor(named: $0) }
    }

    /// The checkpoint's name that is the most similar to the one where the tensor should be.
    public func nearestName(to name: String) -> String? {
        tensors.nearestName(to: prefix + name) ?? tensors.nearestName(to: name)
    }
}
