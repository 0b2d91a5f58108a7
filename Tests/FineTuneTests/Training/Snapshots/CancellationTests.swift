@testable import FineTune
import Tensor
import TestSupport
import Testing

/// Runs that are cancelled at random moments, and go on.
@Suite(.enabled(if: LongTests.hasOwnCPULevel)) struct CancellationTests {
    private static let data = TinyModel.examples(60)
    private static let validation = TinyModel.examples(9, seed: 2)
    private static let settings = TrainingSettings(batch: .examples(6), accumulation: 2, seed: 4)

    private static func trainer(
        _ backbone: PretrainedModel<TextPreparation>
    ) throws -> Trainer<TextPreparation, ClassificationHead> {
        Trainer(
            resuming: SnapshotSettings(folder: "/run", every: .steps(3)),
            try backbone.attaching(ClassificationHead(labels: TinyModel.labels), seed: 3),
            plan: .full(epochs: 3, learningRate: 1e-3), settings: settings)
    }

    /// The steps that were told of, and how many there were when the run was cancelled.
    private final class Steps: Sendable {
        let counts: Locked<(last: Int, atCancellation: Int?)>

        init(_ taken: Int) { counts = Locked((taken, nil)) }
    }

    /// What came of a run that may have been cancelled.
    private enum Ending: Sendable {
        case finished([String: [Float]])
        case cancelled(stepsSince: Int, at: Int)
        case failed(String)
    }

    /// Each is cancelled from outside at any moment, stops within a step, and goes on in another trainer
    /// exactly where it stopped.
    @Test func cancelledRunsGoOn() async throws {
        let wanted = LongTests.size(200, long: 1000)
        let backbone = try TinyModel.backbone()
        let whole = try await SystemCalls.$current.withValue(MemoryDisk().calls) {
            let trainer = try Self.trainer(backbone)
            try await trainer.fit(on: Self.data, validating: Self.validation)
            return trainer.model.weights()
        }
        var (cancellations, runs, most) = (0, 0, 0)
        while cancellations < wanted {
            let disk = MemoryDisk()
            runs += 1
            var taken = 0
            run: while true {
                switch await Self.run(backbone, on: disk, from: taken) {
                case .finished(let weights):
                    #expect(weights == whole)
                    break run
                case .cancelled(let stepsSince, let step):
                    #expect(stepsSince <= 1)
                    (most, taken) = (max(most, stepsSince), step)
                    // Before the first step there is nothing to lose.
                    if step > 0 { cancellations += 1 }
                case .failed(let reason):
                    Issue.record("\(reason)")
                    return
                }
            }
        }
        print(
            "cancellations: \(cancellations) in \(runs) runs, at most \(most) step after each, same bits"
        )
    }

    private static func run(
        _ backbone: PretrainedModel<TextPreparation>, on disk: MemoryDisk, from taken: Int
    ) async -> Ending {
        let steps = Steps(taken)
        let task = Task {
            await SystemCalls.$current.withValue(disk.calls) { () async -> Ending in
                do {
                    let trainer = try Self.trainer(backbone)
                    trainer.listen { event in
                        switch event {
                        case .step(let step): steps.counts.withLock { $0.last = step.step }
                        case .resumed(let resumption):
                            if resumption.step != taken { Issue.record("\(resumption)") }
                        default: break
                        }
                    }
                    try await trainer.fit(on: data, validating: validation)
                    return .finished(trainer.model.weights())
                } catch is CancellationError {
                    let (last, before) = steps.counts.withLock { ($0.last, $0.atCancellation) }
                    return .cancelled(stepsSince: last - (before ?? last), at: last)
                } catch {
                    return .failed("\(error)")
                }
            }
        }
        let canceller = Task {
            try? await Task.sleep(for: .microseconds(Int.random(in: 0..<30_000)))
            // Under the lock, no step is told of in between.
            steps.counts.withLock {
                $0.atCancellation = $0.last
                task.cancel()
            }
        }
        let ending = await task.value
        canceller.cancel()
        return ending
    }
}
