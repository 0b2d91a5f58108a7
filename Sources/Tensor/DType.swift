extension Tensor {
    /// The type of a tensor's elements, known at run time because it comes from a file.
    ///
    /// `float32` and `float64` compute; `float16`, `bfloat16`, the integers and `bool` are storage
    /// that ``Tensor/converted(to:)`` turns into one of the two.
    public enum DType: String, Sendable, Hashable, CaseIterable {
        case bool, uint8, int8, uint16, int16, float16, bfloat16
        case uint32, int32, float32, uint64, int64, float64

        /// Bytes that one element takes.
        public var byteCount: Int {
            switch self {
            case .bool, .uint8, .int8: 1
            case .uint16, .int16, .float16, .bfloat16: 2
            case .uint32, .int32, .float32: 4
            case .uint64, .int64, .float64: 8
            }
        }

        /// Whether arithmetic is defined on it: `float32` and `float64`.
        public var isComputable: Bool { self == .float32 || self == .float64 }

        /// Whether it holds fractions: the two computable types, `float16` and `bfloat16`.
        public var isFloatingPoint: Bool {
            isComputable || self == .float16 || self == .bfloat16
        }
    }
}

/// A Swift type that is the element type of a tensor.
public protocol TensorElement: Sendable, BitwiseCopyable {
    /// The element type it is stored as.
    static var dtype: Tensor.DType { get }
}

extension Bool: TensorElement {
    /// `bool`, one byte an element.
    public static var dtype: Tensor.DType { .bool }
}

extension UInt8: TensorElement {
    /// `uint8`.
    public static var dtype: Tensor.DType { .uint8 }
}

extension Int8: TensorElement {
    /// `int8`.
    public static var dtype: Tensor.DType { .int8 }
}

extension UInt16: TensorElement {
    /// `uint16`.
    public static var dtype: Tensor.DType { .uint16 }
}

extension Int16: TensorElement {
    /// `int16`.
    public static var dtype: Tensor.DType { .int16 }
}

extension UInt32: TensorElement {
    /// `uint32`.
    public static var dtype: Tensor.DType { .uint32 }
}

extension Int32: TensorElement {
    /// `int32`.
    public static var dtype: Tensor.DType { .int32 }
}

extension UInt64: TensorElement {
    /// `uint64`.
    public static var dtype: Tensor.DType { .uint64 }
}

extension Int64: TensorElement {
    /// `int64`.
    public static var dtype: Tensor.DType { .int64 }
}

extension Float: TensorElement {
    /// `float32`.
    public static var dtype: Tensor.DType { .float32 }
}

extension Double: TensorElement {
    /// `float64`.
    public static var dtype: Tensor.DType { .float64 }
}
