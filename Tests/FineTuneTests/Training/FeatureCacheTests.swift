@testable import FineTune
import Foundation
import TestSupport
import Testing

@Suite struct FeatureCacheTests {
    typealias Caching = TrainingSettings.FeatureCaching

    // MARK: Bits

    /// Everything that a run leaves and tells.
    private struct Outcome: Equatable, CustomStringConvertible {
        let weights: [String: [Float]]
        let losses: [Double]
        let scores: [Double]

        /// Without the weights, which are many.
        var description: String { "losses \(losses), scores \(scores)" }
    }

    private static func run(
        _ plan: Plan, _ settings: TrainingSettings, cache: Caching?, model: TextClassifier? = nil,
        examples: Int = 50, validation: Int = 30
    ) async throws -> (outcome: Outcome, reused: Int) {
        let model = try model ?? TinyModel.classifier()
        var settings = settings
        settings.featureCache = cache
        let report = try await Trainer(model, plan: plan, settings: settings).fit(
            on: TinyModel.examples(examples),
            validating: TinyModel.examples(validation, seed: 2))
        let outcome = Outcome(
            weights: model.weights(), losses: report.epochs.map(\.loss),
            scores: report.epochs.compactMap { $0.metrics?.score })
        return (outcome, report.reusedFeatures)
    }

    static let plans: [Plan] = [
        .headOnly(epochs: 4), .top(1, epochs: 3, learningRate: 1e-3),
        .gradualUnfreezing(epochs: 3, learningRate: 1e-3),
        Plan(
            name: "gradual, two epochs a phase, and back",
            phases: [
                Plan.Phase(stages: .none, epochs: 2, headRate: 1e-3, stageRate: 0),
                Plan.Phase(stages: .top(1), epochs: 2, headRate: 1e-3, stageRate: 1e-3),
                Plan.Phase(stages: .all, epochs: 2, headRate: 1e-3, stageRate: 1e-3, decay: 0.9),
                Plan.Phase(stages: .top(1), epochs: 2, headRate: 1e-3, stageRate: 1e-3),
                Plan.Phase(stages: .none, epochs: 2, headRate: 1e-3, stageRate: 0),
            ]),
    ]

    static let settings = [
        TrainingSettings(batch: .examples(8), seed: 4),
        TrainingSettings(batch: .examples(5), accumulation: 3, seed: 5),
        TrainingSettings(batch: .tokens(90), seed: 6),
    ]

    /// With dropout in what trains, after every epoch as at the end.
    @Test(arguments: plans, settings)
    func theCacheChangesNoBit(_ plan: Plan, _ settings: TrainingSettings) async throws {
        let with = try await Self.run(plan, settings, cache: Caching())
        let without = try await Self.run(plan, settings, cache: nil)
        #expect(with.outcome == without.outcome)
        #expect(without.reused == 0)
        // Where every epoch has another boundary, there is nothing to reuse.
        let phases = plan.phases.filter { $0.epochs > 1 && $0.stages != .all }
        #expect(with.reused == phases.reduce(0) { $0 + ($1.epochs - 1) * 80 })
    }

    @Test(arguments: TinyModel.families)
    func theCacheChangesNoBitOfAnyFamily(_ family: String) async throws {
        let (plan, settings) = (Self.plans[1], Self.settings[0])
        let with = try await Self.run(
            plan, settings, cache: Caching(), model: TinyModel.classifier(family))
        let without = try await Self.run(
            plan, settings, cache: nil, model: TinyModel.classifier(family))
        #expect(with.outcome == without.outcome && with.reused == 160)
    }

    // MARK: Where features lie

    /// 700 examples of 14 tokens, in passes of 4,096 tokens, make two blocks of 0.6 MB and the rest;
    /// 600 to validate on make two more.
    private static func runOfManyBlocks(
        _ cache: Caching?, model: TextClassifier? = nil
    ) async throws -> (outcome: Outcome, reused: Int) {
        try await run(
            plans[1], TrainingSettings(batch: .examples(32), seed: 4), cache: cache, model: model,
            examples: 700, validation: 600)
    }

    /// In memory, in a file, in both, and partly or wholly nowhere.
    @Test(
        arguments: [
            (8 << 20, 1 << 30, 2600...2620), (0, 1 << 30, 2600...2620),
            (700_000, 1 << 30, 2600...2620), (700_000, 0, 500...900), (0, 0, 0...20),
            (700_000, 700_000, 1400...1500),
        ] as [(Int, Int, ClosedRange<Int>)])
    func noBitDependsOnWhereFeaturesLie(
        _ memoryBytes: Int, _ fileBytes: Int, _ reused: ClosedRange<Int>
    ) async throws {
        let folder = try TemporaryFolder().path + "/a/b"
        let cache = Caching(memoryBytes: memoryBytes, fileBytes: fileBytes, folder: folder)
        let with = try await Self.runOfManyBlocks(cache)
        let without = try await Self.runOfManyBlocks(nil)
        #expect(with.outcome == without.outcome)
        // A few examples are equal.
        #expect(reused.contains(with.reused))
        // The folder is made when the first file is.
        let needsFile = memoryBytes < 1 << 20 && fileBytes > 0
        #expect(FileManager.default.fileExists(atPath: folder) == needsFile)
    }

    /// A file in the folder's place, a name that no file may have, none at all.
    @Test(arguments: ["file/features", "file", "\u{0}", ""])
    func whereNoFileCanBeMadeNothingIsKept(_ name: String) async throws {
        let folder = try TemporaryFolder()
        try folder.write("", to: "file")
        let path = name.isEmpty ? "" : folder.path + "/" + name
        let cache = Caching(memoryBytes: 0, folder: path)
        let (plan, settings) = (Self.plans[1], Self.settings[0])
        let with = try await Self.run(plan, settings, cache: cache)
        let without = try await Self.run(plan, settings, cache: nil)
        #expect(with.outcome == without.outcome && with.reused == 0)
    }

    /// A full disk, as a process sees it that may write no file larger than 700 KB. In a process of
    /// its own, whose limit it is.
    @Test func aFullDiskEndsTheKeepingOnly() async {
        await #expect(processExitsWith: .success) {
            let without = try await FeatureCacheTests.runOfManyBlocks(nil)
            let folder = try TemporaryFolder()
            let model = try TinyModel.classifier()
            #if canImport(Glibc)
                let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
            #else
                let resource = RLIMIT_FSIZE
            #endif
            var limit = rlimit()
            #expect(getrlimit(resource, &limit) == 0)
            limit.rlim_cur = 700_000
            #expect(setrlimit(resource, &limit) == 0)
            let with = try await FeatureCacheTests.runOfManyBlocks(
                Caching(memoryBytes: 0, folder: folder.path), model: model)
            #expect(with.outcome == without.outcome)
            #expect(with.reused > 500 && with.reused < 900)
        }
    }

    @Test func aScratchFileHasNoNameAndGivesBackWhatItGot() throws {
        let folder = try TemporaryFolder()
        let file = try #require(ScratchFile(in: folder.path + "/new/er", limit: 300_000))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/new/er") == [])
        var generator = SplitMix64(seed: 1)
        let parts = (0..<20).map { _ in
            (0..<1 + generator.next(below: 20_000)).map { _ in UInt8(generator.next(below: 256)) }
        }
        let offsets = parts.map { part in part.withUnsafeBytes { file.append($0) } }
        #expect(!offsets.contains(nil))
        for (part, offset) in zip(parts, offsets).reversed() {
            var found = [UInt8](repeating: 0, count: part.count)
            let isRead = try found.withUnsafeMutableBytes {
                file.read($0, at: try #require(offset))
            }
            #expect(isRead && found == part)
        }
        let large = [UInt8](repeating: 0, count: 300_001)
        #expect(large.withUnsafeBytes { file.append($0) } == nil)
        var beyond = [UInt8](repeating: 0, count: 10)
        #expect(!beyond.withUnsafeMutableBytes { file.read($0, at: 1 << 30) })
    }

    // MARK: What is computed

    /// Every example goes through the frozen stages once for each boundary, through the others in
    /// every epoch.
    @Test func frozenStagesSeeEachExampleOnce() async throws {
        let (model, counts) = try TinyModel.countingClassifier()
        let trainer = Trainer(
            model, plan: Self.plans[3], settings: TrainingSettings(batch: .examples(8)))
        var seen: [[Int]] = []
        trainer.listen { event in
            guard case .epoch = event else { return }
            seen.append(["embeddings", "layer 0", "layer 1", "pooler"].map { counts.take($0) })
        }
        let report = try await trainer.fit(
            on: TinyModel.examples(50), validating: TinyModel.examples(30, seed: 2))
        let (all, none) = ([80, 80, 80, 80], [0, 0, 0, 0])
        #expect(
            seen == [
                all, none, all, [0, 0, 80, 80], all, all, all, [0, 0, 80, 80], all, none,
            ])
        #expect(report.reusedFeatures == 4 * 80)
        #expect(report.description.contains("features of frozen stages were reused 320 times"))
    }

    /// A wholly frozen model keeps one row for each example, whatever the pooling.
    @Test(arguments: Pooling.ofTexts)
    func aSecondRunComputesNothing(_ pooling: Pooling) async throws {
        let (model, counts) = try TinyModel.countingClassifier(pooling: pooling)
        let trainer = Trainer(
            model, plan: .headOnly(epochs: 1), settings: TrainingSettings(batch: .examples(8)))
        let data = TinyModel.examples(40)
        try await trainer.fit(on: data, validating: TinyModel.examples(10, seed: 2))
        #expect(counts.take("layer 1") == 50 && counts.take("pooler") == 50)
        // What was for training is now for validation.
        let report = try await trainer.fit(on: TinyModel.examples(10, seed: 2), validating: data)
        #expect(counts.take("layer 1") == 0 && counts.take("pooler") == 0)
        #expect(report.reusedFeatures == 50)
        // Asking uses no cache.
        _ = try model.evaluate(on: data)
        #expect(counts.take("layer 1") == 40)
    }

    /// Whether the same weights or another trainer's work were put into a frozen stage.
    @Test func aChangedWeightDropsTheCache() async throws {
        let (model, counts) = try TinyModel.countingClassifier()
        let settings = TrainingSettings(batch: .examples(8))
        let trainer = Trainer(model, plan: .headOnly(epochs: 2), settings: settings)
        let data = TinyModel.examples(40)
        try await trainer.fit(on: data)
        #expect(counts.take("layer 0") == 40)
        try await Trainer(model, plan: .top(1, epochs: 1), settings: settings).fit(on: data)
        #expect(counts.take("layer 0") == 40)
        try await trainer.fit(on: data)
        #expect(counts.take("layer 0") == 40)
        let parameter = model.stages[0].parameters[0]
        parameter.value = parameter.value * 2
        let plain = try TinyModel.classifier()
        for (copy, original) in zip(plain.parameters, model.parameters) {
            copy.value = original.value
        }
        try await trainer.fit(on: data)
        #expect(counts.take("layer 0") == 40)
        var uncached = settings
        uncached.featureCache = nil
        try await Trainer(plain, plan: .headOnly(epochs: 2), settings: uncached).fit(on: data)
        #expect(plain.weights() == model.weights())
    }

    /// Restoring the best weights may change what has been frozen since.
    @Test func restoredWeightsDropTheCacheToo() async throws {
        let model = try TinyModel.classifier(settings: TinyModel.withoutDropout)
        let data = TinyModel.examples(60)
        let plan = Plan(
            name: "ruinous",
            phases: [
                Plan.Phase(stages: .all, epochs: 3, headRate: 2e-3, stageRate: 2e-3),
                Plan.Phase(stages: .all, epochs: 1, headRate: 0.5, stageRate: 0.5),
                Plan.Phase(stages: .none, epochs: 9, headRate: 0.5, stageRate: 0),
            ])
        let trainer = Trainer(
            model, plan: plan,
            settings: TrainingSettings(
                schedule: .constant, batch: .examples(12), earlyStopping: .init(patience: 4)))
        let report = try await trainer.fit(on: data, validating: data)
        #expect(report.stoppedEarly && report.reusedFeatures > 0)
        #expect(report.epochs.count == 7)
        #expect(report.metrics?.accuracy == report.epochs[2].metrics?.accuracy)
        #expect(try model.evaluate(on: data).accuracy == report.metrics?.accuracy)
    }

    @Test func equalExamplesShareAnEntry() async throws {
        let (model, counts) = try TinyModel.countingClassifier()
        let data = TinyModel.examples(7)
        let many = LabeledTexts((0..<6).flatMap { _ in Array(data) })
        for batch in [4, 42] {
            let trainer = Trainer(
                model, plan: .headOnly(epochs: 2),
                settings: TrainingSettings(batch: .examples(batch)))
            let report = try await trainer.fit(on: many, validating: data)
            #expect(counts.take("layer 1") == 7)
            #expect(report.reusedFeatures == 2 * 49 - 7)
        }
    }

    /// Nothing is kept of what could be different the next time.
    @Test func randomPreparationKeepsNothing() async throws {
        let folder = try PretrainedFolder(path: TinyModel.folder().path)
        let base = try TextArchitecture(folder)
        let preparation = RandomPreparation(
            base: try TextPreparation(folder, configuration: base.configuration))
        let (model, counts) = try TinyModel.countingClassifier(
            preparation: preparation, base: base, pooling: .pooler)
        let report = try await Trainer(model, plan: .headOnly(epochs: 3)).fit(
            on: TinyModel.examples(20))
        #expect(counts.take("layer 1") == 60 && report.reusedFeatures == 0)
    }

    /// Embeddings alone are a table already, and a model that trains whole has no prefix.
    @Test(arguments: [Plan.full(epochs: 2), .top(2, epochs: 2)])
    func tablesAreNotWorthKeeping(_ plan: Plan) async throws {
        let model = try TinyModel.classifier()
        let report = try await Trainer(model, plan: plan).fit(on: TinyModel.examples(20))
        #expect(report.reusedFeatures == 0)
    }

    /// Models of one backbone have the same mapped weights until they train: what one of them has
    /// computed is good for all.
    @Test func modelsOfOneBackboneHaveTheSamePrefix() throws {
        let backbone = try TinyModel.backbone()
        let head = ClassificationHead(labels: TinyModel.labels)
        let first = try #require(try backbone.attaching(head, pooling: .mean).frozenPrefix)
        let second = try #require(try backbone.attaching(head, pooling: .mean).frozenPrefix)
        #expect(first.stageCount == 4 && first.isIdentical(to: second))
        let other = try #require(try backbone.attaching(head, pooling: .firstToken).frozenPrefix)
        #expect(!first.isIdentical(to: other))
        let elsewhere = try TinyModel.backbone().attaching(head, pooling: .mean)
        #expect(!first.isIdentical(to: try #require(elsewhere.frozenPrefix)))
    }

    /// Another precision gives other features.
    @Test func aPrefixHasItsPrecision() throws {
        let model = try TinyModel.classifier()
        let prefix = try #require(model.frozenPrefix)
        let same = try Tensor.Precision.float32.applied { try #require(model.frozenPrefix) }
        #expect(prefix.isIdentical(to: same))
        let other = try Tensor.Precision.bfloat16.applied { try #require(model.frozenPrefix) }
        #expect(prefix.isIdentical(to: other) != Tensor.Precision.bfloat16.isSupported)
    }

    /// In a process of its own, because bytes are counted for the whole process.
    @Test func whatIsKeptStaysWithinItsRoomAndGoesWithTheTrainer() async {
        await #expect(processExitsWith: .success) {
            let model = try TinyModel.classifier()
            let before = Tensor.Memory.statistics.bytesInUse
            func fit(_ caching: Caching) async throws -> Int {
                let trainer = Trainer(
                    model, plan: .top(1, epochs: 2, learningRate: 0),
                    settings: TrainingSettings(
                        optimizer: .sgd(momentum: 0), batch: .examples(10), featureCache: caching))
                try await trainer.fit(on: TinyModel.examples(1500))
                let bytes = Tensor.Memory.statistics.bytesInUse
                return withExtendedLifetime(trainer) { bytes }
            }
            // 21,000 tokens, 2.7 MB, in blocks of half a megabyte. One of them, and the last that
            // was computed, stay.
            let kept = try await fit(Caching(memoryBytes: 700_000, fileBytes: 0))
            let after = Tensor.Memory.statistics.bytesInUse
            #expect(kept - after > 500_000 && kept - after <= 1_400_000)
            let filed = try await fit(Caching(memoryBytes: 0))
            #expect(filed - Tensor.Memory.statistics.bytesInUse == 0)
            #expect(after >= before)
        }
    }
}
