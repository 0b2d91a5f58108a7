import CKernels

// Arithmetic on corresponding elements. Shapes broadcast by NumPy's rule.
extension Tensor {
    /// The element-wise sum.
    public static func + (a: Tensor, b: Tensor) -> Tensor { binary(CK_ADD, a, b) }
    /// The element-wise difference.
    public static func - (a: Tensor, b: Tensor) -> Tensor { binary(CK_SUBTRACT, a, b) }
    /// The element-wise product.
    public static func * (a: Tensor, b: Tensor) -> Tensor { binary(CK_MULTIPLY, a, b) }
    /// The element-wise quotient.
    public static func / (a: Tensor, b: Tensor) -> Tensor { binary(CK_DIVIDE, a, b) }

    /// Every element plus a number.
    public static func + (a: Tensor, b: Double) -> Tensor { a.binary(CK_ADD, scalar: b) }
    /// Every element minus a number.
    public static func - (a: Tensor, b: Double) -> Tensor { a.binary(CK_SUBTRACT, scalar: b) }
    /// Every element times a number.
    public static func * (a: Tensor, b: Double) -> Tensor { a.binary(CK_MULTIPLY, scalar: b) }
    /// Every element divided by a number.
    public static func / (a: Tensor, b: Double) -> Tensor { a.binary(CK_DIVIDE, scalar: b) }

    /// Every element negated.
    public static prefix func - (a: Tensor) -> Tensor { a.unary(CK_NEGATE) }

    /// `exp x`, element by element.
    public func exp() -> Tensor { unary(CK_EXP) }
    /// The natural logarithm, element by element; NaN below 0.
    public func log() -> Tensor { unary(CK_LOG) }
    /// The square root, element by element; NaN below 0.
    public func squareRoot() -> Tensor { unary(CK_SQRT) }
    /// `1 / x`, element by element.
    public func reciprocal() -> Tensor { unary(CK_RECIPROCAL) }
    /// `x²`, element by element.
    public func squared() -> Tensor { unary(CK_SQUARE) }
    /// The absolute value, element by element.
    public func magnitude() -> Tensor { unary(CK_ABS) }

    /// Adds `scale * other` in place.
    ///
    /// - Precondition: Same shape and type.
    public mutating func accumulate(_ other: Tensor, scale: Double = 1) {
        checkSameShape(other, "accumulation")
        let source = other.contiguous()
        let target = mutablePointer()
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: elementCount, grain: elementwiseGrain) { range in
            let at = range.lowerBound * size
            kernels.pointee.accumulate(target + at, source.pointer + at, scale, range.count)
        }
    }

    /// Multiplies every element by `factor` in place.
    public mutating func scale(by factor: Double) {
        let target = mutablePointer()
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: elementCount, grain: elementwiseGrain) { range in
            let at = target + range.lowerBound * size
            kernels.pointee.binary_scalar(CK_MULTIPLY, at, at, factor, range.count)
        }
    }

    /// Sets every element to `value` in place.
    public mutating func fill(with value: Double) {
        if !isContiguous || !storage.isWritable || !isKnownUniquelyReferenced(&storage) {
            self = Tensor(uninitialized: shape, dtype: dtype)
        }
        let target = mutablePointer()
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: elementCount, grain: elementwiseGrain) { range in
            kernels.pointee.fill(target + range.lowerBound * size, value, range.count)
        }
    }

    private static func binary(_ operation: ck_binary, _ a: Tensor, _ b: Tensor) -> Tensor {
        require(a.dtype == b.dtype, "\(a.dtype) and \(b.dtype) do not mix; convert one")
        guard let shape = a.shape.broadcast(with: b.shape) else {
            requirementFailure("the shapes \(a.shape) and \(b.shape) do not broadcast")
        }
        let result = Tensor(uninitialized: shape, dtype: a.dtype)
        let (size, kernels) = (a.dtype.byteCount, a.kernels)
        if a.shape == shape, b.rank == 1, shape.rank > 1, b.shape.last == shape.last {
            let (x, row, width) = (a.contiguous(), b.contiguous(), b.elementCount)
            parallel(over: x.rowCount, grain: rowGrain(width: width)) { rows in
                let at = rows.lowerBound * width * size
                kernels.pointee.binary_row(
                    operation, result.base + at, x.pointer + at, row.pointer, rows.count, width)
            }
            return result
        }
        let x = a.broadcast(to: shape).contiguous()
        let y = b.broadcast(to: shape).contiguous()
        parallel(over: shape.elementCount, grain: elementwiseGrain) { range in
            let at = range.lowerBound * size
            kernels.pointee.binary(
                operation, result.base + at, x.pointer + at, y.pointer + at, range.count)
        }
        return result
    }

    private func binary(_ operation: ck_binary, scalar: Double) -> Tensor {
        map { kernels, y, x, count in
            kernels.pointee.binary_scalar(operation, y, x, scalar, count)
        }
    }

    private func unary(_ operation: ck_unary) -> Tensor {
        map { kernels, y, x, count in kernels.pointee.unary(operation, y, x, count) }
    }

    /// A new tensor that `body` fills, tile by tile, from the corresponding elements of this.
    func map(
        _ body: (
            UnsafePointer<ck_kernels>, UnsafeMutableRawPointer, UnsafeRawPointer, Int
        ) -> Void
    ) -> Tensor {
        let x = contiguous()
        let result = Tensor(uninitialized: shape, dtype: dtype)
        let (size, kernels) = (dtype.byteCount, kernels)
        parallel(over: elementCount, grain: elementwiseGrain) { range in
            let at = range.lowerBound * size
            body(kernels, result.base + at, x.pointer + at, range.count)
        }
        return result
    }
}
