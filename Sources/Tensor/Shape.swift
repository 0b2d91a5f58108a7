extension Tensor {
    /// The sizes of a tensor's dimensions, outermost first. A scalar's shape is `[]`.
    public struct Shape: Sendable, Hashable, RandomAccessCollection, ExpressibleByArrayLiteral,
        CustomStringConvertible
    {
        /// The sizes, outermost first.
        public let sizes: [Int]

        /// A shape of these sizes.
        ///
        /// - Precondition: No size is negative.
        public init(_ sizes: [Int]) {
            require(sizes.allSatisfy { $0 >= 0 }, "a shape has a negative size: \(sizes)")
            self.sizes = sizes
        }

        /// A shape of these sizes.
        public init(arrayLiteral elements: Int...) { self.init(elements) }

        /// The position of the outermost dimension.
        public var startIndex: Int { 0 }
        /// The number of dimensions.
        public var endIndex: Int { sizes.count }
        /// The size of dimension `index`, counted from the outermost.
        public subscript(index: Int) -> Int { sizes[index] }

        /// The number of dimensions.
        public var rank: Int { sizes.count }

        /// The number of elements: the product of the sizes, 1 for a scalar.
        ///
        /// - Precondition: It fits an `Int`.
        public var elementCount: Int {
            var product = 1
            for size in sizes {
                let (next, overflow) = product.multipliedReportingOverflow(by: size)
                if overflow {
                    require(contains(0), "the elements of the shape \(self) are too many")
                    return 0
                }
                product = next
            }
            return product
        }

        /// Element strides of the contiguous row-major layout.
        var rowMajorStrides: [Int] {
            var strides = [Int](repeating: 1, count: sizes.count)
            for axis in sizes.indices.dropLast().reversed() {
                // Only beside a size of 0 can this overflow, and then there is nothing to reach.
                strides[axis] = strides[axis + 1] &* Swift.max(sizes[axis + 1], 1)
            }
            return strides
        }

        /// The shape that this and `other` broadcast to, or nil if they do not fit: sizes are
        /// compared from the innermost outwards, and equal or 1 fits (NumPy's rule).
        public func broadcast(with other: Shape) -> Shape? {
            let rank = Swift.max(rank, other.rank)
            var result = [Int](repeating: 1, count: rank)
            for back in 1..<(rank + 1) {
                let a = back <= self.rank ? sizes[self.rank - back] : 1
                let b = back <= other.rank ? other.sizes[other.rank - back] : 1
                guard a == b || a == 1 || b == 1 else { return nil }
                result[rank - back] = a == 1 ? b : a
            }
            return Shape(result)
        }

        /// Such as `[32, 384]`.
        public var description: String { "\(sizes)" }
    }
}
