import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// What a reader may use for an input. Whatever uses more ends the process.
public enum Limits {
    /// Limits the memory that this process may allocate beyond what it has now. For small inputs it is
    /// 16 MB: twice the file comes on top by what is promised, but is little for them, and what the
    /// caller keeps counts as well.
    ///
    /// Linux counts writable memory that is no file against this limit, whether touched or not. Where
    /// there is no such limit, and under a sanitizer, which takes memory for itself, there is none.
    public static func limitMemory(to byteCount: Int = 16 << 20) throws {
        #if canImport(Glibc)
            guard !Sanitizer.isOn else { return }
            guard let used = bytes("VmData") else {
                preconditionFailure("/proc/self/status has no VmData")
            }
            var limit = rlimit()
            getrlimit(dataLimit, &limit)
            makeStacksSmall()
            limit.rlim_cur = rlim_t(used + byteCount)
            precondition(setrlimit(dataLimit, &limit) == 0, "the memory cannot be limited")
        #endif
    }

    #if canImport(Glibc)
        /// A thread that the system's own pool adds later would count with its stack of 8 MB. The module map
        /// of the C library lacks the call.
        private static func makeStacksSmall() {
            typealias Call = @convention(c) (UnsafePointer<pthread_attr_t>) -> Int32
            let symbol = dlsym(nil, "pthread_setattr_default_np")
            let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
            defer { attributes.deallocate() }
            pthread_attr_init(attributes)
            pthread_attr_setstacksize(attributes, 1 << 19)
            precondition(symbol.map { unsafeBitCast($0, to: Call.self)(attributes) } == 0)
        }
    #endif

    /// What Linux counts for this process: resident (`VmRSS`), at most (`VmHWM`), or see proc(5); nil
    /// elsewhere.
    public static func bytes(_ field: String) -> Int? {
        let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let lines = status?.split(separator: "\n") ?? []
        let words = lines.first { $0.hasPrefix(field + ":") }?.split(whereSeparator: \.isWhitespace)
        return words?.dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    #if canImport(Glibc)
        private static let dataLimit = __rlimit_resource_t(RLIMIT_DATA.rawValue)
        private static let processorTimer = __itimer_which_t(ITIMER_PROF.rawValue)
    #else
        private static let processorTimer = ITIMER_PROF
    #endif

    /// Ends the process by SIGPROF if it computes for more than so many seconds from now on; 0 takes
    /// that back. Time that it waits, such as for other processes, does not count.
    static func allow(seconds: Int) {
        var timer = itimerval()
        timer.it_value.tv_sec = seconds
        setitimer(processorTimer, &timer, nil)
    }
}
