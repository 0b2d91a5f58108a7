public import Tensor

extension PyTorchFile {
    /// The element types that a file of PyTorch may have, by PyTorch's names.
    public enum ElementType: String, Sendable, Hashable, CaseIterable {
        /// One byte a truth value.
        case bool
        /// Unsigned integers of 8 bits.
        case uint8
        /// Signed integers of 8 bits.
        case int8
        /// Unsigned integers of 16 bits.
        case uint16
        /// Signed integers of 16 bits.
        case int16
        /// Unsigned integers of 32 bits.
        case uint32
        /// Signed integers of 32 bits.
        case int32
        /// Unsigned integers of 64 bits.
        case uint64
        /// Signed integers of 64 bits.
        case int64
        /// IEEE 754 half precision.
        case float16
        /// The upper half of an IEEE 754 single.
        case bfloat16
        /// IEEE 754 single precision.
        case float32
        /// IEEE 754 double precision.
        case float64
        /// A complex number of two halves.
        case complex32
        /// A complex number of two singles.
        case complex64
        /// A complex number of two doubles.
        case complex128
        /// Floating point of 8 bits, 4 of them exponent.
        case float8E4M3 = "float8_e4m3fn"
        /// Floating point of 8 bits, 5 of them exponent.
        case float8E5M2 = "float8_e5m2"
        /// As ``float8E4M3``, without infinities and negative zero.
        case float8E4M3FNUZ = "float8_e4m3fnuz"
        /// As ``float8E5M2``, without infinities and negative zero.
        case float8E5M2FNUZ = "float8_e5m2fnuz"
        /// A power of two in 8 bits.
        case float8E8M0 = "float8_e8m0fnu"

        /// The bytes that one element takes.
        public var byteCount: Int {
            switch self {
            case .bool, .uint8, .int8, .float8E4M3, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ,
                .float8E8M0:
                1
            case .uint16, .int16, .float16, .bfloat16: 2
            case .uint32, .int32, .float32, .complex32: 4
            case .uint64, .int64, .float64, .complex64: 8
            case .complex128: 16
            }
        }

        /// The type of a ``Tensor`` of such elements, or nil if it cannot hold them.
        public var dtype: Tensor.DType? { Tensor.DType(rawValue: rawValue) }

        /// The class of a storage of such elements, or nil if PyTorch has none.
        var storageName: String? {
            switch self {
            case .bool: "BoolStorage"
            case .uint8: "ByteStorage"
            case .int8: "CharStorage"
            case .int16: "ShortStorage"
            case .int32: "IntStorage"
            case .int64: "LongStorage"
            case .float16: "HalfStorage"
            case .bfloat16: "BFloat16Storage"
            case .float32: "FloatStorage"
            case .float64: "DoubleStorage"
            case .complex64: "ComplexFloatStorage"
            case .complex128: "ComplexDoubleStorage"
            default: nil
            }
        }
    }
}
