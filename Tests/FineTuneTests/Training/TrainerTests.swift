@testable import FineTune
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct TrainerTests {
    // MARK: Bits

    private func weights(
        _ family: String, threads: Int?, seed: UInt64 = 7
    ) async throws -> [String: [Float]] {
        let model = try TinyModel.classifier(family)
        let trainer = Trainer(
            model, plan: .gradualUnfreezing(epochs: 3, learningRate: 1e-3),
            settings: TrainingSettings(seed: seed, threads: threads))
        try await trainer.fit(on: TinyModel.examples(70), validating: TinyModel.examples(9))
        return model.weights()
    }

    /// With dropout, and batches of hundreds of tokens, whose products are cut into tiles.
    @Test(arguments: TinyModel.families)
    func theSameSeedGivesTheSameBits(_ family: String) async throws {
        let first = try await weights(family, threads: 1)
        for threads in [1, 2, 3, nil] {
            let again = try await weights(family, threads: threads)
            #expect(first == again, "\(threads.map(String.init) ?? "all") threads")
        }
        let other = try await weights(family, threads: 1, seed: 8)
        #expect(other != first)
    }

    @Test func theRealModelHasTheSameBitsOnOneAndTwoThreads() async throws {
        func train(threads: Int) async throws -> [String: [Float]] {
            let backbone = try PretrainedModel.text(
                contentsOf: MiniLM.folder(), maximumLength: 32)
            let model = try backbone.attaching(ClassificationHead(labels: ["a", "b"]))
            let texts = Array(try MiniLM.texts().prefix(48))
            let data = LabeledTexts(
                texts: texts, labels: texts.indices.map { $0 % 2 == 0 ? "a" : "b" })
            let settings = TrainingSettings(schedule: .constant, seed: 1, threads: threads)
            try await Trainer(model, plan: .full(epochs: 1, learningRate: 1e-4), settings: settings)
                .fit(on: data)
            return model.weights()
        }
        let one = try await train(threads: 1)
        let two = try await train(threads: 2)
        #expect(one == two)
    }

    // MARK: What a frozen backbone costs

    /// In a process of its own, because entries and bytes are counted for the whole process.
    @Test func aFrozenBackboneHasNoTapeAndKeepsNoActivation() async {
        await #expect(processExitsWith: .success) {
            let model = try TinyModel.classifier()
            let data = TinyModel.examples(40)
            let run = try TrainingRun(
                model: model, plan: .headOnly(epochs: 1), settings: TrainingSettings(),
                data: data, validation: nil)
            _ = run.beginEpoch()
            let items = try data.inputs.map { try model.preparation.prepared($0) }
            #expect(Variable.tapeEntryCount == 0)
            let bytes = Tensor.Memory.statistics.bytesInUse
            let pass = Pass.training(seed: 0, step: 0)
            let outputs = model.network(try model.headFeatures(items, in: pass), in: pass)
            // The head's weight, its bias, and their linear map.
            #expect(Variable.tapeEntryCount == 3)
            // The features that the head got, [40, 32], before and after dropout, and its outputs:
            // one activation of the backbone would be ten times that.
            let kept = Tensor.Memory.statistics.bytesInUse - bytes
            #expect(kept <= 2 * 40 * 32 * 4 + 40 * 3 * 4 * 2)
            withExtendedLifetime(outputs) {}
            while run.hasStep { _ = try run.takeStep() }
            #expect(Variable.tapeEntryCount == 3)
        }
    }

    @Test(arguments: TinyModel.families)
    func aFrozenBackboneHasNoGradientAndStaysMapped(_ family: String) async throws {
        let model = try TinyModel.classifier(family)
        let run = try TrainingRun(
            model: model, plan: .headOnly(epochs: 2), settings: TrainingSettings(),
            data: TinyModel.examples(40), validation: TinyModel.examples(10))
        let backbone = model.stages.flatMap(\.parameters)
        #expect(backbone.count == (family == "distilbert" ? 38 : 39))
        while let epoch = run.beginEpoch() {
            _ = try run.computeGradients(of: [[0, 1, 2], [3, 4]])
            #expect(backbone.allSatisfy { $0.gradient == nil && !$0.isTrainable })
            #expect(model.network.parameters.allSatisfy { $0.gradient != nil })
            while run.hasStep { _ = try run.takeStep() }
            _ = try run.endEpoch(epoch)
        }
        _ = try run.finish()
        #expect(backbone.allSatisfy { $0.value.isMapped })
        #expect(model.network.parameters.allSatisfy { !$0.value.isMapped })
    }

    /// A partly frozen model has gradients from the first trained stage on.
    @Test func gradientsEndAtTheFirstTrainedStage() throws {
        let model = try TinyModel.classifier()
        let run = try TrainingRun(
            model: model, plan: .top(1, epochs: 1), settings: TrainingSettings(),
            data: TinyModel.examples(40), validation: nil)
        _ = run.beginEpoch()
        _ = try run.computeGradients(of: [[0, 1, 2]])
        for (index, stage) in model.stages.enumerated() {
            #expect(stage.parameters.allSatisfy { ($0.gradient != nil) == (index >= 2) })
        }
    }

    // MARK: Memory

    /// In a process of its own, because bytes are counted for the whole process.
    @Test func nothingLeaks() async {
        await #expect(processExitsWith: .success) {
            let model = try TinyModel.classifier()
            let trainer = Trainer(
                model, plan: .full(epochs: 20, learningRate: 1e-4),
                settings: TrainingSettings(batch: .examples(4)))
            var bytes: [Int] = []
            var entries: Set<Int> = []
            trainer.listen { event in
                guard case .step = event else { return }
                bytes.append(Tensor.Memory.statistics.bytesInUse)
                entries.insert(Variable.tapeEntryCount)
            }
            try await trainer.fit(on: TinyModel.examples(100), validating: TinyModel.examples(20))
            #expect(bytes.count == 500)
            #expect(bytes[49] == bytes[499])
            #expect(bytes[30] == bytes[430])
            #expect(entries == [0])
        }
    }

    // MARK: Accumulation

    private let weightedHead = ClassificationHead(
        labels: TinyModel.labels, classWeights: .perLabel([0.5, 3, 1]), labelSmoothing: 0.1)

    private func gradients(
        _ batches: [[Int]], head: ClassificationHead
    ) throws -> (loss: Double, gradients: [(String, Tensor)]) {
        let model = try TinyModel.classifier(settings: TinyModel.withoutDropout, head: head)
        let run = try TrainingRun(
            model: model, plan: .full(epochs: 1), settings: TrainingSettings(),
            data: TinyModel.examples(12), validation: nil)
        _ = run.beginEpoch()
        let loss = try run.computeGradients(of: batches)
        return (loss, try model.parameters.map { ($0.path, try #require($0.gradient)) })
    }

    /// Normalised by the examples' weights, not by the number of parts.
    @Test(arguments: [
        [[0, 1, 2, 3], [4, 5, 6, 7]], [[0], [1, 2, 3, 4, 5, 6], [7]],
        [[7, 6], [5, 4, 3], [2, 1, 0]], (0..<8).map { [$0] },
    ])
    func theSplitOfABatchChangesNothing(_ batches: [[Int]]) throws {
        for head in [ClassificationHead(labels: TinyModel.labels), weightedHead] {
            let whole = try gradients([Array(0..<8)], head: head)
            let parts = try gradients(batches, head: head)
            #expect(
                mismatch(parts.loss, whole.loss, within: Tolerance(relative: 1e-6)) == nil)
            for ((name, part), (_, expected)) in zip(parts.gradients, whole.gradients) {
                // The gradient of a key's bias is zero but for rounding: see the parity tests.
                let wrong = normMismatch(part, expected, relative: 1e-5, absolute: 1e-7)
                #expect(wrong == nil, "\(name)")
            }
        }
    }

    /// The same through the trainer: one step an epoch, whatever its parts.
    @Test(arguments: [
        (BatchOrder.Limit.examples(4), 3), (.examples(5), 3), (.examples(1), 12), (.tokens(40), 12),
        (.examples(5), Int.max), (.tokens(40), Int.max),
    ])
    func accumulationEqualsTheLargeBatch(_ batch: BatchOrder.Limit, _ parts: Int) async throws {
        func train(
            _ batch: BatchOrder.Limit, _ accumulation: Int
        ) async throws -> (weights: [String: [Float]], losses: [Double], steps: Int) {
            let model = try TinyModel.classifier(
                settings: TinyModel.withoutDropout, head: weightedHead)
            let trainer = Trainer(
                model, plan: .full(epochs: 4, learningRate: 0.05),
                settings: TrainingSettings(
                    optimizer: .sgd(), batch: batch, accumulation: accumulation))
            var steps = 0
            trainer.listen { if case .step = $0 { steps += 1 } }
            let report = try await trainer.fit(on: TinyModel.examples(12))
            return (model.weights(), report.epochs.map(\.loss), steps)
        }
        let whole = try await train(.examples(12), 1)
        let split = try await train(batch, parts)
        #expect(whole.steps == 4 && split.steps == 4)
        for (found, expected) in zip(split.losses, whole.losses) {
            #expect(mismatch(found, expected, within: Tolerance(relative: 1e-5)) == nil)
        }
        for (name, expected) in whole.weights {
            let found = Tensor(try #require(split.weights[name]))
            let tolerance = Tolerance(absolute: 1e-5)
            #expect(mismatch(found, expected.map(Double.init), within: tolerance) == nil, "\(name)")
        }
    }

    // MARK: Asking while training

    /// Threads that ask without a pause neither stop the training nor ever see half a step: every
    /// answer is one of those that the model gives between two steps.
    @Test func theModelAnswersFromManyThreadsWhileItTrains() async throws {
        let model = try TinyModel.classifier()
        let text = "w10 w30 w31 w99 w7"
        let trainer = Trainer(
            model, plan: .full(epochs: 2, learningRate: 1e-3),
            settings: TrainingSettings(schedule: .constant, batch: .examples(8)))
        var known: Set<[Float]> = [try model.outputs(for: [text])[0]]
        trainer.listen { event in
            if case .step = event, let row = try? model.outputs(for: [text]) {
                known.insert(row[0])
            }
        }
        let isOver = Locked(false)
        let answers = Locked<Set<[Float]>>([])
        let threads = DispatchGroup()
        for _ in 0..<3 {
            threads.enter()
            Thread.detachNewThread {
                var pause: UInt32 = 1_000
                while !isOver.withLock({ $0 }) {
                    // The run may wait long for other tests, which have better use for the cores.
                    usleep(pause)
                    pause = min(pause + pause / 50, 100_000)
                    guard let row = try? model.outputs(for: [text]) else { continue }
                    _ = answers.withLock { $0.insert(row[0]) }
                }
                threads.leave()
            }
        }
        try await trainer.fit(on: TinyModel.examples(120))
        isOver.withLock { $0 = true }
        await withCheckedContinuation { done in
            threads.notify(queue: .global()) { done.resume() }
        }
        #expect(known.count == 31)
        let seen = answers.withLock { $0 }
        #expect(seen.count > 1)
        #expect(seen.isSubset(of: known))
    }
}
