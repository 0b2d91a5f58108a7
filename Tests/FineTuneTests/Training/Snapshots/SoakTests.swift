@testable import FineTune
import TestSupport
import Testing

/// Long runs, and several at once.
@Suite(.serialized, .enabled(if: LongTests.hasOwnCPULevel)) struct SoakTests {
    /// Tensors take after many steps what they took after the hundredth. What is allocated in all grows by
    /// less than a hundredth of the process's memory, and resident memory by less than that after half of
    /// the steps. Without the program's own code, which the system pages in and out as it likes, it does so
    /// from the hundredth step on, but where snapshots are written: there the allocator of the thread that
    /// writes still finds its size. In a process of its own, since all of it is measured.
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
            var (heap, anonymous): ([Int: Int], [Int: Int]) = ([:], [:])
            trainer.listen { event in
                guard case .step(let step) = event,
                    [100, steps / 10, steps / 2, steps].contains(step.step)
                else { return }
                // What the snapshot of some steps ago held is released.
                trainer.keeper?.finishWriting()
                live[step.step] = Tensor.Memory.statistics.bytesInUse
                resident[step.step] = Tensor.Memory.processBytes
                heap[step.step] = Heap.bytesInUse
                anonymous[step.step] = Limits.bytes("RssAnon")
            }
            // Epochs of 50 steps: the report has a line for each, so that a thousand would show.
            let report = try await trainer.fit(on: TinyModel.examples(400))
            let all = Double(try #require(resident[100]))
            func told(_ sizes: [Int: Int]) -> String {
                sizes.sorted { $0.key < $1.key }.map { "\($0.value) after \($0.key)" }
                    .joined(separator: ", ")
            }
            print(
                "soak\(keepsSnapshots ? " with snapshots" : ""): live tensor bytes "
                    + "\(live[100] ?? 0) after step 100 and \(live[steps] ?? 0) after step \(steps); "
                    + "allocated bytes \(heap[100] ?? 0) and \(heap[steps] ?? 0); "
                    + "resident bytes \(told(resident)); without code \(told(anonymous))")
            #expect(live[100] == live[steps], "\(live)")
            if let start = heap[100], let end = heap[steps] {
                #expect(Double(end - start) < 0.01 * all, "\(heap)")
            }
            let (half, last) = (try #require(resident[steps / 2]), try #require(resident[steps]))
            #expect(Sanitizer.isOn || Double(last) < 1.01 * Double(half), "\(resident)")
            let first = keepsSnapshots ? steps / 2 : 100
            if !Sanitizer.isOn, let start = anonymous[first], let end = anonymous[steps] {
                #expect(Double(end - start) < 0.01 * all, "\(anonymous)")
            }
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
