import Foundation

/// What the process has allocated. It says more of a leak than resident memory does, in which there is also
/// what the allocator keeps for later, and from which the system takes what is not in use.
public enum Heap {
    /// The bytes that are allocated and not freed; nil where the C library is not GNU's, and under a
    /// sanitizer, which has an allocator of its own.
    public static var bytesInUse: Int? {
        #if canImport(Glibc)
            guard !Sanitizer.isOn, let report else { return nil }
            // What follows the single heaps is the sum of all.
            let parts = report.components(separatedBy: "</heap>")
            func size(_ type: String) -> Int? {
                let value = parts.last?.components(separatedBy: "type=\"\(type)\"").dropFirst()
                    .first?
                    .components(separatedBy: "size=\"").dropFirst().first?
                    .components(separatedBy: "\"").first
                return value.flatMap { Int($0) }
            }
            guard let system = size("current"), let fast = size("fast"), let rest = size("rest"),
                let mapped = size("mmap")
            else { return nil }
            return system - fast - rest + mapped
        #else
            return nil
        #endif
    }

    #if canImport(Glibc)
        /// What malloc_info(3) says, whose header Swift's module of the C library lacks.
        private static var report: String? {
            typealias Function = @convention(c) (Int32, UnsafeMutableRawPointer) -> Int32
            var (text, count): (UnsafeMutablePointer<CChar>?, Int) = (nil, 0)
            guard let function = dlsym(nil, "malloc_info"), let file = open_memstream(&text, &count)
            else { return nil }
            let status = unsafeBitCast(function, to: Function.self)(0, file)
            fclose(file)
            defer { free(text) }
            return status == 0 ? text.map { String(cString: $0) } : nil
        }
    #endif
}
