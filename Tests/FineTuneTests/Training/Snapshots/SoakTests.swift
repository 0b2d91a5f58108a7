@testable import FineTune
import TestSupport
import Testing

/// Long runs, and several at once.
@Suite(.serialized, .enabled(if: LongTests.hasOwnCPULevel)) struct SoakTests {
    /// Memory after many steps is what it was after the hundredth. In a process of its own, since all of
    /// the process is measured.
    @Test(arguments: [false, true], [LongTests.size(1_000, long: 10_000)])
    func memoryStaysTheSame(keepsSnapshots: Bool, steps: Int) async {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) { [keepsSnapshots, steps] in
            let folder = try TemporaryFolder()
            let snapshots = SnapshotSettings(folder: folder.path, every: .steps(20))
            let plan = Plan(
                name: "soak",
                phases: [
                    Plan.Phase(
                        stages: .all, length: .steps(steps), headRate: 1e-4, stageRate: 1e-4)
                ])
            let trainer = Trainer(
                try TinyModel.classifier(), plan: plan,
                settings: TrainingSettings(batch: .examples(8), threads: 1),
                snapshots: keepsSnapshots ? snapshots : nil)
            var (live, resident): ([Int: Int], [Int: Int]) = ([:], [:])
            trainer.listen { event in
                guard case .step(let step) = event, step.step == 100 || step.step == steps else {
                    return
                }
                // What the snapshot of some steps ago held is released.
                trainer.keeper?.finishWriting()
                live[step.step] = Tensor.Memory.statistics.bytesInUse
                resident[step.step] = Tensor.Memory.processBytes
            }
            let report = try await trainer.fit(on: TinyModel.examples(64))
            let (first, last) = (try #require(resident[100]), try #require(resident[steps]))
            print(
                "soak\(keepsSnapshots ? " with snapshots" : ""): live tensor bytes "
                    + "\(live[100] ?? 0) after step 100 and \(live[steps] ?? 0) after step \(steps); "
                    + "resident \(first) and \(last) bytes")
            #expect(live[100] == live[steps], "\(live)")
            #expect(Double(last) < 1.01 * Double(first), "\(resident)")
            #expect(report.snapshots.map { $0.count > steps / 20 } != false)
        }
        let output = result?.standardOutputContent ?? []
        print(String(decoding: output, as: UTF8.self), terminator: "")
    }

    /// Two trainers that take turns on the same threads each give the bits that they give alone.
    @Test func twoTrainersDoNotDisturbEachOther() async throws {
        let backbone = try TinyModel.backbone()
        @Sendable func weights(_ number: Int) async throws -> [String: [Float]] {
            let model = try backbone.attaching(
                ClassificationHead(labels: TinyModel.labels), seed: UInt64(number))
            let trainer = Trainer(
                model, plan: .full(epochs: 3, learningRate: 1e-3),
                settings: TrainingSettings(
                    batch: .examples(8), seed: UInt64(number), threads: 1 + number % 2))
            try await trainer.fit(
                on: TinyModel.examples(50), validating: TinyModel.examples(9, seed: 2))
            return model.weights()
        }
        let alone = (try await weights(1), try await weights(2))
        for _ in 0..<LongTests.size(3, long: 30) {
            async let first = weights(1)
            async let second = weights(2)
            let both = (try await first, try await second)
            #expect(both.0 == alone.0 && both.1 == alone.1)
        }
    }
}
