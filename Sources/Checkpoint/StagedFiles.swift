package import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files that take the place of an earlier set of them in a folder.
///
/// They are written beside it, so that a full disk leaves the earlier set as it was, and moved when the disk
/// has all of them. The file that makes the set readable goes first and comes last: a set is whole, or is
/// refused, and never one file of this and another of that.
package struct StagedFiles: ~Copyable {
    /// Where the files are to be written.
    package let path: String
    private let folder: String
    /// Whether what is left goes with this value.
    private var isTemporary = true

    /// - Parameter folder: An existing folder.
    /// - Throws: ``FileError`` if it is not writable.
    package init(in folder: String) throws(FileError) {
        self.folder = folder
        path = folder + "/.saving-" + String(UInt64.random(in: .min ... .max), radix: 16)
        let made = path
        guard uninterrupted({ SystemCalls.current.makeFolder(made) }) == 0 else {
            throw FileError(operation: "make the folder", path: path, code: errno)
        }
    }

    /// Moves the files to their places, with the folders that they are in.
    ///
    /// - Parameters:
    ///   - last: The file without which the others are not read.
    ///   - alternatives: Files that are read in each other's place: where one of them is new, the others of
    ///     the earlier set go.
    /// - Throws: ``FileError``. If it says where the new files are, they are whole there, and `last` may
    ///   be missing in the folder.
    package consuming func commit(
        last: String, alternatives: [String] = []
    ) throws(FileError) {
        let (files, folders) = try content()
        for name in folders {
            let target = folder + "/" + name
            // A file in a folder's place would be noticed when the earlier set is gone.
            guard
                uninterrupted({ SystemCalls.current.makeFolder(target) }) == 0
                    || SystemCalls.current.list(target) != nil
            else { throw FileError(operation: "make the folder", path: target, code: errno) }
        }
        let stale = files.contains { alternatives.contains($0) } ? alternatives : []
        isTemporary = false
        do throws(FileError) {
            try AtomicFile.remove(folder + "/" + last)
            for name in stale where !files.contains(name) {
                try AtomicFile.remove(folder + "/" + name)
            }
            for name in files where name != last { try move(name) }
            for name in folders { try AtomicFile.flushFolder(folder + "/" + name) }
            try AtomicFile.flushFolder(folder)
            try move(last)
            try AtomicFile.flushFolder(folder)
        } catch {
            throw FileError(
                operation: error.operation, path: error.path,
                reason:
                    "\(String(cString: strerror(error.code))); the new files that are not there "
                    + "yet are in '\(path)', move them by hand, '\(last)' last")
        }
        isTemporary = true
    }

    /// The files and folders, by their paths from here; a folder comes before what is in it.
    private func content() throws(FileError) -> (files: [String], folders: [String]) {
        var (files, folders): ([String], [String]) = ([], [])
        var rest = try SnapshotFolder.names(in: path)
        while let name = rest.popLast() {
            guard let inner = SystemCalls.current.list(path + "/" + name) else {
                guard errno == ENOTDIR else {
                    throw FileError(operation: "list", path: path + "/" + name, code: errno)
                }
                files.append(name)
                continue
            }
            folders.append(name)
            rest += inner.map { name + "/" + $0 }
        }
        return (files, folders)
    }

    private func move(_ name: String) throws(FileError) {
        let (old, new) = (path + "/" + name, folder + "/" + name)
        guard uninterrupted({ SystemCalls.current.rename(old, new) }) == 0 else {
            throw FileError(operation: "rename a temporary file to", path: new, code: errno)
        }
    }

    /// Removes what has not been moved.
    deinit {
        guard isTemporary else { return }
        let code = errno
        try? SnapshotFolder.removeAll(path)
        errno = code
    }
}
