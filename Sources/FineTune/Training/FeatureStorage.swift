import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The features of examples that were computed together, shape `[rows, ...]`: in memory or in a
/// file.
final class FeatureBlock {
    private enum Place {
        case memory(Tensor)
        case file(ScratchFile, offset: Int)
    }

    /// The shape of one row.
    let rowShape: [Int]
    let dtype: Tensor.DType
    /// The bytes of one row.
    let rowByteCount: Int
    private let place: Place

    /// A block in memory: `rows` itself, not a copy.
    convenience init(_ rows: Tensor) { self.init(rows, place: .memory(rows)) }

    /// A block whose bytes are in a file.
    convenience init(_ rows: Tensor, in file: ScratchFile, offset: Int) {
        self.init(rows, place: .file(file, offset: offset))
    }

    private init(_ rows: Tensor, place: Place) {
        rowShape = Array(rows.shape.dropFirst())
        dtype = rows.dtype
        rowByteCount = rowShape.reduce(1, *) * rows.dtype.byteCount
        self.place = place
    }

    /// Copies rows to a place of their size, and says whether that was possible.
    func copy(_ rows: Range<Int>, to target: UnsafeMutableRawBufferPointer) -> Bool {
        let start = rows.lowerBound * rowByteCount
        switch place {
        case .memory(let tensor):
            tensor.withUnsafeBytes { bytes in
                target.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + target.count]))
            }
            return true
        case .file(let file, let offset): return file.read(target, at: offset + start)
        }
    }
}

/// Finds a place for features: in memory up to a limit, then in a file up to another, then nowhere.
struct FeatureStorage {
    /// Whether nothing more is kept.
    var isFull = false
    private let limits: TrainingSettings.FeatureCaching
    private var memoryLeft: Int
    private var file: ScratchFile?

    init(_ limits: TrainingSettings.FeatureCaching) {
        self.limits = limits
        memoryLeft = limits.memoryBytes
    }

    /// The bytes that blocks have taken in memory.
    var memoryUsed: Int { limits.memoryBytes - memoryLeft }

    /// A block of these rows; nil if there is no room, and from then on for all others.
    mutating func keep(_ rows: Tensor) -> FeatureBlock? {
        guard !isFull else { return nil }
        if rows.byteCount <= memoryLeft {
            memoryLeft -= rows.byteCount
            return FeatureBlock(rows)
        }
        if file == nil, limits.fileBytes > 0, let folder = limits.folder ?? Self.cacheFolder {
            file = ScratchFile(in: folder, limit: limits.fileBytes)
        }
        guard let file, let offset = rows.withUnsafeBytes({ file.append($0) }) else {
            isFull = true
            return nil
        }
        return FeatureBlock(rows, in: file, offset: offset)
    }

    /// The folder for features in the user's cache folder (XDG Base Directory Specification 0.8: a
    /// relative path does not count).
    private static var cacheFolder: String? {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        let cache = variable("XDG_CACHE_HOME") ?? variable("HOME").map { $0 + "/.cache" }
        return cache.map { $0 + "/swift-finetune/features" }
    }
}
