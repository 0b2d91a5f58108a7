@testable import FineTune
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a training step asks the system for, after the first ones: nothing. Each test runs in a
/// process of its own, because buffers and page faults are counted for the whole process.
///
/// Two things outside a step add to the counts. The system faults pages of its own accord when it
/// moves them or takes some back; and two threads may need scratch memory at the same time, which
/// they happened not to do before. Neither happens in every stretch of ten steps, so one stretch
/// that needs nothing shows that the steps do not. On one thread allocations have no such excuse.
@Suite(.disabled(if: Sanitizer.endsPooling)) struct SteadyStepTests {
    @Test(arguments: [1, 2])
    func stepsOfOneSizeNeedNothing(threads: Int) async {
        await #expect(processExitsWith: .success) { [threads] in
            let batch = Array(0..<8)
            let needs = try needs(
                warmUp: [[Int]](repeating: batch, count: 30),
                steps: [[Int]](repeating: batch, count: 200), threads: threads)
            #expect(needs.allocations.min() == 0, "\(needs)")
            #expect(threads > 1 || needs.allocations.max() == 0, "\(needs)")
            #expect(needs.faults.min() == 0, "\(needs)")
        }
    }

    /// Steps that take the features of frozen stages from the cache.
    @Test(arguments: [0, 1])
    func stepsOnKeptFeaturesNeedNothing(trained: Int) async {
        await #expect(processExitsWith: .success) { [trained] in
            let batch = Array(0..<8)
            let needs = try needs(
                warmUp: [[Int]](repeating: batch, count: 30),
                steps: [[Int]](repeating: batch, count: 200), threads: 1,
                plan: .top(trained, epochs: 1),
                featureCache: FeatureCache(TrainingSettings.FeatureCaching()))
            #expect(needs.allocations.max() == 0, "\(needs)")
            #expect(needs.faults.min() == 0, "\(needs)")
        }
    }

    /// Batches of four texts of 4 to 23 tokens each, nearly every one of a size of its own. After
    /// one epoch they come again in other orders.
    @Test(arguments: [1, 2])
    func stepsOfManySizesNeedNothingAfterAnEpoch(threads: Int) async {
        await #expect(processExitsWith: .success) { [threads] in
            let epoch = (0..<25).map { index in Array(4 * index..<4 * index + 4) }
            let others = (1..<9).map { seed in
                var (order, generator) = (epoch, SplitMix64(seed: UInt64(seed)))
                generator.shuffle(&order)
                return order
            }
            let needs = try needs(warmUp: epoch, steps: others.flatMap { $0 }, threads: threads)
            #expect(needs.allocations.min() == 0, "\(needs)")
            #expect(threads > 1 || needs.allocations.max() == 0, "\(needs)")
            #expect(needs.faults.min() == 0, "\(needs)")
        }
    }
}

// The buffers asked of the system and the page faults in each stretch of ten `steps`, after those
// that warm up. A batch is the positions of its examples.
private func needs(
    warmUp: [[Int]], steps: [[Int]], threads: Int,
    plan: Plan = .full(epochs: 1, learningRate: 1e-4),
    featureCache: FeatureCache<TextPreparation>? = nil
) throws -> (allocations: [Int], faults: [Int]) {
    let run = try TrainingRun(
        model: TinyModel.classifier(), plan: plan, settings: TrainingSettings(),
        data: TinyModel.examples(100), validation: nil, featureCache: featureCache,
        batches: { _ in warmUp + steps })
    #expect(run.beginEpoch() == 1)
    return try Tensor.Threads.limited(to: threads) {
        for _ in warmUp { _ = try run.takeStep() }
        var (allocations, faults) = ([Int](), [Int]())
        for _ in 0..<steps.count / 10 {
            let before = (Tensor.Memory.statistics.systemAllocations, pageFaults())
            for _ in 0..<10 { _ = try run.takeStep() }
            faults.append(pageFaults() - before.1)
            allocations.append(Tensor.Memory.statistics.systemAllocations - before.0)
        }
        return (allocations, faults)
    }
}

/// The pages that this process touched for the first time so far, or found moved.
private func pageFaults() -> Int {
    var usage = rusage()
    let ownProcess: Int32 = 0  // RUSAGE_SELF, whose type differs between systems
    let status = getrusage(ownProcess, &usage)
    #expect(status == 0)
    return Int(usage.ru_minflt) + Int(usage.ru_majflt)
}
