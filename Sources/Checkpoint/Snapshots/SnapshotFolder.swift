import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One snapshot as a folder of files: `manifest.json`, `state.json` and `tensors.safetensors`.
///
/// It appears under its name whole, or not at all: a temporary folder is filled and every file in it
/// flushed to the disk, the manifest last; then the folder is flushed, renamed, and the folder around
/// it flushed. After a loss of power at any moment the name stands for a whole snapshot or for nothing.
enum SnapshotFolder {
    /// Writes a snapshot.
    ///
    /// - Parameters:
    ///   - content: What it holds.
    ///   - path: The folder, which does not exist yet. The one around it does.
    /// - Returns: The bytes of its files.
    /// - Throws: ``SnapshotError``. If the last flush failed, the folder has appeared but might not
    ///   outlast a loss of power; in every other case nothing is left behind.
    static func write(_ content: SnapshotContent, to path: String) throws(SnapshotError) -> Int {
        let parts: SafetensorsFile.Parts
        do throws(SafetensorsError) {
            parts = try SafetensorsFile.Parts(of: content.tensorsToWrite, path: path)
        } catch {
            throw .unsuitableTensors(error)
        }
        let temporary = path.parentFolder + "/" + incompleteName()
        do throws(FileError) {
            guard uninterrupted({ SystemCalls.current.makeFolder(temporary) }) == 0 else {
                throw FileError(operation: "make the folder", path: path, code: errno)
            }
            let byteCount = try fill(temporary, with: content, parts)
            try AtomicFile.flushFolder(temporary)
            guard uninterrupted({ SystemCalls.current.rename(temporary, path) }) == 0 else {
                throw FileError(
                    operation: "rename a temporary folder to", path: path, code: errno)
            }
            try AtomicFile.flushFolder(path.parentFolder)
            return byteCount
        } catch {
            // After the renaming there is nothing under the temporary name.
            try? removeFiles(of: temporary)
            throw .file(error)
        }
    }

    private static func fill(
        _ folder: String, with content: SnapshotContent, _ parts: SafetensorsFile.Parts
    ) throws(FileError) -> Int {
        let entries = [
            try writeFile(SnapshotContent.tensorsFile, in: folder) { write throws(FileError) in
                try parts.forEach(write)
            },
            try writeFile(SnapshotContent.fieldsFile, in: folder) { write throws(FileError) in
                try content.fieldsFile.withUnsafeBufferPointer { bytes throws(FileError) in
                    try write(UnsafeRawBufferPointer(bytes))
                }
            },
        ]
        let manifest = SnapshotManifest(entries: entries).bytes
        _ = try writeFile(SnapshotManifest.fileName, in: folder) { write throws(FileError) in
            try manifest.withUnsafeBufferPointer { bytes throws(FileError) in
                try write(UnsafeRawBufferPointer(bytes))
            }
        }
        return entries.reduce(manifest.count) { $0 + $1.byteCount }
    }

    private static func writeFile(
        _ name: String, in folder: String,
        _ body: ((UnsafeRawBufferPointer) throws(FileError) -> Void) throws(FileError) -> Void
    ) throws(FileError) -> SnapshotManifest.Entry {
        var file = try NewFile(folder + "/" + name)
        var digest = Digest()
        try body { (bytes) throws(FileError) in
            try file.write(bytes)
            digest.add(bytes)
        }
        let count = file.byteCount
        try file.finish()
        return SnapshotManifest.Entry(name: name, byteCount: count, digest: digest.text)
    }

    /// Removes a snapshot. Its name goes first, and for good, so that no loss of power leaves a part
    /// of it under that name.
    static func remove(_ path: String) throws(FileError) {
        let temporary = path.parentFolder + "/" + incompleteName()
        guard uninterrupted({ SystemCalls.current.rename(path, temporary) }) == 0 else {
            throw FileError(operation: "remove", path: path, code: errno)
        }
        try AtomicFile.flushFolder(path.parentFolder)
        try removeFiles(of: temporary)
    }

    /// The names in a folder, in no order.
    static func names(in folder: String) throws(FileError) -> [String] {
        while true {
            if let names = SystemCalls.current.list(folder) { return names }
            guard errno == EINTR else {
                throw FileError(operation: "list", path: folder, code: errno)
            }
        }
    }

    /// Removes a file, or a folder with all that is in it.
    static func removeAll(_ path: String) throws(FileError) {
        // Of a folder this fails, of a link to one it does not.
        if uninterrupted({ SystemCalls.current.remove(path) }) == 0 { return }
        guard errno == EISDIR || errno == EPERM else {
            throw FileError(operation: "remove", path: path, code: errno)
        }
        for name in try names(in: path) { try removeAll(path + "/" + name) }
        guard uninterrupted({ SystemCalls.current.removeFolder(path) }) == 0 else {
            throw FileError(operation: "remove", path: path, code: errno)
        }
    }

    /// Removes a folder of files.
    static func removeFiles(of folder: String) throws(FileError) {
        for name in try names(in: folder) {
            let path = folder + "/" + name
            guard uninterrupted({ SystemCalls.current.remove(path) }) == 0 else {
                throw FileError(operation: "remove", path: path, code: errno)
            }
        }
        guard uninterrupted({ SystemCalls.current.removeFolder(folder) }) == 0 else {
            throw FileError(operation: "remove", path: folder, code: errno)
        }
    }
}
