import Tensor
import Testing

/// Mistakes in calling code end the process with a message that has both shapes, in optimised
/// builds too.
@Suite struct PreconditionTests {
    private func expectMessage(
        _ result: ExitTest.Result?, _ parts: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        for part in parts {
            #expect(message.contains(part), sourceLocation: sourceLocation)
        }
    }

    @Test func aReshapeKeepsTheNumberOfElements() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor(zeros: [2, 3]).reshaped([7]) }
        expectMessage(result, "[2, 3]", "[7]")
    }

    @Test func aBroadcastFollowsTheRule() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor(zeros: [2, 3]).broadcast(to: [3, 2]) }
        expectMessage(result, "[2, 3]", "[3, 2]")
    }

    /// The shapes broadcast with each other, but not to the one that was asked for.
    @Test func aBroadcastDoesNotShrink() async {
        await #expect(processExitsWith: .failure) {
            _ = Tensor(zeros: [2, 3]).broadcast(to: [1, 3])
        }
    }

    @Test func aSliceLiesInItsDimension() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor(zeros: [2, 3]).sliced(2..<4, axis: 1) }
        expectMessage(result, "2..<4", "dimension 1", "[2, 3]")
    }

    @Test func anIndexLiesInItsDimension() async {
        await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 3])[2] }
        await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 3])[-1] }
    }

    @Test func aPermutationNamesEachDimensionOnce() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor(zeros: [2, 3]).permuted([0, 0]) }
        expectMessage(result, "[0, 0]", "[2, 3]")
    }

    @Test func elementsFillTheShape() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor([Float(1), 2, 3], shape: [2, 2]) }
        expectMessage(result, "3 elements", "[2, 2]")
    }

    @Test func elementsAreAskedForByTheirType() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor(zeros: [2]).elements(as: Double.self) }
        expectMessage(result, "float32", "float64")
    }

    @Test func aShapeTooLargeToCountIsNamed() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor.Shape([1 << 62, 4]).elementCount }
        expectMessage(result, "[4611686018427387904, 4]")
    }

    @Test func memoryThatCannotExistIsNamed() async {
        let bytes = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor(uninitialized: [1 << 62]) }
        expectMessage(bytes, "no memory", "[4611686018427387904]")
        let address = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor(uninitialized: [1 << 60]) }
        expectMessage(address, "no memory", "4611686018427387904 bytes")
    }

    @Test func linearAlgebraNamesBothShapes() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = try Tensor(zeros: [3, 3]).choleskySolve(Tensor(zeros: [4, 2])) }
        expectMessage(result, "[3, 3]", "[4, 2]")
        let square = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = try Tensor(zeros: [3, 2]).symmetricEigen() }
        expectMessage(square, "square", "[3, 2]")
    }

    @Test func aProductNamesBothShapes() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor.matmul(Tensor(zeros: [2, 3]), Tensor(zeros: [4, 5])) }
        expectMessage(result, "[2, 3]", "[4, 5]", "Tensor+Matmul.swift")
    }

    @Test func aSumNamesBothShapes() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { _ = Tensor(zeros: [2, 3]) + Tensor(zeros: [4]) }
        expectMessage(result, "[2, 3]", "[4]")
    }
}
