import Tensor
import Testing

@Suite struct ShapeTests {
    private struct Pair: Decodable {
        let a: [Int], b: [Int], result: [Int]?
    }

    @Test func broadcastingFollowsNumPy() throws {
        let pairs: [Pair] = try fixture("Broadcasting/reference.json")
        #expect(pairs.count == 46 * 46)
        for pair in pairs {
            let result = Tensor.Shape(pair.a).broadcast(with: Tensor.Shape(pair.b))
            #expect(result == pair.result.map(Tensor.Shape.init), "\(pair.a) and \(pair.b)")
        }
    }

    @Test(arguments: [
        ([], 1), ([0], 0), ([7], 7), ([2, 3, 4], 24), ([5, 0, 2], 0), ([1, 1, 1], 1),
    ])
    func elementsAreCounted(sizes: [Int], count: Int) {
        let shape = Tensor.Shape(sizes)
        #expect(shape.elementCount == count && shape.rank == sizes.count)
        #expect(Array(shape) == sizes && shape.description == "\(sizes)")
        let tensor = Tensor(zeros: shape)
        #expect(tensor.elementCount == count && tensor.byteCount == 4 * count)
        #expect(tensor.isContiguous)
    }

    /// The product of the sizes overflows before the 0 is met, or after it.
    @Test(arguments: [[0, 1 << 62, 4], [1 << 62, 4, 0], [1 << 62, 0, 4]])
    func aSizeOfZeroBesideHugeOnesHoldsNothing(sizes: [Int]) {
        let shape = Tensor.Shape(sizes)
        #expect(shape.elementCount == 0)
        let tensor = Tensor(zeros: shape)
        #expect(tensor.isContiguous && tensor.copied().shape == shape)
        #expect(tensor.elements(as: Float.self).isEmpty)
        #expect(tensor.converted(to: .int8).shape == shape)
        #expect(tensor.transposed().contiguous().elementCount == 0)
        #expect(tensor.reshaped([0]).shape == [0])
    }

    @Test func aHugeViewOfOneElementIsCounted() {
        let view = Tensor(Float(3)).broadcast(to: [1 << 31, 1 << 31])
        #expect(view.elementCount == 1 << 62)
        #expect(!view.isContiguous)
        #expect(
            view.sliced(5..<6).sliced((1 << 31) - 2..<(1 << 31), axis: 1).elements() == [
                Float(3), 3,
            ])
    }

    @Test func shapesCompareBySizes() {
        #expect(Tensor.Shape([2, 3]) == [2, 3])
        #expect(Tensor.Shape([2, 3]) != [3, 2])
        #expect(Tensor.Shape([]) != [1])
        #expect(Set<Tensor.Shape>([[1], [1], [1, 1]]).count == 2)
    }
}
