public import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that appears under its name whole, or not at all.
///
/// The bytes go to a temporary file in the same folder. ``commit()`` flushes it to the disk,
/// renames it, and flushes the folder, so that a loss of power leaves either the old file or the
/// new one. Without ``commit()`` the temporary file is removed when this value goes.
public struct AtomicFile: ~Copyable {
    /// The name under which the file will appear. A link of that name is replaced, not followed.
    public let path: String
    /// How many bytes have been written.
    public var byteCount: Int { file.byteCount }

    private let folder: String
    private let temporaryPath: String
    private var file: NewFile
    private var temporaryExists = true

    /// Begins a file that will appear at `path`.
    ///
    /// - Throws: ``FileError`` if the folder is missing or not writable.
    public init(path: String) throws(FileError) {
        self.path = path
        folder = path.parentFolder
        temporaryPath = folder + "/" + incompleteName()
        file = try NewFile(temporaryPath, named: path)
    }

    /// Adds bytes at the end.
    ///
    /// - Throws: ``FileError``, for example if the disk is full.
    public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        try file.write(bytes)
    }

    /// Adds bytes at the end.
    ///
    /// - Throws: ``FileError``, for example if the disk is full.
    public mutating func write(_ bytes: [UInt8]) throws(FileError) {
        try bytes.withUnsafeBufferPointer { buffer throws(FileError) in
            try write(UnsafeRawBufferPointer(buffer))
        }
    }

    /// Lets the file appear under its name.
    ///
    /// - Throws: ``FileError``. If flushing the folder failed, the file has appeared but might not
    ///   outlast a loss of power; in every other case nothing has changed.
    public consuming func commit() throws(FileError) {
        try file.finish()
        let (old, new) = (temporaryPath, path)
        guard uninterrupted({ SystemCalls.current.rename(old, new) }) == 0 else {
            throw FileError(operation: "rename a temporary file to", path: path, code: errno)
        }
        temporaryExists = false
        try Self.flushFolder(folder)
    }

    deinit {
        let code = errno
        if temporaryExists { _ = SystemCalls.current.remove(temporaryPath) }
        errno = code
    }
}

/// A name that no other file has, and short, so that it is allowed wherever the final name is.
func incompleteName() -> String {
    incompletePrefix + String(UInt64.random(in: .min ... .max), radix: 16)
}

/// What names of unfinished files and folders begin with. The dot hides them.
let incompletePrefix = ".incomplete-"

extension AtomicFile {
    /// Writes a whole file, see ``AtomicFile``.
    ///
    /// - Throws: ``FileError``.
    public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        var file = try AtomicFile(path: path)
        try file.write(bytes)
        try file.commit()
    }

    /// Writes a whole file of UTF-8 text, see ``AtomicFile``.
    ///
    /// - Throws: ``FileError``.
    public static func write(_ text: String, to path: String) throws(FileError) {
        try write(Array(text.utf8), to: path)
    }

    /// Removes a file for good: its absence outlasts a loss of power. A file that is not there
    /// stays so.
    ///
    /// - Throws: ``FileError``.
    public static func remove(_ path: String) throws(FileError) {
        guard !path.utf8.contains(0) else {
            throw FileError(operation: "remove", path: path, code: EINVAL)
        }
        guard uninterrupted({ SystemCalls.current.remove(path) }) == 0 else {
            if errno == ENOENT { return }
            throw FileError(operation: "remove", path: path, code: errno)
        }
        try flushFolder(path.parentFolder)
    }

    /// Makes a folder and those around it that are missing, so that they outlast a loss of power. What is
    /// there already may be something else than a folder.
    ///
    /// - Throws: ``FileError``.
    package static func makeFolder(_ path: String) throws(FileError) {
        var path = path
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") {
            path.unicodeScalars.removeLast()
        }
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw FileError(operation: "make the folder", path: path, code: ENOENT)
        }
        let made = path
        if uninterrupted({ SystemCalls.current.makeFolder(made) }) == 0 {
            return try flushFolder(path.parentFolder)
        }
        switch errno {
        case EEXIST: return
        case ENOENT where path.parentFolder != path:
            try makeFolder(path.parentFolder)
            guard
                uninterrupted({ SystemCalls.current.makeFolder(made) }) == 0 || errno == EEXIST
            else { break }
            return try flushFolder(path.parentFolder)
        default: break
        }
        throw FileError(operation: "make the folder", path: path, code: errno)
    }

    /// Waits until the names in a folder are on the disk, so that renamed, new and removed files
    /// stay so after a loss of power.
    ///
    /// - Throws: ``FileError``.
    public static func flushFolder(_ folder: String) throws(FileError) {
        let descriptor = uninterrupted { SystemCalls.current.openFolder(folder) }
        guard descriptor >= 0 else {
            throw FileError(operation: "open", path: folder, code: errno)
        }
        let status = uninterrupted { SystemCalls.current.flush(descriptor) }
        let code = errno
        _ = SystemCalls.current.close(descriptor)
        // Some network file systems do not know the flushing of folders.
        guard status == 0 || code == EINVAL || code == ENOTSUP else {
            throw FileError(operation: "flush", path: folder, code: code)
        }
    }
}

extension String {
    /// The path of the folder that a path's last component lies in.
    var parentFolder: String {
        guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        let parent = self[..<slash]
        return parent.isEmpty ? "/" : String(parent)
    }
}
