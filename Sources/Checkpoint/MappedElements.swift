import Tensor

/// Where the elements of a tensor lie in a mapped file, and how.
struct MappedElements: Sendable {
    /// Where the first one begins.
    let byteOffset: Int
    let shape: Tensor.Shape
    /// Elements between neighbours along each dimension, none negative; nil means row-major order.
    var strides: [Int]? = nil
    let dtype: Tensor.DType
    var isBigEndian = false

    /// The tensor: a view of the file if the elements lie there as in memory, and otherwise a copy.
    ///
    /// - Precondition: All elements lie in the file.
    func tensor(in file: MappedFile) -> Tensor {
        let isSwapped = isBigEndian && dtype.byteCount > 1
        guard !isSwapped, isContiguous else { return gathered(from: file) }
        let tensor = Tensor(
            mapping: file, byteOffset: byteOffset, shape: shape, dtype: dtype)
        guard dtype == .bool else { return tensor }
        // Swift's `Bool` must be 0 or 1. A tensor that holds other bytes is copied, with 1 for them.
        let bytes = file.bytes[byteOffset..<(byteOffset + shape.elementCount)]
        return bytes.contains { $0 > 1 } ? Tensor(bytes.map { $0 != 0 }, shape: shape) : tensor
    }

    private var isContiguous: Bool {
        guard let strides, !shape.contains(0) else { return true }
        var expected = 1
        for axis in shape.indices.reversed() where shape[axis] != 1 {
            if strides[axis] != expected { return false }
            expected *= shape[axis]
        }
        return true
    }

    private func gathered(from file: MappedFile) -> Tensor {
        switch dtype.byteCount {
        case 1: gathered(UInt8.self, from: file)
        case 2: gathered(UInt16.self, from: file)
        case 4: gathered(UInt32.self, from: file)
        default: gathered(UInt64.self, from: file)
        }
    }

    private func gathered<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _: Bits.Type, from file: MappedFile
    ) -> Tensor {
        var elements: [Bits] = []
        elements.reserveCapacity(shape.elementCount)
        let width = shape.last ?? 1
        let strides = reachingStrides
        let step = (strides?.last ?? 1) * dtype.byteCount
        forEachRow(strides) { start in
            for column in 0..<width {
                let bits = file.bytes.loadUnaligned(
                    fromByteOffset: byteOffset + start * dtype.byteCount + column * step,
                    as: Bits.self)
                elements.append(isBigEndian ? bits.byteSwapped : bits)
            }
        }
        if dtype == .bool { elements = elements.map { $0 == 0 ? 0 : 1 } }
        return elements.withUnsafeBytes { Tensor(copying: $0, shape: shape, dtype: dtype) }
    }

    /// The strides, but 0 along dimensions of size 1, where a file may say anything.
    private var reachingStrides: [Int]? {
        strides.map { zip(shape, $0).map { size, stride in size > 1 ? stride : 0 } }
    }

    /// Calls `body` with the position of the first element of each row (a run along the innermost
    /// dimension), in row-major order, relative to the first element.
    private func forEachRow(_ strides: [Int]?, _ body: (Int) -> Void) {
        guard !shape.contains(0) else { return }
        guard let strides else {
            let width = max(shape.last ?? 1, 1)
            return (0..<(shape.elementCount / width)).forEach { body($0 * width) }
        }
        guard shape.rank > 0 else { return body(0) }
        var index = [Int](repeating: 0, count: shape.rank - 1)
        var position = 0
        while true {
            body(position)
            var axis = shape.rank - 2
            while axis >= 0 {
                index[axis] += 1
                position += strides[axis]
                if index[axis] < shape[axis] { break }
                position -= shape[axis] * strides[axis]
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
