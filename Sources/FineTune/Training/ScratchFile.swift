#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file without a name, to keep bytes in that can be made again: it is gone with the process,
/// however that ends.
///
/// Whatever goes wrong, it only says no. It is read and written by calls rather than mapped: a page
/// of a mapping that the disk cannot give would end the process, and what is read is copied anyway.
final class ScratchFile {
    private let descriptor: Int32
    private let limit: Int
    /// The bytes that the disk has promised.
    private var reserved = 0
    private var used = 0

    /// An empty file.
    ///
    /// - Parameters:
    ///   - folder: Where it is made; the folder is made if it is missing.
    ///   - limit: The most bytes that it may hold. It never takes more of the disk than it leaves.
    init?(in folder: String, limit: Int) {
        guard !folder.isEmpty, !folder.utf8.contains(0) else { return nil }
        // Every folder on the way; what is wrong with one shows when the file is made.
        for end in folder.indices.dropFirst() where folder[end] == "/" {
            mkdir(String(folder[..<end]), 0o700)
        }
        mkdir(folder, 0o700)
        let path = folder + "/" + String(UInt64.random(in: .min ... .max), radix: 16)
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        self.limit = limit
        guard descriptor >= 0 else { return nil }
        unlink(path)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Adds bytes at the end and returns where they begin; nil if they find no room.
    func append(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard reserve(bytes.count) else { return nil }
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(used + written))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            written += count
        }
        defer { used += written }
        return used
    }

    /// Fills a buffer from the bytes at `offset`, and says whether that was possible.
    func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    /// Makes the disk promise room for so many bytes more.
    private func reserve(_ count: Int) -> Bool {
        let missing = used + count - reserved
        guard missing > 0 else { return true }
        // In large steps, so that the file lies on the disk in few pieces.
        let growth = min(max(missing, 64 << 20), largestSize - reserved)
        guard growth >= missing else { return false }
        #if !canImport(Darwin)
            var code: Int32
            repeat {
                code = posix_fallocate(descriptor, off_t(reserved), off_t(growth))
            } while code == EINTR
            // Where a file system makes no promises, writing says when the disk is full.
            guard [0, EOPNOTSUPP, EINVAL].contains(code) else { return false }
        #endif
        reserved += growth
        return true
    }

    /// The least of the limit, half of the disk's room, and what the process may write into a file:
    /// a byte more than that would end it.
    private var largestSize: Int {
        var size = limit
        var disk = statvfs()
        guard fstatvfs(descriptor, &disk) == 0 else { return 0 }
        let (free, overflow) = UInt64(disk.f_bavail).multipliedReportingOverflow(
            by: UInt64(disk.f_frsize))
        if !overflow, free < UInt64(Int.max / 2) { size = min(size, (Int(free) + reserved) / 2) }
        var allowed = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
        #else
            let resource = RLIMIT_FSIZE
        #endif
        guard getrlimit(resource, &allowed) == 0 else { return 0 }
        return Int(min(UInt64(size), UInt64(allowed.rlim_cur)))
    }
}
