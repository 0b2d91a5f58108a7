#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that could not be opened, mapped, read or written: what, where and the system's reason.
public struct FileError: Error, Hashable, CustomStringConvertible {
    /// The operation that failed, as a verb phrase: "open", "map", "flush".
    public let operation: String
    /// The path, as the caller gave it.
    public let path: String
    /// The system's error number, or 0 where the system gave none.
    public let code: Int32
    /// Why, when it is not the system that says so.
    private let reason: String?

    /// An error of the system, read from `errno`'s value `code`.
    public init(operation: String, path: String, code: Int32) {
        (self.operation, self.path, self.code, self.reason) = (operation, path, code, nil)
    }

    /// An error with a reason of our own.
    public init(operation: String, path: String, reason: String) {
        (self.operation, self.path, self.code, self.reason) = (operation, path, 0, reason)
    }

    /// Such as `cannot open 'model.safetensors': No such file or directory`.
    public var description: String {
        "cannot \(operation) '\(path)': \(reason ?? String(cString: strerror(code)))"
    }
}
