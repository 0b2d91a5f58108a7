#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file mapped into memory for reading, kept mapped as long as any tensor views it.
///
/// Its pages stay in the system's page cache, shared by every process that maps the file. A file
/// must not be truncated while it is mapped: replace it by renaming a new one over it, as
/// everything in this library does.
public final class MappedFile: @unchecked Sendable {
    /// The path that it was opened by.
    public let path: String
    /// Its content.
    public let bytes: UnsafeRawBufferPointer

    /// Maps the regular file at `path`.
    ///
    /// - Throws: ``FileError`` if it is missing, unreadable or no regular file.
    public init(path: String) throws(FileError) {
        // The system would stop at the NUL and open another file.
        guard !path.utf8.contains(0) else {
            throw FileError(operation: "open", path: path, reason: "its name contains a NUL byte")
        }
        // A pipe would block the opening until somebody writes, hence O_NONBLOCK.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw FileError(operation: "open", path: path, code: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FileError(operation: "examine", path: path, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(
                operation: "read", path: path,
                reason: status.st_mode & S_IFMT == S_IFDIR
                    ? "it is a folder, not a file" : "it is not a regular file")
        }
        self.path = path
        let size = Int(status.st_size)
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let address = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0),
            address != MAP_FAILED
        else {
            throw FileError(operation: "map", path: path, code: errno)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    /// Memory that takes the place of a mapped file: its content was read by calls, which report a
    /// fault of the disk as an error, where touching a mapped page would end the process.
    ///
    /// - Parameters:
    ///   - path: The file's name, for messages.
    ///   - byteCount: Its size.
    ///   - fill: Writes the content.
    /// - Throws: ``FileError`` if there is no such memory, and what `fill` throws.
    package init(
        path: String, byteCount: Int,
        filledBy fill: (UnsafeMutableRawBufferPointer) throws(FileError) -> Void
    ) throws(FileError) {
        self.path = path
        guard byteCount > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard
            let address = mmap(
                nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            address != MAP_FAILED
        else { throw FileError(operation: "find memory for", path: path, code: errno) }
        let memory = UnsafeMutableRawBufferPointer(start: address, count: byteCount)
        bytes = UnsafeRawBufferPointer(memory)
        try fill(memory)
    }

    deinit {
        if let address = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
        }
    }
}
