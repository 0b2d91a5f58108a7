import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files as they are read for pictures: into memory and up to a limit. A mapped file that somebody
/// shortens meanwhile would end the process.
enum PictureFile {
    /// The bytes of a regular file.
    ///
    /// - Throws: ``PictureError``.
    static func bytes(of path: String, limit: Int) throws(PictureError) -> [UInt8] {
        func unreadable(_ operation: String, _ code: Int32) -> PictureError {
            PictureError(
                .unreadable(FileError(operation: operation, path: path, code: code)), path: path)
        }
        guard !path.utf8.contains(0) else { throw unreadable("open", ENOENT) }
        // A pipe would block the opening until somebody writes, hence O_NONBLOCK.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable("open", errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable("examine", errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            let reason = isFolder ? "it is a folder, not a file" : "it is not a regular file"
            throw PictureError(
                .unreadable(FileError(operation: "read", path: path, reason: reason)), path: path)
        }
        let size = Int(status.st_size)
        guard size <= limit else {
            throw PictureError(.tooManyBytes(size, limit: limit), path: path)
        }
        guard size > 0 else { throw PictureError(.empty, path: path) }
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let part = UnsafeMutableBufferPointer(rebasing: buffer[count...])
                let got = read(descriptor, part.baseAddress, part.count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                // A file that has become shorter is the decoder's to refuse.
                guard got > 0 else { return }
                count += got
            }
        }
        guard code == 0 else { throw unreadable("read", code) }
        return bytes
    }
}
