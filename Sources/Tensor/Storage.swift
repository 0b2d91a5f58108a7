/// The bytes behind a tensor: a buffer of the pool, or a read-only part of a mapped file.
///
/// Sendable, because its bytes change only through a tensor that is its one holder.
final class Storage: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let origin: Origin

    private enum Origin {
        case pool(capacity: Int)
        case file(MappedFile)
    }

    /// A buffer from the pool. Its bytes are whatever its last user left.
    init(byteCount: Int) {
        let (base, capacity) = Tensor.Memory.allocate(byteCount: byteCount)
        (self.base, self.byteCount, self.origin) = (base, byteCount, .pool(capacity: capacity))
    }

    /// A range of a mapped file, which the storage keeps open.
    init(_ file: MappedFile, bytes: Range<Int>) {
        require(
            bytes.lowerBound >= 0 && bytes.upperBound <= file.bytes.count,
            "bytes \(bytes) do not lie in '\(file.path)', which has \(file.bytes.count)")
        // An empty file has no address; no byte is ever read through this one.
        let start = file.bytes.baseAddress ?? UnsafeRawPointer(bitPattern: Tensor.Memory.alignment)
        guard let start else { requirementFailure("a mapped file has no address") }
        base = UnsafeMutableRawPointer(mutating: start + bytes.lowerBound)
        byteCount = bytes.count
        origin = .file(file)
    }

    /// Whether its bytes may be written: those of a mapped file may not.
    var isWritable: Bool {
        if case .pool = origin { true } else { false }
    }

    deinit {
        if case .pool(let capacity) = origin {
            Tensor.Memory.deallocate(base, byteCount: byteCount, capacity: capacity)
        }
    }
}
