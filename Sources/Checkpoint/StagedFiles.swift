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

    /// - Parameter folder: An existing folder.
    /// - Throws: ``FileError`` if it is not writable.
    package init(in folder: String) throws(FileError) {
        self.folder = folder
        path = folder + "/" + incompleteName()
        let made = path
        guard uninterrupted({ SystemCalls.current.makeFolder(made) }) == 0 else {
            throw FileError(operation: "make the folder", path: path, code: errno)
        }
    }

    /// Moves the files to their places, with those of folders in it.
    ///
    /// - Parameters:
    ///   - last: The file without which the others are not read.
    ///   - stale: Files that go if they are not among the new ones, because they would be read in their
    ///     place.
    /// - Throws: ``FileError``. If it is that of a renaming, or of what comes after, `last` may be missing.
    package consuming func commit(last: String, replacing stale: [String] = []) throws(FileError) {
        var names: [String] = []
        for name in try SnapshotFolder.names(in: path) {
            guard let inner = SystemCalls.current.list(path + "/" + name) else {
                names.append(name)
                continue
            }
            names += inner.map { name + "/" + $0 }
            let target = folder + "/" + name
            guard uninterrupted({ SystemCalls.current.makeFolder(target) }) == 0 || errno == EEXIST
            else { throw FileError(operation: "make the folder", path: target, code: errno) }
        }
        try AtomicFile.remove(folder + "/" + last)
        for name in stale where !names.contains(name) { try AtomicFile.remove(folder + "/" + name) }
        for name in names where name != last { try move(name) }
        for inner in Set(names.filter { $0.contains("/") }.map(\.parentFolder)) {
            try AtomicFile.flushFolder(folder + "/" + inner)
        }
        try AtomicFile.flushFolder(folder)
        try move(last)
        try AtomicFile.flushFolder(folder)
    }

    private func move(_ name: String) throws(FileError) {
        let (old, new) = (path + "/" + name, folder + "/" + name)
        guard uninterrupted({ SystemCalls.current.rename(old, new) }) == 0 else {
            throw FileError(operation: "rename a temporary file to", path: new, code: errno)
        }
    }

    /// Removes what has not been moved.
    deinit {
        let code = errno
        for name in SystemCalls.current.list(path) ?? [] {
            let entry = path + "/" + name
            if SystemCalls.current.remove(entry) != 0 { try? SnapshotFolder.removeFiles(of: entry) }
        }
        _ = SystemCalls.current.removeFolder(path)
        errno = code
    }
}
