import CKernels

extension Tensor {
    /// The elements converted to another type; this tensor itself if it has that type already.
    ///
    /// To an integer, fractions are cut off and values out of range become the nearest
    /// representable one, NaN becomes 0. To `bool`, everything but 0 is true. To a narrower
    /// floating-point type, values are rounded to nearest, ties to even.
    public func converted(to newType: DType) -> Tensor {
        if newType == dtype { return self }
        let source = contiguous()
        let result = Tensor(uninitialized: shape, dtype: newType)
        ck_convert(
            result.storage.base, newType.kernelType, source.pointer, dtype.kernelType,
            elementCount)
        return result
    }
}

extension Tensor.DType {
    var kernelType: ck_type {
        switch self {
        case .bool: CK_BOOL
        case .uint8: CK_U8
        case .int8: CK_I8
        case .uint16: CK_U16
        case .int16: CK_I16
        case .float16: CK_F16
        case .bfloat16: CK_BF16
        case .uint32: CK_U32
        case .int32: CK_I32
        case .float32: CK_F32
        case .uint64: CK_U64
        case .int64: CK_I64
        case .float64: CK_F64
        }
    }
}
