import Checkpoint
import FineTune
import Foundation
import Pictures
import TestSupport
import Testing

@Suite("Training on pictures")
struct PictureTrainingTests {
    /// What a run leaves and tells.
    private struct Outcome: Equatable {
        var outputs: [[Float]]
        var losses: [Double]
        var scores: [Double]
    }

    private static func settings(threads: Int? = nil, cache: Bool = true) -> TrainingSettings {
        TrainingSettings(
            batch: .examples(6), accumulation: 2, seed: 4, threads: threads,
            featureCache: cache ? .init(fileBytes: 0) : nil)
    }

    private static func run(
        _ augmentation: Augmentation, plan: Plan, threads: Int? = nil, cache: Bool = true
    ) async throws -> (outcome: Outcome, report: TrainingReport<ClassificationMetrics>) {
        let model = try Samples.classifier(augmentation: augmentation)
        let trainer = Trainer(model, plan: plan, settings: settings(threads: threads, cache: cache))
        let report = try await trainer.fit(
            on: Samples.pictures(22), validating: Samples.pictures(8, from: 100))
        return (try outcome(of: model, report), report)
    }

    private static func outcome(
        of model: PictureClassifier, _ report: TrainingReport<ClassificationMetrics>
    ) throws -> Outcome {
        Outcome(
            outputs: try model.outputs(for: Samples.pictures(5, from: 200).inputs),
            losses: report.epochs.map(\.loss), scores: report.epochs.compactMap(\.score))
    }

    static let augmentations: [Augmentation] = [
        Samples.everything,
        Augmentation(flips: true, mixing: .mixup(alpha: 0.4)),
        Augmentation(crop: .init(), mixing: .cutmix(alpha: 1)),
    ]

    @Test("The number of threads changes no bit", arguments: augmentations)
    func threadsChangeNothing(_ augmentation: Augmentation) async throws {
        let plan = Plan.full(epochs: 2, learningRate: 1e-3)
        let one = try await Self.run(augmentation, plan: plan, threads: 1).outcome
        let three = try await Self.run(augmentation, plan: plan, threads: 3).outcome
        #expect(one == three)
        let plain = try await Self.run(.none, plan: plan, threads: 1).outcome
        #expect(plain.losses != one.losses)
    }

    /// The statistics of batch normalisation and the draws of the augmentation are part of a run as much as
    /// the weights are.
    @Test(
        "A run that goes on from any of its snapshots ends with the same bits",
        .enabled(if: LongTests.hasOwnCPULevel), arguments: augmentations)
    func goesOn(_ augmentation: Augmentation) async throws {
        let plan = Plan.full(epochs: 2, learningRate: 1e-3)
        let (train, validation) = (Samples.pictures(22), Samples.pictures(8, from: 100))
        let folder = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let snapshots = SnapshotSettings(
            folder: "/run", every: .steps(1), keeping: 100, writesInBackground: false)
        typealias Outcome = (results: [Double], weights: Data, first: Int?)
        func fit(on disk: MemoryDisk) async throws -> Outcome {
            let model = try Samples.classifier(augmentation: augmentation)
            let report = try await SystemCalls.$current.withValue(disk.calls) {
                try await Trainer(
                    resuming: snapshots, model, plan: plan, settings: Self.settings()
                ).fit(on: train, validating: validation)
            }
            try model.save(to: folder)
            let weights = try Data(contentsOf: URL(fileURLWithPath: folder + "/model.safetensors"))
            let results: [Double] = report.epochs.flatMap { [$0.loss, $0.score ?? 0] }
            return (results, weights, report.snapshots?.resumption?.step)
        }
        let disk = MemoryDisk()
        let whole = try await fit(on: disk)
        #expect(whole.first == nil)
        let names = try #require(disk.calls.list("/run")).filter { $0.contains("-step-") }.sorted()
        var steps: Set<Int> = []
        for index in names.indices {
            let copy = disk.copy()
            for newer in names[(index + 1)...] {
                #expect(copy.calls.rename("/run/" + newer, "/run/no-" + newer) == 0)
            }
            let rest = try await fit(on: copy)
            #expect(rest.results == whole.results, "\(names[index])")
            #expect(rest.weights == whole.weights, "\(names[index])")
            steps.insert(try #require(rest.first))
        }
        #expect(steps == [1, 2, 3, 4])
    }

    @Test("A run does not go on under another augmentation")
    func refusesOtherAugmentation() async throws {
        let folder = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (plan, data) = (Plan.headOnly(epochs: 1), Samples.pictures(12))
        let snapshots = SnapshotSettings(folder: folder + "/run")
        let augmentation = Augmentation(flips: true, mixing: .mixup(alpha: 0.4))
        try await Trainer(
            try Samples.classifier(augmentation: augmentation), plan: plan, snapshots: snapshots
        ).fit(on: data)
        let error = await #expect(throws: TrainingError.self) {
            try await Trainer(resuming: snapshots, try Samples.classifier(), plan: plan).fit(
                on: data)
        }
        #expect(
            error?.description.contains("its model.variation.") == true,
            "\(error?.description ?? "")")
        try await Trainer(
            resuming: snapshots, try Samples.classifier(augmentation: augmentation), plan: plan
        ).fit(on: data)
    }

    @Test("A run does not go on with what a program chose for the network otherwise")
    func refusesOtherChoices() async throws {
        let folder = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (plan, data) = (Plan.headOnly(epochs: 1), Samples.pictures(12))
        let snapshots = SnapshotSettings(folder: folder + "/run")
        try await Trainer(try Samples.classifier(), plan: plan, snapshots: snapshots).fit(on: data)
        for (model, field) in [
            (try Samples.classifier(dropoutRate: 0.5), "its model.headDropout is 0"),
            (
                try Samples.classifier(.efficientNetLite(.init(.lite0, momentum: 0.3))),
                "its model.architecture.momentum is 0.1, but that of this run is 0.3"
            ),
        ] {
            let error = await #expect(throws: TrainingError.self) {
                try await Trainer(resuming: snapshots, model, plan: plan).fit(on: data)
            }
            let text = error?.description ?? ""
            #expect(text.contains(field), "\(text)")
        }
    }

    @Test("What was learned before a file was missing is kept", arguments: [false, true])
    func keepsRunBeforeMissingFile(ofValidation: Bool) async throws {
        let folder = temporaryPath()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/a.png"
        let image = Samples.image(3, label: "red")
        try image.writePNG(to: path)
        let plan = Plan.full(epochs: 2, learningRate: 1e-3)
        let settings = TrainingSettings(batch: .examples(4), seed: 1)
        let file = [Example(input: Picture(path), target: "red")]
        let (data, validation) =
            ofValidation
            ? (Samples.pictures(16), LabeledPictures(file))
            : (LabeledPictures(Samples.pictures(15).examples + file), nil)
        let whole = try Samples.classifier()
        try await Trainer(whole, plan: plan, settings: settings).fit(
            on: data, validating: validation)

        let snapshots = SnapshotSettings(folder: folder + "/run", every: .epochs(9))
        let trainer = Trainer(
            try Samples.classifier(), plan: plan, settings: settings, snapshots: snapshots)
        trainer.listen { event in
            if case .step(let step) = event, step.step == 4 {
                try? FileManager.default.removeItem(atPath: path)
            }
        }
        await #expect(throws: PictureError.self) {
            try await trainer.fit(on: data, validating: validation)
        }
        try image.writePNG(to: path)
        let model = try Samples.classifier()
        let report = try await Trainer(
            resuming: snapshots, model, plan: plan, settings: settings
        ).fit(on: data, validating: validation)
        #expect((4...(ofValidation ? 4 : 7)).contains(report.snapshots?.resumption?.step ?? 0))
        let test = Samples.pictures(5, from: 200).inputs
        #expect(try model.outputs(for: test) == whole.outputs(for: test))
    }

    /// 22 examples to train on in every epoch and 8 to measure on.
    @Test(
        "Frozen stages compute each form of a picture once",
        arguments: [
            (Augmentation.none, 3 * 30), (Augmentation(flips: true, variants: 2), 2 * 22 + 3 * 8),
            (Augmentation(flips: true), 3 * 8),
            (Augmentation(flips: true, mixing: .mixup(alpha: 1), variants: 2), 3 * 8),
        ])
    func reusesFeatures(_ augmentation: Augmentation, _ reused: Int) async throws {
        let plan = Plan.headOnly(epochs: 4)
        let with = try await Self.run(augmentation, plan: plan)
        let without = try await Self.run(augmentation, plan: plan, cache: false)
        #expect(with.outcome == without.outcome)
        #expect(with.report.reusedFeatures == reused)
    }

    @Test("The report tells how long steps waited, and what was left out")
    func reports() async throws {
        let left = LeftOutExample(place: "x.png", reason: "the picture 'x.png' is empty")
        let data = LabeledPictures(Samples.pictures(12).examples, leftOut: [left])
        let (train, test) = data.split(holdingOut: 0.25, seed: 1)
        let report = try await Trainer(
            try Samples.classifier(), plan: .headOnly(epochs: 1), settings: Self.settings()
        ).fit(on: train, validating: test)
        #expect(report.leftOut == [left])
        #expect(report.waitingSeconds > 0 && (0..<1).contains(report.waitingShare))
        let text = "\(report)"
        #expect(text.contains("steps waited for their inputs for "))
        #expect(text.hasSuffix("1 input was left out:\n  the picture 'x.png' is empty"))
    }

    @Test("A file that has gone since the dataset was made ends the run with its name")
    func namesMissingFile() async throws {
        let folder = temporaryPath()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = "\(folder)/a.png"
        try Samples.image(3, label: "red").writePNG(to: path)
        let picture = try Picture(checking: path)
        try FileManager.default.removeItem(atPath: path)
        let data = LabeledPictures(
            Samples.pictures(9).examples + [Example(input: picture, target: "red")])
        let error = await #expect(throws: PictureError.self) {
            try await Trainer(
                try Samples.classifier(), plan: .full(epochs: 1), settings: Self.settings()
            ).fit(on: data)
        }
        #expect(error?.path == path)
        let model = try Samples.classifier()
        #expect(throws: PictureError.self) { try model.predict(Picture(path)) }
        #expect(throws: PictureError.self) { try model.evaluate(on: data) }
    }

    @Test("A classifier that was saved gives the same answers")
    func savesAndLoads() async throws {
        let model = try Samples.classifier()
        try await model.solveHead(on: Samples.pictures(30), with: .ridge())
        let test = Samples.pictures(8, from: 100)
        #expect(try model.evaluate(on: test).accuracy == 1)
        let folder = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try model.save(to: folder)
        let restored = try PictureClassifier(contentsOf: folder)
        #expect(try restored.outputs(for: test.inputs) == model.outputs(for: test.inputs))
    }
}
