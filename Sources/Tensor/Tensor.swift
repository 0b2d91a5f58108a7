/// An n-dimensional array of numbers.
///
/// A value: copies share their storage until one of them is written (copy on write). A layout
/// (shape, element strides, offset) over the storage makes slices, transposes and broadcasts views
/// that copy nothing.
///
/// A shape that does not fit an operation is a mistake in the calling code and ends the process
/// with both shapes in the message; no file, dataset or number does.
public struct Tensor: Sendable {
    var storage: Storage
    /// The sizes of the dimensions, outermost first.
    public let shape: Shape
    /// Distance in elements between neighbours along each dimension; may be 0 or negative.
    public let strides: [Int]
    /// The position of the first element in the storage, in elements.
    let offset: Int
    /// The type of the elements.
    public let dtype: DType

    init(storage: Storage, shape: Shape, strides: [Int], offset: Int, dtype: DType) {
        self.storage = storage
        self.shape = shape
        self.strides = strides
        self.offset = offset
        self.dtype = dtype
    }

    // MARK: Making tensors

    /// A contiguous tensor whose elements are whatever the memory held, for an operation that
    /// writes every one of them.
    public init(uninitialized shape: Shape, dtype: DType = .float32) {
        let (byteCount, overflow) = shape.elementCount.multipliedReportingOverflow(
            by: dtype.byteCount)
        require(!overflow, "no memory for \(dtype) of shape \(shape)")
        self.init(
            storage: Storage(byteCount: byteCount), shape: shape,
            strides: shape.rowMajorStrides, offset: 0, dtype: dtype)
    }

    /// A tensor of zeros.
    public init(zeros shape: Shape, dtype: DType = .float32) {
        self.init(uninitialized: shape, dtype: dtype)
        storage.base.initializeMemory(as: UInt8.self, repeating: 0, count: storage.byteCount)
    }

    /// A tensor of these elements in row-major order.
    ///
    /// - Precondition: There are as many elements as `shape` holds.
    public init<Element: TensorElement>(_ elements: [Element], shape: Shape) {
        require(
            elements.count == shape.elementCount,
            "\(elements.count) elements do not fill the shape \(shape)")
        self.init(uninitialized: shape, dtype: Element.dtype)
        elements.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            storage.base.copyMemory(from: source, byteCount: bytes.count)
        }
    }

    /// A vector of these elements.
    public init<Element: TensorElement>(_ elements: [Element]) {
        self.init(elements, shape: [elements.count])
    }

    /// A scalar of shape `[]`.
    public init<Element: TensorElement>(_ element: Element) {
        self.init([element], shape: [])
    }

    /// A tensor whose elements all equal `value`, rounded to `dtype`.
    ///
    /// - Precondition: `dtype` is computable.
    public init(repeating value: Double, shape: Shape, dtype: DType = .float32) {
        switch dtype {
        case .float32:
            self.init([Float](repeating: Float(value), count: shape.elementCount), shape: shape)
        case .float64:
            self.init([Double](repeating: value, count: shape.elementCount), shape: shape)
        default: requirementFailure("a tensor of \(dtype) cannot be filled with \(value)")
        }
    }

    /// A read-only view of part of a mapped file, without a copy when the part is aligned to its
    /// element type and with one otherwise. The elements are little-endian.
    ///
    /// - Parameters:
    ///   - file: The file; it stays mapped while the tensor or a view of it lives.
    ///   - byteOffset: Where the first element begins in the file.
    ///   - shape: The sizes of the dimensions.
    ///   - dtype: The type that the file holds.
    /// - Precondition: The elements lie inside the file.
    public init(mapping file: MappedFile, byteOffset: Int, shape: Shape, dtype: DType) {
        let range = byteOffset..<(byteOffset + shape.elementCount * dtype.byteCount)
        let mapped = Storage(file, bytes: range)
        if UInt(bitPattern: mapped.base) % UInt(dtype.byteCount) == 0 {
            self.init(
                storage: mapped, shape: shape, strides: shape.rowMajorStrides, offset: 0,
                dtype: dtype)
        } else {
            self.init(uninitialized: shape, dtype: dtype)
            storage.base.copyMemory(from: mapped.base, byteCount: range.count)
        }
    }

    /// A tensor of little-endian elements copied out of `bytes`, in row-major order.
    ///
    /// - Precondition: There are as many bytes as the elements take.
    public init(copying bytes: UnsafeRawBufferPointer, shape: Shape, dtype: DType) {
        require(
            bytes.count == shape.elementCount * dtype.byteCount,
            "\(bytes.count) bytes do not fill \(dtype) \(shape)")
        self.init(uninitialized: shape, dtype: dtype)
        if let source = bytes.baseAddress {
            storage.base.copyMemory(from: source, byteCount: bytes.count)
        }
    }

    // MARK: Asking about them

    /// The number of dimensions.
    public var rank: Int { shape.rank }

    /// The number of elements.
    public var elementCount: Int { shape.elementCount }

    /// Bytes that the elements take (not the storage, which a view shares).
    public var byteCount: Int { elementCount * dtype.byteCount }

    /// Whether the elements follow one another in row-major order without gaps.
    public var isContiguous: Bool {
        if elementCount == 0 { return true }
        var expected = 1
        for axis in shape.indices.reversed() where shape[axis] != 1 {
            if strides[axis] != expected { return false }
            expected *= shape[axis]
        }
        return true
    }

    /// Whether the elements lie in a mapped file rather than in memory of their own.
    public var isMapped: Bool { !storage.isWritable }

    /// Whether this and `other` are the same elements in the same place, seen the same way.
    ///
    /// Much cheaper than comparing elements. Since a tensor that is held cannot change, one that
    /// was kept tells whether another, such as a parameter's value, is still what it was. Equal
    /// elements in different places are not identical.
    public func isIdentical(to other: Tensor) -> Bool {
        pointer == other.pointer && dtype == other.dtype && shape == other.shape
            && strides == other.strides
    }

    // MARK: Elements

    /// The elements in row-major order.
    ///
    /// - Precondition: `Element` is the type that ``dtype`` names; see ``converted(to:)``.
    public func elements<Element: TensorElement>(
        as type: Element.Type = Element.self
    ) -> [Element] {
        require(type.dtype == dtype, "elements of \(dtype) were asked for as \(type.dtype)")
        // A file may store true as any byte but 0; a Swift Bool must be 0 or 1.
        let bits = dtype == .bool ? converted(to: .uint8) : self
        return bits.withUnsafeBytes { bytes in
            [Element](unsafeUninitializedCapacity: elementCount) { buffer, count in
                count = elementCount
                if let source = bytes.baseAddress, let target = buffer.baseAddress, count > 0 {
                    UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: bytes.count)
                }
            }
        }
    }

    /// The single element, converted to `Double`.
    ///
    /// - Precondition: There is exactly one element.
    public var scalar: Double {
        require(elementCount == 1, "a tensor of shape \(shape) is not a single number")
        return converted(to: .float64).elements(as: Double.self)[0]
    }

    /// Calls `body` with the elements in row-major order, as bytes. A view is gathered first.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let dense = contiguous()
        defer { withExtendedLifetime(dense) {} }
        return try body(UnsafeRawBufferPointer(start: dense.pointer, count: dense.byteCount))
    }

    /// The address of the first element. Valid while the tensor lives.
    var pointer: UnsafeRawPointer {
        UnsafeRawPointer(storage.base + offset * dtype.byteCount)
    }

    /// Makes this tensor the only holder of a writable, contiguous storage and returns the address
    /// of its first element, valid until the tensor is next used otherwise.
    mutating func mutablePointer() -> UnsafeMutableRawPointer {
        if !isContiguous || !storage.isWritable || !isKnownUniquelyReferenced(&storage) {
            self = copied()
        }
        return storage.base + offset * dtype.byteCount
    }
}
