#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The calls to the system by which files are written, and snapshots read. A test puts others in
/// their place, failing ones or a disk in memory, and so proves that no failure leaves half a file.
///
/// Each behaves as the POSIX function of its name: a negative result means failure, with the
/// reason in `errno`.
package struct SystemCalls: Sendable {
    /// The calls that the current task uses.
    @TaskLocal package static var current = SystemCalls()

    /// Creates a new file for writing; fails if it exists.
    package var create: @Sendable (_ path: String) -> Int32 = {
        open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    }
    /// Opens a file for reading. Of a pipe it would otherwise wait until somebody writes.
    package var openFile: @Sendable (_ path: String) -> Int32 = {
        open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    }
    /// Opens a folder so that it can be flushed or locked.
    package var openFolder: @Sendable (_ path: String) -> Int32 = {
        open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    /// The size of an open file; fails with `EINVAL` if it is no regular one.
    package var size: @Sendable (_ descriptor: Int32) -> Int = { descriptor in
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return -1 }
        guard status.st_mode & S_IFMT == S_IFREG else {
            errno = EINVAL
            return -1
        }
        return Int(status.st_size)
    }
    /// The most that one call reads or writes: macOS refuses 2 GiB.
    private static let mostBytes = 1 << 30
    /// Reads the next bytes, as many as there are or fewer, and says how many.
    package var read: @Sendable (_ descriptor: Int32, UnsafeMutableRawBufferPointer) -> Int = {
        let count = min($1.count, mostBytes)
        #if canImport(Glibc)
            return Glibc.read($0, $1.baseAddress, count)
        #elseif canImport(Musl)
            return Musl.read($0, $1.baseAddress, count)
        #else
            return Darwin.read($0, $1.baseAddress, count)
        #endif
    }
    /// Writes some of the bytes and says how many.
    package var write: @Sendable (_ descriptor: Int32, UnsafeRawBufferPointer) -> Int = {
        let count = min($1.count, mostBytes)
        #if canImport(Glibc)
            return Glibc.write($0, $1.baseAddress, count)
        #elseif canImport(Musl)
            return Musl.write($0, $1.baseAddress, count)
        #else
            return Darwin.write($0, $1.baseAddress, count)
        #endif
    }
    /// Waits until what was written is on the disk.
    package var flush: @Sendable (_ descriptor: Int32) -> Int32 = { descriptor in
        #if canImport(Darwin)
            // There, fsync leaves the data in the drive's own cache.
            if fcntl(descriptor, F_FULLFSYNC) == 0 { return 0 }
        #endif
        return fsync(descriptor)
    }
    /// Closes a descriptor.
    package var close: @Sendable (_ descriptor: Int32) -> Int32 = {
        #if canImport(Glibc)
            Glibc.close($0)
        #elseif canImport(Musl)
            Musl.close($0)
        #else
            Darwin.close($0)
        #endif
    }
    /// Gives a file another name, in place of a file that had it.
    package var rename: @Sendable (_ old: String, _ new: String) -> Int32 = {
        #if canImport(Glibc)
            Glibc.rename($0, $1)
        #elseif canImport(Musl)
            Musl.rename($0, $1)
        #else
            Darwin.rename($0, $1)
        #endif
    }
    /// Removes a file.
    package var remove: @Sendable (_ path: String) -> Int32 = { unlink($0) }
    /// Makes a folder; fails if the name is taken.
    package var makeFolder: @Sendable (_ path: String) -> Int32 = { mkdir($0, 0o777) }
    /// Removes an empty folder.
    package var removeFolder: @Sendable (_ path: String) -> Int32 = { rmdir($0) }
    /// The names in a folder, in no order; nil on failure.
    package var list: @Sendable (_ path: String) -> [String]? = { path in
        guard let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(
                    to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)
                ) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        return errno == 0 ? names : nil
    }
    /// Takes the lock of an open folder, which one holder at a time can have; fails with
    /// `EWOULDBLOCK` if another has it. It is given back when the descriptor, and every copy of it that
    /// another process may have, is closed.
    package var lock: @Sendable (_ descriptor: Int32) -> Int32 = { flock($0, LOCK_EX | LOCK_NB) }
    /// Gives the lock back, whoever else has the descriptor.
    package var unlock: @Sendable (_ descriptor: Int32) -> Int32 = { flock($0, LOCK_UN) }

    /// The system's own calls.
    package init() {}
}

/// Repeats a call that a signal interrupted.
func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
