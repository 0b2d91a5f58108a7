@testable import FineTune
import TestSupport
import Testing

/// Long runs, and several at once.
@Suite(.serialized, .enabled(if: LongTests.hasOwnCPULevel)) struct SoakTests {
    /// What trains, and what of its memory is looked at.
    struct Soak: Codable, Sendable, CustomTestStringConvertible {
        /// The published MiniLM, or a model of 0.4 MB, whose memory is most of all that of the allocator.
        let isReal: Bool
        let keepsSnapshots: Bool

        var interval: Int { isReal ? 50 : 20 }
        /// With snapshots two layers of MiniLM, so that there are some at each place of an epoch before the
        /// hundredth step, and the disk can take them.
        var stages: Plan.Phase.Stages { isReal && keepsSnapshots ? .top(2) : .all }
        var steps: Int { LongTests.size(1_000, long: 10_000) }
        var testDescription: String {
            (isReal ? "MiniLM" : "a tiny model") + (keepsSnapshots ? " with snapshots" : "")
        }

        func classifier() throws -> TextClassifier {
            guard isReal else { return try TinyModel.classifier() }
            return try PretrainedModel.text(contentsOf: MiniLM.folder()).attaching(
                ClassificationHead(labels: TinyModel.labels), seed: 3)
        }

        /// Examples of 25 or 50 steps: the report has a line for each epoch, so that a thousand would show,
        /// and there are three sets of weights, the best ones too, before the hundredth.
        func examples() throws -> (batch: Int, LabeledTexts) {
            guard isReal else { return (8, TinyModel.examples(400)) }
            let words = try MiniLM.texts().joined(separator: " ").split(separator: " ")
            return (
                2,
                LabeledTexts(
                    (0..<50).map { index in
                        let text = words[8 * index..<8 * index + 3 + index % 6]
                        return Example(
                            input: text.joined(separator: " "), target: TinyModel.labels[index % 3])
                    })
            )
        }
    }

    static let soaks = [false, true].prefix(LongTests.size(1, long: 2)).flatMap { isReal in
        [false, true].map { Soak(isReal: isReal, keepsSnapshots: $0) }
    }

    /// Tensors take after many steps what they took after the hundredth, and resident memory grows by less
    /// than a hundredth. In a process of its own, since all of it is measured.
    ///
    /// Of the tiny model a hundredth is less than the allocator's caches for each thread, and the system
    /// pages the program's own code, which is most of what is resident, in and out as it likes. There what
    /// is allocated grows by less than that, resident memory without code does, but with snapshots in the
    /// second half of the steps only, and with code does so in that half.
    @Test(arguments: soaks) func memoryStaysTheSame(_ soak: Soak) async {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) { [soak] in
            let folder = try TemporaryFolder()
            let steps = soak.steps
            let snapshots = SnapshotSettings(folder: folder.path, every: .steps(soak.interval))
            let plan = Plan(
                name: "soak",
                phases: [
                    Plan.Phase(
                        stages: soak.stages, length: .steps(steps), headRate: 1e-4,
                        stageRate: 1e-5)
                ])
            let (batch, examples) = try soak.examples()
            let trainer = Trainer(
                try soak.classifier(), plan: plan,
                settings: TrainingSettings(batch: .examples(batch), threads: 1),
                snapshots: soak.keepsSnapshots ? snapshots : nil)
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
            let report = try await trainer.fit(on: examples)
            let all = Double(try #require(resident[100]))
            func told(_ sizes: [Int: Int]) -> String {
                sizes.sorted { $0.key < $1.key }.map { "\($0.value) after \($0.key)" }
                    .joined(separator: ", ")
            }
            print(
                "soak of \(soak.testDescription): live tensor bytes "
                    + "\(live[100] ?? 0) after step 100 and \(live[steps] ?? 0) after step \(steps); "
                    + "allocated bytes \(heap[100] ?? 0) and \(heap[steps] ?? 0); "
                    + "resident bytes \(told(resident)); without code \(told(anonymous))")
            func isSteady(_ sizes: [Int: Int], from first: Int = 100) -> Bool {
                guard !Sanitizer.isOn, let start = sizes[first], let end = sizes[steps] else {
                    return true
                }
                return Double(end - start) < 0.01 * all
            }
            #expect(live[100] == live[steps], "\(live)")
            #expect(isSteady(heap), "\(heap)")
            #expect(isSteady(resident, from: soak.isReal ? 100 : steps / 2), "\(resident)")
            let isLoose = !soak.isReal && soak.keepsSnapshots
            #expect(isSteady(anonymous, from: isLoose ? steps / 2 : 100), "\(anonymous)")
            #expect(report.snapshots.map { $0.count > steps / soak.interval } != false)
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
