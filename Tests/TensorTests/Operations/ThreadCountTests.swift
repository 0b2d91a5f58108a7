import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Tensor

/// An operation large enough to be split into tiles, and all that it computes.
struct TiledOperation: Sendable, CustomTestStringConvertible {
    let name: String
    let run: @Sendable (Tensor.DType) -> [Tensor]
    var testDescription: String { name }

    init(_ name: String, _ run: @escaping @Sendable (Tensor.DType) -> [Tensor]) {
        (self.name, self.run) = (name, run)
    }

    private static let drawn = Locked<[String: Tensor]>([:])

    /// Drawn once, as the operations are run many times.
    private static func normal(
        _ shape: Tensor.Shape, seed: UInt64, dtype: Tensor.DType
    ) -> Tensor {
        drawn.withLock { drawn in
            let key = "\(shape) \(seed) \(dtype)"
            if let known = drawn[key] { return known }
            let new = Samples.awayFromZero(shape, gap: 1e-3, seed: seed, dtype: dtype)
            drawn[key] = new
            return new
        }
    }

    private static func number(_ value: Double) -> Tensor { Tensor(value) }

    private static let segments = Segments(lengths: [70, 1, 130, 33, 64])
    private static let manySegments = Segments(lengths: (0..<40).map { $0 % 7 + 1 })

    private static func attention(_ segments: Segments, _ dtype: Tensor.DType) -> [Tensor] {
        let parts = (1...4).map {
            normal([segments.rowCount, 60], seed: $0, dtype: dtype)
        }
        let settings = Tensor.AttentionSettings(
            segments: segments, heads: 3,
            dropout: DropoutMask(rate: 0.2, seed: 1, layer: 2, step: 3))
        let (output, logSums) = Tensor.attention(
            query: parts[0], key: parts[1], value: parts[2], settings: settings)
        let gradients = parts[3].attentionGradient(
            query: parts[0], key: parts[1], value: parts[2], logSums: logSums,
            settings: settings)
        return [output, logSums, gradients.query, gradients.key, gradients.value]
    }

    private static func convolution(
        _ shape: Tensor.Shape, _ outputs: Int, _ size: Int, _ stride: Int, groups: Int,
        _ dtype: Tensor.DType
    ) -> [Tensor] {
        let x = normal(shape, seed: 1, dtype: dtype)
        let weight = normal([outputs, shape[3] / groups, size, size], seed: 2, dtype: dtype)
        let window = Tensor.Window(size, stride: stride, padding: .same)
        let y = x.convolved(
            weight: weight, window: window, groups: groups,
            output: .init(bias: normal([outputs], seed: 3, dtype: dtype), activation: .relu6))
        return [
            y,
            y.convolutionInputGradient(
                weight: weight, window: window, groups: groups, shape: shape),
            y.convolutionWeightGradient(input: x, window: window, groups: groups),
        ]
    }

    static let all = [
        TiledOperation("elementwise") { dtype in
            let a = normal([50_000], seed: 1, dtype: dtype)
            let b = normal([50_000], seed: 2, dtype: dtype)
            var sum = a
            sum.accumulate(b, scale: 0.3)
            sum.scale(by: 1.1)
            return [a + b, a - b, a * b, a / b, a * 3, a.exp(), a.squared(), -a, sum]
        },
        TiledOperation("broadcasting") { dtype in
            let a = normal([700, 70], seed: 1, dtype: dtype)
            let b = normal([70], seed: 2, dtype: dtype)
            return [a + b, a * b.reshaped([1, 70]), a - a.sum(axis: 1).reshaped([700, 1])]
        },
        TiledOperation("activations") { dtype in
            let x = normal([40_000], seed: 1, dtype: dtype)
            return Activation.allCases.flatMap {
                [x.activated($0), x.activationGradient($0, input: x)]
            }
        },
        TiledOperation("reductions") { dtype in
            let a = normal([300, 400], seed: 1, dtype: dtype)
            return [
                number(a.sum()), number(a.mean()), number(a.sumOfSquares()), number(a.maximum()),
                number(a.dot(a)), a.sum(axis: 0), a.sum(axis: 1), a.mean(axis: 0),
                a.reshaped([3, 100, 400]).sum(axis: 1),
            ]
        },
        TiledOperation("products") { dtype in
            let a = normal([300, 130], seed: 1, dtype: dtype)
            let b = normal([130, 200], seed: 2, dtype: dtype)
            let wide = normal([130, 1200], seed: 3, dtype: dtype)
            return [
                Tensor.matmul(a, b), Tensor.matmul(a, wide),
                Tensor.matmul(b, a, transposingA: true, transposingB: true),
                Tensor.matmul(wide, a, transposingA: true, transposingB: true),
            ]
        },
        TiledOperation("linear maps") { dtype in
            let x = normal([500, 70], seed: 1, dtype: dtype)
            let weight = normal([90, 70], seed: 2, dtype: dtype)
            let bias = normal([90], seed: 3, dtype: dtype)
            let results = x.linear(
                weight: weight, bias: bias, activation: .gelu, keepingInput: true)
            return [results.output] + (results.activated.map { [$0] } ?? [])
        },
        TiledOperation("normalisations") { dtype in
            let x = normal([700, 100], seed: 1, dtype: dtype)
            let gamma = normal([100], seed: 2, dtype: dtype)
            let (output, statistics) = x.layerNormalized(gamma: gamma, beta: gamma, epsilon: 1e-5)
            let gradients = output.layerNormGradient(
                input: x, statistics: statistics, gamma: gamma)
            let soft = x.softmax()
            return [
                output, statistics.mean, statistics.reciprocalDeviation, gradients.input,
                gradients.gamma, gradients.beta, soft, x.softmaxGradient(output: soft),
            ]
        },
        TiledOperation("convolutions") { dtype in
            [(3, 1), (5, 2)].flatMap { size, stride in
                convolution([3, 40, 37, 24], 12, size, stride, groups: 1, dtype)
                    + convolution([3, 40, 37, 24], 24, size, stride, groups: 24, dtype)
                    + convolution([2, 20, 17, 24], 12, size, stride, groups: 3, dtype)
                    // Many weights, which are multiplied in another way.
                    + convolution([2, 19, 17, 40], 80, size, stride, groups: 1, dtype)
            } + convolution([3, 40, 37, 24], 12, 1, 1, groups: 1, dtype)
                + convolution([3, 9, 8, 260], 260, 1, 1, groups: 1, dtype)
        },
        TiledOperation("normalised channels") { dtype in
            let x = normal([3, 40, 37, 24], seed: 1, dtype: dtype)
            let (mean, variance) = x.channelMoments()
            let map = ChannelMap(mean: mean, scale: variance, shift: mean)
            let sums = x.mapGradientSums(map, input: x, activation: .relu6)
            return [
                mean, variance, x.mapped(map, activation: .silu), sums.shift, sums.scale,
                x.mapGradient(map, input: x, activation: .relu6, adding: (mean, variance)),
            ]
        },
        TiledOperation("pooling") { dtype in
            let x = normal([3, 40, 37, 24], seed: 1, dtype: dtype)
            let window = Tensor.Window(3, stride: 2, padding: 1)
            let (largest, means) = (x.maximumPooled(window), x.averagePooled(window))
            return [
                largest, means,
                largest.maximumPoolingGradient(window, input: x, output: largest),
                means.averagePoolingGradient(window, shape: x.shape),
            ]
        },
        TiledOperation("attention over few segments") { attention(segments, $0) },
        TiledOperation("attention over many segments") { attention(manySegments, $0) },
        TiledOperation("dropout") { dtype in
            let x = normal([50_000], seed: 1, dtype: dtype)
            let mask = DropoutMask(rate: 0.3, seed: 1, layer: 2, step: 3)
            return [x.dropped(mask), x.dropped(mask, adding: x)]
        },
        TiledOperation("rows") { dtype in
            let x = normal([500, 200], seed: 1, dtype: dtype)
            let indices = (0..<1500).map { Int32($0 * $0 % 499) }
            var sums = Tensor(zeros: [500, 200], dtype: dtype)
            sums.scatterAdd(x.gatheringRows(indices), at: indices)
            let rows = Segments(lengths: [100, 1, 399])
            let means = x.segmentMeans(rows)
            return [x.gatheringRows(indices), sums, means, means.segmentMeansGradient(rows)]
        },
        TiledOperation("optimizers") { dtype in
            var parameter = normal([50_000], seed: 1, dtype: dtype)
            let gradient = normal([50_000], seed: 2, dtype: dtype)
            var (first, second) = (gradient * 0.1, gradient.squared())
            parameter.apply(
                Tensor.AdamWStep(
                    learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1,
                    step: 2, gradientScale: 0.5),
                gradient: gradient, moment1: &first, moment2: &second)
            parameter.apply(
                Tensor.SGDStep(
                    learningRate: 0.1, momentum: 0.9, weightDecay: 0.1, isFirst: false,
                    gradientScale: 0.5), gradient: gradient, velocity: &first)
            return [parameter, first, second]
        },
    ]
}

/// The number of threads, and what else runs, changes no bit.
@Suite struct ThreadCountTests {
    @Test(arguments: TiledOperation.all, computableTypes)
    func threadsChangeNoBit(_ operation: TiledOperation, _ dtype: Tensor.DType) {
        let alone = Tensor.Threads.limited(to: 1) { operation.run(dtype) }
        // Two more than one per core, and many more.
        for count in [2, 3, Tensor.Threads.available + 2, 16] {
            let results = Tensor.Threads.limited(to: count) { operation.run(dtype) }
            #expect(zip(results, alone).allSatisfy(sameBits), "with \(count) threads")
        }
    }

    @Test(arguments: computableTypes)
    func tasksAtOnceComputeWhatTheyDoAlone(_ dtype: Tensor.DType) async {
        let operations = TiledOperation.all
        let alone = operations.map { $0.run(dtype) }
        await withTaskGroup(of: Bool.self) { group in
            for task in 0..<4 {
                group.addTask {
                    Tensor.Threads.limited(to: task + 1) {
                        operations.indices.allSatisfy { index in
                            let place = (index + task * 3) % operations.count
                            return zip(operations[place].run(dtype), alone[place])
                                .allSatisfy(sameBits)
                        }
                    }
                }
            }
            for await same in group { #expect(same) }
        }
    }

    @Test func threadsAtOnceComputeWhatTheyDoAlone() {
        let operations = TiledOperation.all
        let alone = operations.map { $0.run(.float32) }
        let wrong = Locked<[String]>([])
        let done = DispatchGroup()
        for thread in 0..<3 {
            done.enter()
            Thread.detachNewThread {
                for index in operations.indices {
                    let place = (index + thread * 5) % operations.count
                    let results = operations[place].run(.float32)
                    if !zip(results, alone[place]).allSatisfy(sameBits) {
                        wrong.withLock { $0.append(operations[place].name) }
                    }
                }
                done.leave()
            }
        }
        done.wait()
        #expect(wrong.withLock { $0 } == [])
    }

    /// Inside a tile an operation stays on its thread.
    @Test(arguments: TiledOperation.all)
    func operationsInsideTiles(_ operation: TiledOperation) {
        let alone = operation.run(.float32)
        let same = Locked<[Int]>([])
        Tensor.Threads.limited(to: 4) {
            parallel(tiles: 6) { tile in
                let agrees = zip(operation.run(.float32), alone).allSatisfy(sameBits)
                if agrees { same.withLock { $0.append(tile) } }
            }
        }
        #expect(same.withLock { $0.sorted() } == [0, 1, 2, 3, 4, 5])
    }

    @Test(arguments: [0, 1, 2, 3, 7, 64, 1000])
    func everyTileRunsOnce(_ tiles: Int) {
        for threads in [1, 2, 5, 40] {
            let counts = Locked([Int](repeating: 0, count: tiles))
            Tensor.Threads.limited(to: threads) {
                parallel(tiles: tiles) { tile in counts.withLock { $0[tile] += 1 } }
            }
            #expect(counts.withLock { $0 } == [Int](repeating: 1, count: tiles))
        }
    }

    /// Many short jobs on more threads than cores: some workers come when a job is over.
    @Test func lateWorkersDoNoHarm() {
        var total = 0
        Tensor.Threads.limited(to: 12) {
            for _ in 0..<20_000 {
                let sum = Atomic(0)
                parallel(tiles: 12) { sum.add($0, ordering: .relaxed) }
                total += sum.load(ordering: .relaxed)
            }
        }
        #expect(total == 20_000 * 66)
    }

    @Test func limitsNest() async {
        let all = Tensor.Threads.count
        #expect(all == Tensor.Threads.available && all >= 1)
        Tensor.Threads.limited(to: 3) {
            #expect(Tensor.Threads.count == 3)
            Tensor.Threads.limited(to: 1) { #expect(Tensor.Threads.count == 1) }
            #expect(Tensor.Threads.count == 3)
        }
        // A task inherits the limit of where it was made, also when it runs later.
        let task = Tensor.Threads.limited(to: 2) { Task { Tensor.Threads.count } }
        #expect(await task.value == 2)
        #expect(Tensor.Threads.count == all)
    }

    /// The level is chosen when the process starts: the whole suite is run once for each.
    @Test func levelIsTheOneAskedFor() {
        let levels = ["baseline", "avx2", "avx512"]
        #expect(levels.contains(Tensor.cpuLevel))
        if let wanted = ProcessInfo.processInfo.environment["FINETUNE_CPU_LEVEL"],
            let limit = levels.firstIndex(of: wanted),
            let chosen = levels.firstIndex(of: Tensor.cpuLevel)
        {
            #expect(chosen <= limit)
        }
    }
}
