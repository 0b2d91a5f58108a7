@testable import Tensor
import Testing

@Suite struct ViewTests {
    /// Element types of each size, which `copied()` gathers in different ways.
    static let dtypes: [Tensor.DType] = [
        .uint8, .bool, .int16, .bfloat16, .float32, .int64, .float64,
    ]

    /// Small enough that every element type holds every number exactly (bool apart).
    static let shapes: [[Int]] = [[2, 3, 4], [5], [1, 7], [3, 1, 2, 2], [4, 0, 3], [6, 5]]

    private func expectEqual(
        _ tensor: Tensor, _ reference: ReferenceArray, _ dtype: Tensor.DType,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let expected =
            dtype == .bool
            ? ReferenceArray(
                shape: reference.shape, values: reference.values.map { $0 == 0 ? 0 : 1 })
            : reference
        #expect(ReferenceArray(tensor) == expected, sourceLocation: sourceLocation)
        #expect(tensor.contiguous().isContiguous, sourceLocation: sourceLocation)
        #expect(tensor.dtype == dtype, sourceLocation: sourceLocation)
    }

    @Test(arguments: dtypes, shapes)
    func everyPermutationMatchesTheReference(dtype: Tensor.DType, shape: [Int]) {
        let reference = ReferenceArray(counting: shape)
        let tensor = reference.tensor(dtype)
        for order in permutations(Array(shape.indices)) {
            let view = tensor.permuted(order)
            expectEqual(view, reference.permuted(order), dtype)
            #expect(view.storage === tensor.storage)
        }
    }

    @Test(arguments: dtypes, shapes)
    func everySliceMatchesTheReference(dtype: Tensor.DType, shape: [Int]) {
        let reference = ReferenceArray(counting: shape)
        let tensor = reference.tensor(dtype)
        for axis in shape.indices {
            for lower in 0...shape[axis] {
                for upper in lower...shape[axis] {
                    let view = tensor.sliced(lower..<upper, axis: axis)
                    expectEqual(view, reference.sliced(lower..<upper, axis: axis), dtype)
                    #expect(view.storage === tensor.storage)
                }
            }
        }
    }

    @Test(arguments: dtypes, [[2, 3, 4], [5], [6, 5], [2, 0]])
    func everyRowMatchesTheReference(dtype: Tensor.DType, shape: [Int]) {
        let reference = ReferenceArray(counting: shape)
        let tensor = reference.tensor(dtype)
        for row in 0..<shape[0] {
            expectEqual(tensor[row], reference[row], dtype)
            #expect(tensor[row].storage === tensor.storage)
        }
    }

    @Test(arguments: [
        ([], [2, 3]), ([], []), ([1], [4]), ([3], [2, 3]), ([2, 1], [2, 5]), ([1, 1], [3, 4]),
        ([2, 1, 3], [4, 2, 5, 3]), ([1], [0]), ([0], [3, 0]), ([1, 3], [1, 1, 3]),
    ])
    func broadcastsMatchTheReference(shape: [Int], target: [Int]) {
        let reference = ReferenceArray(counting: shape)
        for dtype in Self.dtypes {
            let tensor = reference.tensor(dtype)
            let view = tensor.broadcast(to: Tensor.Shape(target))
            expectEqual(view, reference.broadcast(to: target), dtype)
            #expect(view.storage === tensor.storage)
        }
    }

    /// Chains of random views, as layers above produce them.
    @Test(arguments: 0..<40)
    func chainsOfViewsMatchTheReference(seed: Int) {
        var generator = SeededGenerator(state: UInt64(seed))
        let dtype = Self.dtypes[seed % Self.dtypes.count]
        var reference = ReferenceArray(counting: [3, 4, 2, 4])
        var tensor = reference.tensor(dtype)
        for _ in 0..<8 {
            let shape = reference.shape
            switch Int.random(in: 0..<5, using: &generator) {
            case 0:
                let order = Array(shape.indices).shuffled(using: &generator)
                (reference, tensor) = (reference.permuted(order), tensor.permuted(order))
            case 1 where !shape.isEmpty:
                let axis = Int.random(in: 0..<shape.count, using: &generator)
                let lower = Int.random(in: 0...shape[axis] / 3, using: &generator)
                let upper = Int.random(
                    in: min(lower + 1, shape[axis])...shape[axis], using: &generator)
                reference = reference.sliced(lower..<upper, axis: axis)
                tensor = tensor.sliced(lower..<upper, axis: axis)
            case 2 where shape.count > 1:
                let row = Int.random(in: 0..<shape[0], using: &generator)
                (reference, tensor) = (reference[row], tensor[row])
            case 3 where reference.values.count <= 200:
                let target = [2] + shape
                reference = reference.broadcast(to: target)
                tensor = tensor.broadcast(to: Tensor.Shape(target))
            default:
                let target =
                    shape.count > 1 ? [shape[0] * shape[1]] + shape.dropFirst(2) : [1] + shape
                reference = reference.reshaped(target)
                tensor = tensor.reshaped(Tensor.Shape(target))
            }
            expectEqual(tensor, reference, dtype)
            expectEqual(tensor.copied(), reference, dtype)
        }
    }

    @Test func aReshapeCopiesOnlyWhatIsNotContiguous() {
        let tensor = ReferenceArray(counting: [4, 6]).tensor(.float32)
        #expect(tensor.reshaped([2, 12]).storage === tensor.storage)
        #expect(tensor.sliced(1..<3).reshaped([12]).storage === tensor.storage)
        #expect(tensor.transposed().reshaped([24]).storage !== tensor.storage)
        #expect(tensor.sliced(0..<2, axis: 1).reshaped([8]).storage !== tensor.storage)
    }

    @Test func contiguityIgnoresDimensionsOfSizeOne() {
        let tensor = ReferenceArray(counting: [4, 6]).tensor(.float32)
        #expect(tensor.isContiguous)
        #expect(tensor.sliced(1..<3).isContiguous)
        #expect(!tensor.sliced(0..<5, axis: 1).isContiguous)
        #expect(tensor.sliced(2..<3).sliced(1..<4, axis: 1).isContiguous)
        #expect(!tensor.transposed().isContiguous)
        #expect(tensor.sliced(1..<2).transposed().isContiguous)
        #expect(!tensor.sliced(1..<2, axis: 1).isContiguous)
        #expect(tensor.sliced(1..<2, axis: 1)[3].isContiguous)
        #expect(!Tensor([Float(1)]).broadcast(to: [3]).isContiguous)
        #expect(Tensor([Float(1)]).broadcast(to: [1, 1, 1]).isContiguous)
        #expect(tensor.sliced(2..<2).isContiguous && tensor.sliced(6..<6, axis: 1).isContiguous)
    }

    @Test func scalarsHaveNoDimensions() {
        let scalar = Tensor(Float(2.5))
        #expect(scalar.shape == [] && scalar.rank == 0 && scalar.elementCount == 1)
        #expect(scalar.strides == [] && scalar.isContiguous && scalar.scalar == 2.5)
        #expect(scalar.permuted([]).scalar == 2.5 && scalar.copied().scalar == 2.5)
        #expect(scalar.reshaped([1, 1]).shape == [1, 1])
        #expect(Tensor([Float(1), 2.5])[1].scalar == 2.5)
        #expect(scalar.converted(to: .int8).elements() == [Int8(2)])
    }
}

private func permutations(_ items: [Int]) -> [[Int]] {
    guard let first = items.first else { return [[]] }
    return permutations(Array(items.dropFirst())).flatMap { rest in
        (0...rest.count).map { position in
            var order = rest
            order.insert(first, at: position)
            return order
        }
    }
}
