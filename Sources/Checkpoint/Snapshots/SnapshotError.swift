public import Tensor

/// Snapshots that cannot be written or read: what is wrong, and what to do.
public enum SnapshotError: Error, Hashable, CustomStringConvertible {
    /// The system refused to read or write. What was written before is as it was.
    case file(FileError)
    /// A snapshot is not as it was written.
    case damaged(path: String, Damage)
    /// None of a folder's snapshots is intact.
    case nothingIntact(folder: String, [SnapshotError])
    /// Another run writes its snapshots there.
    case folderInUse(String)
    /// A run was to begin where there are snapshots of another one.
    case folderHoldsSnapshots(String, newest: String)
    /// Numbers are infinite or none, so that there is nothing worth keeping.
    case nonFinite(tensor: String)
    /// The tensors cannot be put into a file.
    case unsuitableTensors(SafetensorsError)

    /// What is wrong with a snapshot.
    public enum Damage: Error, Hashable, CustomStringConvertible {
        /// The manifest is missing, which is the last file to be written.
        case noManifest
        /// The manifest cannot be used.
        case manifest(String)
        /// The manifest lists other files than a snapshot has.
        case files([String])
        /// A file has another size than the manifest says, or is missing or no file.
        case size(file: String, expected: Int, found: Int?)
        /// The bytes of a file have another SHA-256 than the manifest says.
        case digest(file: String, expected: String, found: String)
        /// The bytes are those that were written, but make no sense.
        case content(String)

        /// What is wrong.
        public var description: String {
            switch self {
            case .noManifest: "it has no manifest"
            case .manifest(let reason): "its manifest cannot be used: \(reason)"
            case .files(let names): "its manifest lists the files \(names.joined(separator: ", "))"
            case .size(let file, let expected, let found?):
                "\(file) has \(found) bytes in place of \(expected)"
            case .size(let file, _, nil): "\(file) is missing"
            case .digest(let file, let expected, let found):
                "\(file) has the SHA-256 \(found) in place of \(expected)"
            case .content(let reason): reason
            }
        }
    }

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .file(let error): error.description
        case .damaged(let path, let damage): "the snapshot '\(path)' is damaged: \(damage)"
        case .nothingIntact(let folder, let errors):
            "no snapshot in '\(folder)' is intact: "
                + errors.map(\.description).joined(separator: "; ")
                + ". Restore one from a copy, or remove them to begin anew"
        case .folderInUse(let folder):
            "another run keeps its snapshots in '\(folder)'; wait until it ends, or choose another "
                + "folder"
        case .folderHoldsSnapshots(let folder, let newest):
            "'\(folder)' holds snapshots of a run, the newest being \(newest); go on with it by "
                + "Trainer(resuming:), choose another folder, or remove them"
        case .nonFinite(let tensor):
            "'\(tensor)' holds numbers that are infinite or none; such a snapshot is not written"
        case .unsuitableTensors(let error): error.description
        }
    }
}
