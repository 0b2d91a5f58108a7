public import Tensor

/// A safetensors file, mapped into memory: tensors are views of the file, and nothing is read but
/// the header.
///
/// The file is accepted whole or refused: every rule of the format is checked at opening, and those
/// about repeated names, ranks and sizes more strictly than by the reference implementation
/// (<https://github.com/huggingface/safetensors>, "Format").
public struct SafetensorsFile: NamedTensors {
    /// The most bytes that a header may have: the format's own limit.
    public static let headerByteLimit = 100_000_000
    /// The most dimensions that a tensor may have: as many as PyTorch and NumPy allow.
    public static let rankLimit = 64

    /// The path that the file was opened by.
    public let path: String
    /// What the file says about its tensors, in the order of their bytes.
    public let entries: [Entry]
    /// The texts under `__metadata__`, all of them strings; empty if there are none.
    public let metadata: JSON.Object

    private let file: MappedFile
    private let positions: [ByteKey: Int]

    /// What a file says about one tensor.
    public struct Entry: Sendable, Hashable {
        /// The tensor's name: any text, never to be used as a path.
        public let name: String
        /// The type of its elements.
        public let type: ElementType
        /// The sizes of its dimensions.
        public let shape: Tensor.Shape
        /// Where its bytes lie in the file.
        public let byteRange: Range<Int>
    }

    /// Opens a file and checks all of it but the numbers.
    ///
    /// - Throws: ``SafetensorsError``, naming the place.
    public init(path: String) throws(SafetensorsError) {
        let file: MappedFile
        do throws(FileError) {
            file = try MappedFile(path: path)
        } catch {
            throw SafetensorsError(path: path, reason: .unreadable(error))
        }
        try self.init(file)
    }

    /// Checks all of a file's content but the numbers.
    ///
    /// - Throws: ``SafetensorsError``, naming the place.
    package init(_ file: MappedFile) throws(SafetensorsError) {
        let header: SafetensorsHeader
        do throws(SafetensorsError.Reason) {
            header = try SafetensorsHeader(file.bytes)
        } catch {
            throw SafetensorsError(path: file.path, reason: error)
        }
        path = file.path
        self.file = file
        entries = header.entries
        metadata = header.metadata
        var positions = [ByteKey: Int](minimumCapacity: entries.count)
        for (position, entry) in entries.enumerated() { positions[ByteKey(entry.name)] = position }
        self.positions = positions
    }

    /// The tensors' names, in the order of their bytes.
    public var names: [String] { entries.map(\.name) }

    /// What the file says about the tensor of that name, or nil if there is none.
    public func entry(named name: String) -> Entry? {
        positions[ByteKey(name)].map { entries[$0] }
    }

    /// The shape of a tensor, or nil if there is none of that name.
    public func shape(of name: String) -> Tensor.Shape? { entry(named: name)?.shape }

    /// The element type of a tensor, or nil if there is none of that name or a ``Tensor`` cannot
    /// hold it.
    public func dtype(of name: String) -> Tensor.DType? { entry(named: name)?.type.dtype }

    /// The tensor of that name, or nil if there is none. It is a view of the mapped file; only one
    /// whose bytes are not aligned to its elements is copied.
    ///
    /// - Throws: ``UnsupportedElementType`` if a ``Tensor`` cannot hold its elements.
    public func tensor(named name: String) throws(UnsupportedElementType) -> Tensor? {
        guard let entry = entry(named: name) else { return nil }
        guard let dtype = entry.type.dtype else {
            throw UnsupportedElementType(path: path, name: name, type: entry.type.rawValue)
        }
        return MappedElements(
            byteOffset: entry.byteRange.lowerBound, shape: entry.shape, dtype: dtype
        ).tensor(in: file)
    }
}

extension SafetensorsFile {
    /// The element types of the format, by the names it gives them.
    public enum ElementType: String, Sendable, Hashable, CaseIterable {
        /// One byte a truth value.
        case bool = "BOOL"
        /// Floating point of 4 bits (E2M1), two to a byte.
        case f4 = "F4"
        /// Floating point of 6 bits, 2 of them exponent.
        case f6E2M3 = "F6_E2M3"
        /// Floating point of 6 bits, 3 of them exponent.
        case f6E3M2 = "F6_E3M2"
        /// Unsigned integers of 8 bits.
        case u8 = "U8"
        /// Signed integers of 8 bits.
        case i8 = "I8"
        /// Floating point of 8 bits, 5 of them exponent.
        case f8E5M2 = "F8_E5M2"
        /// Floating point of 8 bits, 4 of them exponent.
        case f8E4M3 = "F8_E4M3"
        /// A power of two in 8 bits.
        case f8E8M0 = "F8_E8M0"
        /// As ``f8E4M3``, without infinities and negative zero.
        case f8E4M3FNUZ = "F8_E4M3FNUZ"
        /// As ``f8E5M2``, without infinities and negative zero.
        case f8E5M2FNUZ = "F8_E5M2FNUZ"
        /// Signed integers of 16 bits.
        case i16 = "I16"
        /// Unsigned integers of 16 bits.
        case u16 = "U16"
        /// IEEE 754 half precision.
        case f16 = "F16"
        /// The upper half of an IEEE 754 single.
        case bf16 = "BF16"
        /// Signed integers of 32 bits.
        case i32 = "I32"
        /// Unsigned integers of 32 bits.
        case u32 = "U32"
        /// IEEE 754 single precision.
        case f32 = "F32"
        /// A complex number of two singles.
        case c64 = "C64"
        /// IEEE 754 double precision.
        case f64 = "F64"
        /// Signed integers of 64 bits.
        case i64 = "I64"
        /// Unsigned integers of 64 bits.
        case u64 = "U64"

        /// The bits that one element takes.
        public var bitCount: Int {
            switch self {
            case .f4: 4
            case .f6E2M3, .f6E3M2: 6
            case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ: 8
            case .i16, .u16, .f16, .bf16: 16
            case .i32, .u32, .f32: 32
            case .c64, .f64, .i64, .u64: 64
            }
        }

        /// The type of a ``Tensor`` of such elements, or nil if it cannot hold them.
        public var dtype: Tensor.DType? {
            switch self {
            case .bool: .bool
            case .u8: .uint8
            case .i8: .int8
            case .i16: .int16
            case .u16: .uint16
            case .f16: .float16
            case .bf16: .bfloat16
            case .i32: .int32
            case .u32: .uint32
            case .f32: .float32
            case .f64: .float64
            case .i64: .int64
            case .u64: .uint64
            case .f4, .f6E2M3, .f6E3M2, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ, .c64:
                nil
            }
        }

        /// The format's type for a tensor's elements.
        public init(_ dtype: Tensor.DType) {
            self =
                switch dtype {
                case .bool: .bool
                case .uint8: .u8
                case .int8: .i8
                case .int16: .i16
                case .uint16: .u16
                case .float16: .f16
                case .bfloat16: .bf16
                case .int32: .i32
                case .uint32: .u32
                case .float32: .f32
                case .float64: .f64
                case .int64: .i64
                case .uint64: .u64
                }
        }
    }
}
