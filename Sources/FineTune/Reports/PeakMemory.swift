public import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Tensor.Memory {
    /// The most memory this process has occupied so far, in bytes, everything included: tensors,
    /// touched pages of mapped files, code. 0 if the system does not say.
    public static var peakProcessBytes: Int {
        #if os(Linux)
            // getrusage would also count the program that started this one by exec.
            if let bytes = bytesFromStatus("VmHWM:") { return bytes }
        #endif
        var usage = rusage()
        let ownProcess: Int32 = 0  // RUSAGE_SELF, whose type differs between systems
        guard getrusage(ownProcess, &usage) == 0 else { return 0 }
        #if canImport(Darwin)
            return Int(usage.ru_maxrss)
        #else
            return Int(usage.ru_maxrss) * 1024
        #endif
    }

    /// The memory that this process occupies now, in bytes, counted as ``peakProcessBytes``; where the
    /// system does not say, that.
    static var processBytes: Int {
        #if os(Linux)
            if let bytes = bytesFromStatus("VmRSS:") { return bytes }
        #endif
        return peakProcessBytes
    }

    #if os(Linux)
        /// `VmHWM` or `VmRSS` of `/proc/self/status`, see proc_pid_status(5).
        private static func bytesFromStatus(_ name: String) -> Int? {
            guard let file = fopen("/proc/self/status", "re") else { return nil }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 256)
            while fgets(&line, Int32(line.count), file) != nil {
                let text = line.withUnsafeBufferPointer { buffer in
                    buffer.baseAddress.map { String(cString: $0) } ?? ""
                }
                guard text.hasPrefix(name) else { continue }
                return Int(text.filter(\.isNumber)).map { $0 * 1024 }
            }
            return nil
        }
    #endif
}
