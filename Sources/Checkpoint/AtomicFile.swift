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
    public private(set) var byteCount = 0

    private let folder: String
    private let temporaryPath: String
    private var descriptor: Int32
    private var temporaryExists = true

    /// Begins a file that will appear at `path`.
    ///
    /// - Throws: ``FileError`` if the folder is missing or not writable.
    public init(path: String) throws(FileError) {
        self.path = path
        folder = path.parentFolder
        temporaryPath = Self.temporaryPath(in: folder)
        let (target, temporary) = (path, temporaryPath)
        descriptor = uninterrupted { SystemCalls.current.create(temporary) }
        guard descriptor >= 0 else {
            temporaryExists = false
            throw FileError(operation: "create", path: target, code: errno)
        }
    }

    /// Adds bytes at the end.
    ///
    /// - Throws: ``FileError``, for example if the disk is full.
    public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var rest = bytes
        while !rest.isEmpty {
            let (target, descriptor) = (rest, descriptor)
            let written = uninterrupted { SystemCalls.current.write(descriptor, target) }
            guard written > 0 else {
                throw written < 0
                    ? failure("write")
                    : FileError(operation: "write", path: path, reason: "no byte was taken")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            byteCount += written
        }
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
        let file = descriptor
        guard uninterrupted({ SystemCalls.current.flush(file) }) == 0 else {
            throw failure("flush")
        }
        descriptor = -1
        // The descriptor is gone even if a signal interrupts its closing.
        guard SystemCalls.current.close(file) == 0 || errno == EINTR else {
            throw failure("close")
        }
        let (old, new) = (temporaryPath, path)
        guard uninterrupted({ SystemCalls.current.rename(old, new) }) == 0 else {
            throw failure("rename a temporary file to")
        }
        temporaryExists = false
        try Self.flushFolder(folder)
    }

    deinit {
        let code = errno
        if descriptor >= 0 { _ = SystemCalls.current.close(descriptor) }
        if temporaryExists { _ = SystemCalls.current.remove(temporaryPath) }
        errno = code
    }

    private func failure(_ operation: String) -> FileError {
        FileError(operation: operation, path: path, code: errno)
    }

    /// A name that no other file has, and short, so that it is allowed wherever the final name is.
    private static func temporaryPath(in folder: String) -> String {
        folder + "/.incomplete-" + String(UInt64.random(in: .min ... .max), radix: 16)
    }
}

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
        guard uninterrupted({ SystemCalls.current.remove(path) }) == 0 else {
            if errno == ENOENT { return }
            throw FileError(operation: "remove", path: path, code: errno)
        }
        try flushFolder(path.parentFolder)
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
