#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The calls to the system by which files are written. A test puts failing ones in their place and
/// so proves that no failure leaves half a file.
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
    /// Opens a folder so that it can be flushed.
    package var openFolder: @Sendable (_ path: String) -> Int32 = {
        open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    /// Writes some of the bytes and says how many.
    package var write: @Sendable (_ descriptor: Int32, UnsafeRawBufferPointer) -> Int = {
        #if canImport(Glibc)
            Glibc.write($0, $1.baseAddress, $1.count)
        #elseif canImport(Musl)
            Musl.write($0, $1.baseAddress, $1.count)
        #else
            Darwin.write($0, $1.baseAddress, $1.count)
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
