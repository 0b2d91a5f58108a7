@testable import FineTune
import TestSupport
import Testing

/// A run that goes on from any of its snapshots, in another trainer, has the same bits as one that never
/// stopped: 0 ULP in every weight, loss and score.
@Suite(.enabled(if: LongTests.hasOwnCPULevel)) struct ResumeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var family: String
        var plan: Plan
        var adapter: Adapter?
        var settings: TrainingSettings
        var hasDropout: Bool
        var validates: Bool
        var inBackground: Bool

        var testDescription: String {
            let cache =
                settings.featureCache.map { $0.memoryBytes > 0 ? "memory" : "file" } ?? "none"
            return "\(plan.name), \(adapter.map { "\($0.method)" } ?? "no adapter"), \(family), "
                + "\(settings.optimizer), \(settings.schedule), accumulation "
                + "\(settings.accumulation), dropout \(hasDropout), cache \(cache)"
        }
    }

    /// Six plans, four cases each, in which everything else changes.
    static let cases: [Case] = (0..<24).map { index in
        let (kind, variant) = (index / 4, index % 4)
        let plans: [Plan] = [
            .full(epochs: 2, learningRate: 1e-3),
            .headOnly(epochs: 2),
            .gradualUnfreezing(epochs: 3, learningRate: 1e-3),
            .linearProbeThenFineTune(probeEpochs: 2, epochs: 1, learningRate: 1e-3),
            .l2SP(epochs: 2, learningRate: 1e-3, penalty: .init(alpha: 0.3)),
            .adapter(epochs: 2, learningRate: 1e-2),
        ]
        let adapters: [Adapter] = [
            .lora(rank: 2, dropoutRate: 0.2, layers: .allLinear), .doRA(rank: 2), .ia3(),
            .rsLoRA(rank: 3),
        ]
        let caches: [TrainingSettings.FeatureCaching?] = [
            .init(), nil, .init(memoryBytes: 0, fileBytes: 1 << 24),
        ]
        let schedules = [
            Schedule.constant, Schedule(.linear, warmup: .steps(2)), Schedule(.cosine),
        ]
        return Case(
            family: TinyModel.families[(index + kind) % 3], plan: plans[kind],
            adapter: kind == 5 ? adapters[variant] : nil,
            settings: TrainingSettings(
                optimizer: variant % 2 == 0 ? .adamW() : .sgd(momentum: 0.9, weightDecay: 0.01),
                schedule: schedules[(index + kind) % 3],
                batch: index % 5 == 0 ? .tokens(60) : .examples(5),
                accumulation: variant < 2 ? 1 : 2, gradientClipping: index % 4 == 3 ? nil : 0.5,
                earlyStopping: index % 3 == 0 ? .init(patience: 2) : nil, seed: UInt64(index),
                featureCache: caches[(index + variant) % 3]),
            hasDropout: (kind + variant) % 2 == 0, validates: index % 3 != 1,
            inBackground: index % 2 == 0)
    }

    @Test(arguments: cases) func everyStepCanBeGoneOnFrom(_ test: Case) async throws {
        let data = TinyModel.examples(17)
        let validation = test.validates ? TinyModel.examples(6, seed: 2) : nil
        let backbone = try TinyModel.backbone(
            test.family, settings: test.hasDropout ? [:] : TinyModel.withoutDropout)
        func trainer(resuming: Bool) throws -> Trainer<TextPreparation, ClassificationHead> {
            let head = ClassificationHead(labels: TinyModel.labels)
            let model =
                try test.adapter.map { try backbone.attaching(head, adapter: $0, seed: 3) }
                ?? backbone.attaching(head, seed: 3)
            return Trainer(
                resuming: SnapshotSettings(
                    folder: "/run", every: .steps(1), keeping: 1000,
                    writesInBackground: test.inBackground),
                model, plan: test.plan, settings: test.settings)
        }
        let disk = MemoryDisk()
        let whole = try await SystemCalls.$current.withValue(disk.calls) {
            try await RunRecord.fit(try trainer(resuming: false), on: data, validating: validation)
                .record
        }
        let names = try SystemCalls.$current.withValue(disk.calls) {
            try SnapshotStore(folder: "/run").names()
        }
        // One after each step, and one after each epoch that was the best or the last.
        #expect(names.count > whole.steps.count)
        for (index, name) in names.enumerated() {
            let copy = disk.copy()
            var rest = try await SystemCalls.$current.withValue(copy.calls) {
                for newer in names[(index + 1)...] {
                    #expect(SystemCalls.current.rename("/run/" + newer, "/run/no-" + newer) == 0)
                }
                return try await RunRecord.fit(
                    try trainer(resuming: true), on: data, validating: validation
                ).record
            }
            let taken = whole.steps.count - rest.steps.count
            #expect(name.hasSuffix("-step-\(taken)"))
            rest.steps = Array(whole.steps.prefix(taken)) + rest.steps
            #expect(rest == whole, "from \(name)")
        }
        print("resume: \(names.count) snapshots, 0 ULP each: \(test.testDescription)")
    }
}
