import Autograd
import Tensor
import TestSupport
import Testing

/// What the tape records, when it is freed, and how gradients add up on it.
@Suite struct TapeTests {
    private func leaf(_ elements: [Double]) -> (variable: Variable, sink: ReceivedGradient) {
        let sink = ReceivedGradient()
        return (Variable(Tensor(elements), gradientTo: sink), sink)
    }

    private func gradient(_ sink: ReceivedGradient) -> [Double]? { sink.gradient.map(doubles) }

    // The entries are counted for the whole process, so these run in one of their own.

    @Test func constantsRecordNothing() async {
        await #expect(processExitsWith: .success) {
            let x = Variable(Samples.normal([4, 8]))
            let w = Variable(Samples.normal([8, 8]))
            let y = x.linear(weight: w, activation: .gelu).softmax().sum()
            #expect(!y.needsGradient)
            #expect(Variable.tapeEntryCount == 0)
            y.backward()
        }
    }

    @Test func entriesAreOnePerOperationAndAreFreed() async {
        await #expect(processExitsWith: .success) {
            let sink = ReceivedGradient()
            do {
                let x = Variable(Samples.normal([4, 8]), gradientTo: sink)
                #expect(Variable.tapeEntryCount == 1)
                // An operation on constants beside it adds nothing.
                let frozen = Variable(Samples.normal([4, 8], seed: 2)).squared().softmax()
                #expect(Variable.tapeEntryCount == 1)
                let loss = (x.softmax() + frozen).sum()
                #expect(Variable.tapeEntryCount == 4)
                loss.backward()
            }
            #expect(Variable.tapeEntryCount == 0)
            do {
                let x = Variable(Samples.normal([4, 8]), gradientTo: sink)
                _ = (x * x).sum()
            }
            #expect(Variable.tapeEntryCount == 0, "a tape that no backward pass used")
            #expect(sink.count == 1)
        }
    }

    /// Memory that the rules saved is back in the pool after the pass, while the loss still lives.
    @Test func backwardFreesWhatItUsed() async {
        await #expect(processExitsWith: .success) {
            let sink = ReceivedGradient()
            let input = Samples.normal([64, 64])
            let before = Tensor.Memory.statistics.bytesInUse
            var loss = Variable(input, gradientTo: sink)
            for _ in 0..<10 { loss = loss.activated(.tanh) }
            loss = loss.sum()
            let saved = 10 * input.byteCount
            #expect(Tensor.Memory.statistics.bytesInUse >= before + saved - input.byteCount)
            loss.backward()
            // The gradient, and the loss itself.
            #expect(Tensor.Memory.statistics.bytesInUse <= before + input.byteCount + 256)
            withExtendedLifetime(loss) {}
        }
    }

    static let deep = 100_000

    @Test func deepChainIsConsumedByBackward() {
        let (x, sink) = leaf([1, 2])
        var chain = x
        for _ in 0..<Self.deep { chain = chain * 1 }
        chain.sum().backward()
        #expect(gradient(sink) == [1, 1])
    }

    @Test func deepChainIsDroppedUnused() {
        weak var released: ReceivedGradient?
        do {
            let (x, sink) = leaf([1, 2])
            released = sink
            var chain = x
            for _ in 0..<Self.deep { chain = chain * 1 }
            #expect(chain.needsGradient)
        }
        #expect(released == nil)
    }

    /// Each entry is used twice by the next: a release that follows every path would take 2ⁿ steps.
    @Test(arguments: [true, false])
    func deepLadderIsReleased(_ runsBackward: Bool) {
        weak var released: ReceivedGradient?
        do {
            let (x, sink) = leaf([1])
            released = sink
            var chain = x
            for _ in 0..<10_000 { chain = (chain + chain) * 0.5 }
            if runsBackward {
                chain.backward()
                #expect(gradient(sink) == [1])
            }
        }
        #expect(released == nil)
    }

    @Test func deepChainIsReleasedOnASmallStack() async {
        // A task's thread has less stack than the main one.
        let result = await Task.detached {
            let sink = ReceivedGradient()
            var chain = Variable(Tensor([1.0]), gradientTo: sink)
            for _ in 0..<Self.deep { chain = chain * 1 }
            chain.backward()
            return sink.gradient.map(doubles)
        }.value
        #expect(result == [1])
    }

    @Test func diamondAddsUp() {
        let (x, sink) = leaf([3, -2])
        let squared = x.squared()
        // f = x² · x + x² − x, f′ = 3 x² + 2 x − 1
        (squared * x + squared - x).sum().backward()
        #expect(gradient(sink) == [32, 7])
        #expect(sink.count == 1, "a leaf receives one sum, not one part for each use")
    }

    @Test func sameVariableOnBothSides() {
        let (x, sink) = leaf([3, -2])
        (x * x).sum().backward()
        #expect(gradient(sink) == [6, -4])
    }

    @Test func gradientsStopAtDetached() {
        let (x, sink) = leaf([3, -2])
        let constant = x.squared().detached
        #expect(!constant.needsGradient)
        (constant * x).sum().backward()
        #expect(gradient(sink) == [9, 4])
    }

    @Test func seedScalesTheGradient() {
        let (x, sink) = leaf([3, -2])
        x.squared().backward(seed: Tensor([10.0, 100.0]))
        #expect(gradient(sink) == [60, -400])
    }

    @Test func twoLossesOfOneLeafAddUp() {
        let (x, sink) = leaf([3, -2])
        x.squared().sum().backward()
        (x * 5).sum().backward()
        #expect(gradient(sink) == [11, 1])
        #expect(sink.count == 2)
    }

    @Test func leafIsItsOwnGradient() {
        let (x, sink) = leaf([3])
        x.backward()
        x.backward()
        #expect(gradient(sink) == [2])
    }

    @Test func backwardOfAConstantDoesNothing() {
        Variable(Tensor([1.0, 2.0])).backward()
    }

    /// A second pass over a consumed tape would silently lose gradients.
    @Test func secondBackwardIsRefused() async {
        await #expect(processExitsWith: .failure) {
            let x = Variable(Tensor([3.0]), gradientTo: ReceivedGradient())
            let loss = x.squared()
            loss.backward()
            loss.backward()
        }
    }

    @Test func secondLossOfAConsumedTapeIsRefused() async {
        await #expect(processExitsWith: .failure) {
            let x = Variable(Tensor([3.0]), gradientTo: ReceivedGradient())
            let shared = x.squared()
            (shared * 2).backward()
            (shared * 3).backward()
        }
    }

    /// Targets `[2]` would broadcast against outputs `[2, 1]` to four differences.
    @Test func targetsOfAnotherShapeAreRefused() async {
        await #expect(processExitsWith: .failure) {
            _ = Variable(Tensor([1.0, 2.0], shape: [2, 1]))
                .squaredError(targets: Tensor([1.0, 2.0]))
        }
    }

    /// What one rule receives does not alias what another adds to.
    @Test func accumulationChangesNoSharedTensor() {
        let (x, sinkX) = leaf([1, 2])
        let (y, sinkY) = leaf([3, 4])
        let sum = x + y
        (sum * 2 + x * 10).sum().backward()
        #expect(gradient(sinkX) == [12, 12])
        #expect(gradient(sinkY) == [2, 2])
    }

    @Test func ruleIsAskedOnlyOnTheWayToALeaf() {
        let (x, sink) = leaf([3])
        var asked: [String] = []
        let used = Variable(x.value, from: [x]) { dy in
            asked.append("used")
            return [dy]
        }
        let unused = Variable(x.value, from: [x]) { dy in
            asked.append("unused")
            return [dy]
        }
        used.backward()
        #expect(asked == ["used"])
        #expect(gradient(sink) == [1])
        withExtendedLifetime(unused) {}
    }
}
