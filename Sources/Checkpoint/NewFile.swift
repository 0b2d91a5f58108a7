import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that is being written, and counts as written once ``finish()`` has flushed it to the disk.
///
/// It is closed, but not removed, when this value goes.
struct NewFile: ~Copyable {
    /// The name that errors give it.
    private let name: String
    private var descriptor: Int32
    /// How many bytes have been written.
    private(set) var byteCount = 0

    /// Makes an empty file.
    ///
    /// - Parameters:
    ///   - path: Where. Nothing may be there yet.
    ///   - name: The name that errors give it; the path by default.
    /// - Throws: ``FileError``.
    init(_ path: String, named name: String? = nil) throws(FileError) {
        let name = name ?? path
        self.name = name
        descriptor = uninterrupted {
            // For the system the name would end there.
            guard !path.utf8.contains(0), !name.utf8.contains(0) else {
                errno = EINVAL
                return -1
            }
            return SystemCalls.current.create(path)
        }
        guard descriptor >= 0 else { throw failure("create") }
    }

    /// Adds bytes at the end.
    mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var rest = bytes
        while !rest.isEmpty {
            let (target, descriptor) = (rest, descriptor)
            let written = uninterrupted { SystemCalls.current.write(descriptor, target) }
            guard written > 0 else {
                throw written < 0
                    ? failure("write")
                    : FileError(operation: "write", path: name, reason: "no byte was taken")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            byteCount += written
        }
    }

    /// Waits until all bytes are on the disk, and closes the file.
    mutating func finish() throws(FileError) {
        let file = descriptor
        guard uninterrupted({ SystemCalls.current.flush(file) }) == 0 else {
            throw failure("flush")
        }
        descriptor = -1
        // The descriptor is gone even if a signal interrupts its closing.
        guard SystemCalls.current.close(file) == 0 || errno == EINTR else {
            throw failure("close")
        }
    }

    deinit {
        let code = errno
        if descriptor >= 0 { _ = SystemCalls.current.close(descriptor) }
        errno = code
    }

    private func failure(_ operation: String) -> FileError {
        FileError(operation: operation, path: name, code: errno)
    }
}
