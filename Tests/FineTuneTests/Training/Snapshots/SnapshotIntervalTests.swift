@testable import FineTune
import Foundation
import Tensor
import TestSupport
import Testing

/// What an interruption costs at most.
@Suite(.enabled(if: LongTests.hasOwnCPULevel)) struct SnapshotIntervalTests {
    private let data = TinyModel.examples(26)
    private let plan = Plan.full(epochs: 2, learningRate: 1e-3)
    private let settings = TrainingSettings(batch: .examples(8), seed: 4)

    /// However slow the disk is, no more than an interval is at stake, though training goes on meanwhile.
    @Test(
        arguments: [
            (.steps(4), 4), (.steps(3), 3), (.steps(1), 1), (.epochs(1), 4), (.epochs(2), 8),
        ] as [(SnapshotSettings.Interval, Int)])
    func noMoreThanAnIntervalIsAtStake(interval: SnapshotSettings.Interval, steps: Int) async throws
    {
        let disk = MemoryDisk()
        var calls = disk.calls
        let flush = calls.flush
        calls.flush = { descriptor in
            usleep(25_000)
            return flush(descriptor)
        }
        try await SystemCalls.$current.withValue(calls) {
            let trainer = Trainer(
                try TinyModel.classifier(), plan: .full(epochs: 6, learningRate: 1e-3),
                settings: settings, snapshots: SnapshotSettings(folder: "/run", every: interval))
            var (kept, worst, step, written): (Int, Int, Int, [Int]) = (0, 0, 0, [])
            var isMeanwhile = false
            trainer.listen { event in
                switch event {
                case .step(let progress):
                    step = progress.step
                    worst = max(worst, step - kept)
                case .snapshot(let snapshot):
                    kept = snapshot.step
                    written.append(kept)
                    isMeanwhile = isMeanwhile || kept < step
                default: break
                }
            }
            try await trainer.fit(on: data)
            #expect(worst <= steps)
            #expect(isMeanwhile || steps == 1)
            #expect(Set(written).isSuperset(of: stride(from: steps, through: 24, by: steps)))
        }
    }

    /// A run that goes on computes the steps that are left, and nothing of those before.
    @Test func nothingIsReplayed() async throws {
        let own = try TinyModel.backbone()
        // Of batches; single texts are checked when they are prepared.
        let computed = Locked(0)
        let backbone = try PretrainedModel(
            preparation: ObservedTokens(
                text: own.preparation,
                observe: { count in computed.withLock { $0 += count > 1 ? count : 0 } }),
            architecture: own.architecture, pooling: .mean, normalizesEmbeddings: false)
        try await SystemCalls.$current.withValue(MemoryDisk().calls) {
            for steps in [3, 6] {
                computed.withLock { $0 = 0 }
                let task = Task {
                    let trainer = Trainer(
                        resuming: SnapshotSettings(folder: "/run", every: .epochs(9)),
                        try backbone.attaching(ClassificationHead(labels: TinyModel.labels)),
                        plan: plan, settings: settings)
                    trainer.listen { event in
                        guard case .step(let step) = event, step.step == steps else { return }
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                    try await trainer.fit(on: data)
                }
                await #expect(throws: CancellationError.self) { try await task.value }
            }
            // Three steps, of which at most one has the epoch's batch of two.
            #expect([18, 24].contains(computed.withLock { $0 }))
        }
    }
}
