import Foundation
import Tensor

/// An array whose operations are written with one index a time: what views are checked by.
struct ReferenceArray: Equatable {
    let shape: [Int]
    let values: [Int]

    /// The array whose element at each index is `element(index)`.
    init(shape: [Int], _ element: ([Int]) -> Int) {
        self.shape = shape
        values = Self.indices(of: shape).map(element)
    }

    /// The numbers 0, 1, 2, … in row-major order.
    init(counting shape: [Int]) {
        self.shape = shape
        values = Array(0..<shape.reduce(1, *))
    }

    init(shape: [Int], values: [Int]) {
        self.shape = shape
        self.values = values
    }

    init(_ tensor: Tensor) {
        shape = Array(tensor.shape)
        values = tensor.converted(to: .int64).elements(as: Int64.self).map(Int.init)
    }

    /// All indices of a shape, the last dimension changing fastest.
    static func indices(of shape: [Int]) -> [[Int]] {
        shape.reduce([[]]) { prefixes, size in
            prefixes.flatMap { prefix in (0..<size).map { prefix + [$0] } }
        }
    }

    subscript(index: [Int]) -> Int {
        values[zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }]
    }

    func reshaped(_ newShape: [Int]) -> ReferenceArray {
        ReferenceArray(shape: newShape, values: values)
    }

    func permuted(_ order: [Int]) -> ReferenceArray {
        ReferenceArray(shape: order.map { shape[$0] }) { index in
            var source = index
            for (position, axis) in order.enumerated() { source[axis] = index[position] }
            return self[source]
        }
    }

    func sliced(_ range: Range<Int>, axis: Int) -> ReferenceArray {
        var newShape = shape
        newShape[axis] = range.count
        return ReferenceArray(shape: newShape) { index in
            var source = index
            source[axis] += range.lowerBound
            return self[source]
        }
    }

    subscript(row: Int) -> ReferenceArray {
        ReferenceArray(shape: Array(shape.dropFirst())) { self[[row] + $0] }
    }

    func broadcast(to newShape: [Int]) -> ReferenceArray {
        let added = newShape.count - shape.count
        return ReferenceArray(shape: newShape) { index in
            self[shape.indices.map { shape[$0] == 1 ? 0 : index[added + $0] }]
        }
    }

    /// As a contiguous tensor.
    func tensor(_ dtype: Tensor.DType) -> Tensor {
        Tensor(values.map(Int64.init), shape: Tensor.Shape(shape)).converted(to: dtype)
    }
}

/// What a fixture's generator wrote.
func fixture<Content: Decodable>(_ path: String) throws -> Content {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/\(path)"))
    return try JSONDecoder().decode(Content.self, from: data)
}

/// Numbers that a seed fixes (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }
}
