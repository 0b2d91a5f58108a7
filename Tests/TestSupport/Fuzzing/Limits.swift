import Foundation

/// What a reader may use for one small input. Whatever uses more ends the process.
enum Limits {
    /// The memory that this process may allocate beyond what it has now: 16 MB. Twice the file comes
    /// on top by what is promised, but is little for small ones, and what the caller keeps counts as
    /// well.
    ///
    /// Linux counts writable memory that is no file against this limit, whether touched or not. Where
    /// there is no such limit, and under a sanitizer, which takes memory for itself, there is none.
    static func limitMemory() throws {
        #if canImport(Glibc)
            guard !Fuzzing.hasNoMemoryLimit else { return }
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let lines = status.split(separator: "\n")
            guard let line = lines.first(where: { $0.hasPrefix("VmData:") }),
                let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first,
                let used = UInt(kilobytes)
            else { preconditionFailure("/proc/self/status has no VmData") }
            var limit = rlimit()
            getrlimit(dataLimit, &limit)
            limit.rlim_cur = rlim_t(used * 1024 + (16 << 20))
            precondition(setrlimit(dataLimit, &limit) == 0, "the memory cannot be limited")
        #endif
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
