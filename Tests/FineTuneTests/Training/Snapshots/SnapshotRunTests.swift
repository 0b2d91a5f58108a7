@testable import FineTune
import Foundation
import TestSupport
import Testing

/// What a trainer does with snapshots, and says of them.
@Suite(.enabled(if: LongTests.hasOwnCPULevel)) struct SnapshotRunTests {
    private let data = TinyModel.examples(26)
    private let validation = TinyModel.examples(9, seed: 2)
    private let plan = Plan.full(epochs: 2, learningRate: 1e-3)
    private let settings = TrainingSettings(batch: .examples(8), seed: 4)

    private func snapshots(
        every interval: SnapshotSettings.Interval = .steps(2), keeping kept: Int = 2,
        inBackground: Bool = true
    ) -> SnapshotSettings {
        SnapshotSettings(
            folder: "/run", every: interval, keeping: kept, writesInBackground: inBackground)
    }

    private func names(on disk: MemoryDisk) throws -> [String] {
        try SystemCalls.$current.withValue(disk.calls) { try SnapshotStore(folder: "/run").names() }
    }

    /// Snapshots cost no bit, however they are written, and go where the settings say.
    @Test func snapshotsChangeNothing() async throws {
        let plain = try await RunRecord.fit(
            Trainer(try TinyModel.classifier(), plan: plan, settings: settings), on: data,
            validating: validation)
        #expect(plain.report.snapshots == nil)
        for (interval, inBackground, steps) in [
            (.steps(3), true, [2, 3, 5, 6, 8, 8]), (.steps(3), false, [3, 6, 8]),
            (.epochs(1), true, [2, 4, 6, 8]), (.epochs(1), false, [4, 8]),
            (.epochs(2), true, [4, 8]),
            (.minutes(1e-9), false, [1, 2, 3, 4, 4, 5, 6, 7, 8, 8]), (.minutes(60), true, [8]),
        ] as [(SnapshotSettings.Interval, Bool, [Int])] {
            let disk = MemoryDisk()
            try await SystemCalls.$current.withValue(disk.calls) {
                var settings = snapshots(every: interval, keeping: 99, inBackground: inBackground)
                settings.keepsBest = false
                let trainer = Trainer(
                    try TinyModel.classifier(), plan: plan, settings: self.settings,
                    snapshots: settings)
                var told: [WrittenSnapshot] = []
                trainer.listen { if case .snapshot(let snapshot) = $0 { told.append(snapshot) } }
                let (record, report) = try await RunRecord.fit(
                    trainer, on: data, validating: validation)
                #expect(record == plain.record, "\(interval)")
                let snapshots = try #require(report.snapshots)
                #expect(told.map(\.step) == steps, "\(interval)")
                #expect(snapshots.count == steps.count && snapshots.failures.isEmpty)
                #expect(snapshots.newest == told.last && snapshots.resumption == nil)
                #expect(told.allSatisfy { $0.pauseSeconds > 0 && $0.byteCount > 100_000 })
                let pauses = told.reduce(0) { $0 + $1.pauseSeconds }
                #expect(abs(snapshots.pauseSeconds - pauses) < 1e-9)
                let text = "\(steps.count) snapshots written, the newest /run/"
                #expect(report.description.contains(text))
            }
            #expect(try names(on: disk).count == steps.count)
        }
    }

    /// The best epoch's snapshot stays though it is old.
    @Test func theBestIsKept() async throws {
        let disk = MemoryDisk()
        let report = try await SystemCalls.$current.withValue(disk.calls) {
            let trainer = Trainer(
                try TinyModel.classifier(), plan: .full(epochs: 6, learningRate: 3e-3),
                settings: settings, snapshots: snapshots(every: .steps(1)))
            return try await trainer.fit(on: data, validating: validation)
        }
        let scores = report.epochs.compactMap(\.score)
        let best = try #require(scores.indices.max { (scores[$0], $1) < (scores[$1], $0) })
        let names = try names(on: disk)
        // The last step and the end of its epoch, the step before, and the best.
        #expect(names.count == (best == 5 ? 3 : 4))
        #expect(names.contains { $0.hasSuffix("-step-23") })
        #expect(names.contains { $0.hasSuffix("-step-\(4 * (best + 1))") })
        let content = try SystemCalls.$current.withValue(disk.calls) {
            try SnapshotStore(folder: "/run").newest { $0 == 4 * (best + 1) }?.content
        }
        #expect(content?.score == scores[best])
    }

    // MARK: Going on

    @Test func aFinishedRunIsOver() async throws {
        let disk = MemoryDisk()
        try await SystemCalls.$current.withValue(disk.calls) {
            var stopping = settings
            stopping.earlyStopping = .init(patience: 1, minimumImprovement: 2)
            let plan = Plan.full(epochs: 5, learningRate: 1e-3)
            let first = try await RunRecord.fit(
                Trainer(
                    resuming: snapshots(), try TinyModel.classifier(), plan: plan,
                    settings: stopping), on: data, validating: validation)
            #expect(first.report.stoppedEarly && first.report.epochs.count == 2)
            let trainer = Trainer(
                resuming: snapshots(), try TinyModel.classifier(), plan: plan, settings: stopping)
            var again = try await RunRecord.fit(trainer, on: data, validating: validation)
            #expect(again.record.steps.isEmpty)
            again.record.steps = first.record.steps
            #expect(again.record == first.record)
            #expect(again.report.snapshots?.count == 0)
            #expect(again.report.trainedParameters == first.report.trainedParameters)
            #expect(first.report.trainedParameters == first.report.totalParameters)
            #expect(
                again.report.description.contains("goes on from /run/")
                    && again.report.description.contains(": step 8, in epoch 2"))
        }
    }

    @Test func damageIsToldAndPassedOver() async throws {
        let disk = MemoryDisk()
        try await SystemCalls.$current.withValue(disk.calls) {
            let whole = try await RunRecord.fit(
                Trainer(
                    try TinyModel.classifier(), plan: plan, settings: settings,
                    snapshots: snapshots(every: .steps(1))), on: data
            ).record
            let newest = try #require(try SnapshotStore(folder: "/run").names().last)
            disk.corrupt("/run/\(newest)/tensors.safetensors") { $0[12_345] ^= 16 }
            let trainer = Trainer(
                resuming: snapshots(), try TinyModel.classifier(), plan: plan, settings: settings)
            var told: [Resumption] = []
            trainer.listen { if case .resumed(let resumption) = $0 { told.append(resumption) } }
            let rest = try await RunRecord.fit(trainer, on: data)
            #expect(rest.record.weights == whole.weights)
            let resumption = try #require(told.first)
            #expect(told.count == 1 && resumption.damaged.count == 1 && resumption.step == 8)
            #expect(resumption.otherCPULevel == nil)
            #expect(rest.report.snapshots?.resumption == resumption)
            #expect(
                resumption.description.hasPrefix(
                    "passed over: the snapshot '/run/\(newest)' is damaged: tensors.safetensors has "
                        + "the SHA-256 "))
        }
    }

    /// What differs is named, with both values, and the model stays as it is.
    @Test func anotherRunIsRefusedByName() async throws {
        let disk = MemoryDisk()
        try await SystemCalls.$current.withValue(disk.calls) {
            try await Trainer(
                try model(), plan: .top(1, epochs: 2), settings: settings, snapshots: snapshots()
            ).fit(on: data, validating: validation)
        }
        func reason(
            plan: Plan = .top(1, epochs: 2), _ data: LabeledTexts? = nil,
            validating validation: LabeledTexts?? = .none, model: TextClassifier? = nil,
            _ change: (inout TrainingSettings) -> Void = { _ in }
        ) async throws -> String {
            let model = try model ?? self.model()
            let before = model.weights()
            var settings = settings
            change(&settings)
            let changed = settings
            let error = await #expect(throws: TrainingError.self) {
                try await SystemCalls.$current.withValue(disk.calls) {
                    try await Trainer(
                        resuming: self.snapshots(), model, plan: plan, settings: changed
                    ).fit(on: data ?? self.data, validating: validation ?? self.validation)
                }
            }
            #expect(model.weights() == before)
            let text = error?.description ?? ""
            #expect(text.hasPrefix("the training state does not fit: its "))
            #expect(text.contains("(snapshot '/run/0000"))
            return text
        }
        var text = try await reason { $0.seed = 5 }
        #expect(text.contains("its settings.seed is 4, but that of this run is 5"))
        text = try await reason { $0.optimizer = .adamW(beta1: 0.8) }
        #expect(text.contains("settings.optimizer.beta1 is 0.9, but that of this run is 0.8"))
        text = try await reason { $0.nonFinite = .skip() }
        #expect(text.contains("settings.nonFinite is \"stop\""))
        text = try await reason(plan: .top(1, epochs: 3))
        #expect(text.contains("plan.phases[0].epochs is 2, but that of this run is 3"))
        text = try await reason(plan: .headOnly(epochs: 2))
        #expect(text.contains("its plan.name is \"top"))
        var examples = data.examples
        examples[3].target = "c"
        text = try await reason(LabeledTexts(examples))
        #expect(text.contains("data.training.fingerprint is "))
        text = try await reason(LabeledTexts(data.examples.reversed()))
        #expect(text.contains("data.training.fingerprint is "))
        text = try await reason(TinyModel.examples(27))
        #expect(text.contains("data.training.examples is 26, but that of this run is 27"))
        text = try await reason(validating: .some(nil))
        #expect(text.contains("data.validation is {") && text.contains("of this run is null"))
        text = try await reason(model: try TinyModel.classifier("distilbert"))
        #expect(text.contains("model.configuration."))
        text = try await reason(
            model: try TinyModel.classifier(
                head: ClassificationHead(labels: TinyModel.labels, labelSmoothing: 0.1)))
        #expect(
            text.contains("model.head.labelSmoothing is \"0.0\", but that of this run is \"0.1\""))
        text = try await reason(
            model: try TinyModel.classifier(settings: ["hidden_dropout_prob": 0.3]))
        #expect(text.contains("model.configuration.hidden_dropout_prob is 0.1, but "))
        let other = try self.model()
        other.parameters[0].update { $0 = $0 * 1.5 }
        text = try await reason(model: other)
        #expect(text.contains("model.frozenWeights is "))
        // Nothing of it has done any harm; threads and cache may be others.
        try await SystemCalls.$current.withValue(disk.calls) {
            var settings = settings
            (settings.threads, settings.featureCache) = (1, nil)
            try await Trainer(
                resuming: snapshots(), try model(), plan: .top(1, epochs: 2), settings: settings
            ).fit(on: data, validating: validation)
        }
    }

    /// A run goes on with the guard that it began with.
    @Test func anotherGuardIsRefused() async throws {
        let backbone = try TinyModel.backbone()
        let references = TinyModel.examples(6, seed: 8).inputs
        func fit(_ guarding: ForgettingGuard<TextPreparation>?) async throws {
            let model = try backbone.attaching(ClassificationHead(labels: TinyModel.labels))
            let trainer = Trainer(
                resuming: snapshots(), model, plan: plan, settings: settings)
            trainer.forgettingGuard = guarding
            try await trainer.fit(on: data)
        }
        func guarding(
            _ count: Int = 6, limit: Double? = 1
        ) throws -> ForgettingGuard<TextPreparation> {
            try ForgettingGuard(
                similaritiesOf: Array(references.prefix(count)), in: backbone, limit: limit)
        }
        try await SystemCalls.$current.withValue(MemoryDisk().calls) {
            try await fit(try guarding())
            for (other, reason) in [
                (nil, "its guard is {\"limit\":1"), (try guarding(5), "its guard.references is "),
                (try guarding(limit: 0.5), "its guard.limit is 1.0, but that of this run is 0.5"),
                (try guarding(limit: nil), "its guard.limit is 1.0, but that of this run is null"),
            ] {
                let error = await #expect(throws: TrainingError.self) { try await fit(other) }
                #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
            }
            try await fit(try guarding())
        }
    }

    private func model() throws -> TextClassifier { try TinyModel.classifier() }

    // MARK: Folders

    /// A run that was forgotten is not overwritten.
    @Test func aNewRunDoesNotBeginAmongSnapshots() async throws {
        let disk = MemoryDisk()
        try await SystemCalls.$current.withValue(disk.calls) {
            let trainer = Trainer(
                try model(), plan: plan, settings: settings, snapshots: snapshots())
            try await trainer.fit(on: data)
            let error = await #expect(throws: SnapshotError.self) {
                try await trainer.fit(on: self.data)
            }
            #expect(
                error?.description
                    == "'/run' holds snapshots of a run, the newest being 000009-step-8; go on with it "
                    + "by Trainer(resuming:), choose another folder, or remove them")
        }
    }

    @Test func settingsThatMakeNoSenseAreRefused() async throws {
        var few = snapshots()
        few.kept = 1
        let wrong: [(SnapshotSettings, String)] = [
            (
                few,
                "1 snapshots are too few: keep 2, one for the case that the other is damaged"
            ),
            (snapshots(every: .steps(0)), "no snapshots can be taken every 0 steps"),
            (snapshots(every: .minutes(.nan)), "no snapshots can be taken every nan minutes"),
            (snapshots(every: .epochs(-1)), "no snapshots can be taken every -1 epochs"),
        ]
        for (snapshots, message) in wrong {
            let trainer = Trainer(try model(), snapshots: snapshots)
            let error = await #expect(throws: TrainingError.self) {
                try await trainer.fit(on: self.data)
            }
            #expect(error?.description == message)
        }
    }

    /// Where old snapshots cannot be removed the report says so.
    @Test func aRunOutlivesWhatCannotBeRemoved() async throws {
        let disk = MemoryDisk()
        var calls = disk.calls
        calls.remove = { _ in
            errno = EACCES
            return -1
        }
        try await SystemCalls.$current.withValue(calls) {
            let trainer = Trainer(
                try model(), plan: plan, settings: settings,
                snapshots: snapshots(every: .steps(2), inBackground: false))
            let snapshots = try #require(try await trainer.fit(on: data).snapshots)
            #expect(snapshots.count == 5 && snapshots.failures.isEmpty)
            #expect(snapshots.removalFailures.count == 2)
            guard case .file(let error)? = snapshots.removalFailures.first else {
                Issue.record("\(snapshots.removalFailures)")
                return
            }
            #expect(error.code == EACCES)
            let text = "more snapshots are kept than wanted: cannot remove '"
            #expect(snapshots.description.contains(text), "\(snapshots)")
        }
    }

    /// A disk that is full is told of; the run goes on, and what it learns is not lost.
    @Test(arguments: [true, false]) func aRunOutlivesAFullDisk(inBackground: Bool) async throws {
        let plain = try await RunRecord.fit(
            Trainer(try model(), plan: plan, settings: settings), on: data
        ).record
        let disk = MemoryDisk()
        var calls = disk.calls
        let write = calls.write
        calls.write = { descriptor, bytes in
            if disk.log.count > 600 {
                errno = ENOSPC
                return -1
            }
            return write(descriptor, bytes)
        }
        try await SystemCalls.$current.withValue(calls) {
            let trainer = Trainer(
                try model(), plan: plan, settings: settings,
                snapshots: snapshots(every: .steps(1), inBackground: inBackground))
            var failures: [SnapshotError] = []
            trainer.listen { if case .snapshotFailed(let error) = $0 { failures.append(error) } }
            let (record, report) = try await RunRecord.fit(trainer, on: data)
            #expect(record == plain)
            let snapshots = try #require(report.snapshots)
            #expect(snapshots.count > 0 && !failures.isEmpty && snapshots.failures == failures)
            guard case .file(let error)? = failures.first else {
                Issue.record("\(failures)")
                return
            }
            #expect(error.code == ENOSPC)
            #expect(report.description.contains("no snapshot: cannot write '"))
        }
        // With room again, the run goes on from what there is.
        try await SystemCalls.$current.withValue(disk.calls) {
            let rest = try await RunRecord.fit(
                Trainer(resuming: snapshots(), try model(), plan: plan, settings: settings),
                on: data)
            #expect(rest.report.snapshots?.resumption?.damaged.isEmpty == true)
            #expect(rest.record.weights == plain.weights)
        }
    }
}
