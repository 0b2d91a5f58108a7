@testable import Tensor
import Testing

@Suite struct CopyOnWriteTests {
    private func write(_ value: Float, into tensor: inout Tensor) {
        tensor.mutablePointer().assumingMemoryBound(to: Float.self).pointee = value
    }

    @Test func aSecondHolderKeepsItsValue() {
        var first = Tensor([Float(1), 2, 3])
        let second = first
        #expect(first.storage === second.storage)
        write(9, into: &first)
        #expect(first.elements() == [Float(9), 2, 3])
        #expect(second.elements() == [Float(1), 2, 3])
        #expect(first.storage !== second.storage)
    }

    @Test func theOnlyHolderWritesInPlace() {
        var tensor = Tensor([Float(1), 2, 3])
        let address = tensor.pointer
        write(9, into: &tensor)
        #expect(tensor.pointer == address)
        #expect(tensor.elements() == [Float(9), 2, 3])
    }

    @Test func aViewNeverWritesThrough() {
        let whole = Tensor([Float(1), 2, 3, 4, 5, 6], shape: [2, 3])
        for view in [
            whole[1], whole.transposed(), whole.sliced(1..<3, axis: 1), whole.reshaped([6]),
            whole.broadcast(to: [2, 2, 3]), whole.contiguous(), whole.converted(to: .float32),
        ] {
            var written = view
            let before = view.elements(as: Float.self)
            write(-1, into: &written)
            #expect(written.elements(as: Float.self) == [-1] + before.dropFirst())
            #expect(view.elements(as: Float.self) == before)
            #expect(whole.elements() == [Float(1), 2, 3, 4, 5, 6])
        }
    }

    @Test func aViewThatOutlivesItsWholeWritesInItsOwnPlace() {
        var row = Tensor([Float(1), 2, 3, 4], shape: [2, 2])[1]
        let address = row.pointer
        write(9, into: &row)
        #expect(row.pointer == address)
        #expect(row.elements() == [Float(9), 4])
    }

    /// Identity is of place and layout, not of elements; writing ends it.
    @Test func aTensorIsIdenticalUntilItIsWritten() {
        var first = Tensor([Float(1), 2, 3, 4], shape: [2, 2])
        let second = first
        #expect(first.isIdentical(to: second))
        #expect(first[1].isIdentical(to: second[1]) && !first[1].isIdentical(to: second[0]))
        #expect(!first.isIdentical(to: first.transposed()))
        #expect(!first.isIdentical(to: first.reshaped([4])))
        #expect(!first.isIdentical(to: first.copied()))
        write(1, into: &first)
        #expect(first.elements() == second.elements(as: Float.self))
        #expect(!first.isIdentical(to: second))
    }

    /// Writing one position of a broadcast view must not write the others.
    @Test func aBroadcastViewIsSpreadBeforeAWrite() {
        var view = Tensor([Float(1)]).broadcast(to: [3])
        write(9, into: &view)
        #expect(view.elements() == [Float(9), 1, 1])
    }

    @Test func anEmptyTensorHasAnAddress() {
        var empty = Tensor(zeros: [0, 3])
        _ = empty.mutablePointer()
        #expect(empty.elements(as: Float.self).isEmpty)
    }
}
