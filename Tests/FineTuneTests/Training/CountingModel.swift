@testable import FineTune
import Tensor
import TestSupport

/// Counts the examples that go through each stage of a model, without gradients or with.
final class StageCounts: Sendable {
    private let counts = Locked<[String: Int]>([:])

    func add(_ count: Int, to stage: String) {
        counts.withLock { $0[stage, default: 0] += count }
    }

    /// The examples that went through a stage since this was last asked.
    func take(_ stage: String) -> Int { counts.withLock { $0.removeValue(forKey: stage) ?? 0 } }
}

/// The tiny text models, with stages that count.
struct CountingArchitecture: Architecture {
    let base: TextArchitecture
    let counts: StageCounts

    var publishedConfiguration: JSON.Object { base.publishedConfiguration }
    var featureSize: Int { base.featureSize }
    func headDropout(for pooling: Pooling) -> Double { base.headDropout(for: pooling) }
    func headPath(for pooling: Pooling) -> String { base.headPath(for: pooling) }
    func savedKind(for pooling: Pooling) -> String? { base.savedKind(for: pooling) }

    func makeStages(_ pooling: Pooling, seed: UInt64, sharing shared: [String: Tensor]) throws -> (
        stages: [any Stage], report: LoadReport
    ) {
        let (stages, report) = try base.makeStages(pooling, seed: seed, sharing: shared)
        return (stages.map { CountingStage(base: $0, counts: counts) }, report)
    }

    func savedName(of path: String) -> String { base.savedName(of: path) }
}

private final class CountingStage: Stage {
    let base: any Stage
    let counts: StageCounts

    init(base: any Stage, counts: StageCounts) { (self.base, self.counts) = (base, counts) }

    var name: String { base.name }
    var parameters: [Parameter] { base.parameters }
    var isCounted: Bool { base.isCounted }

    func callAsFunction(_ input: Features, in pass: Pass) -> Features {
        counts.add(input.segments.count, to: name)
        return base(input, in: pass)
    }
}

/// A preparation whose batches could be random: its items have no key.
struct RandomPreparation: Preparation {
    let base: TextPreparation

    var configuration: [(String, JSON)] { base.configuration }
    var fingerprint: Fingerprint { base.fingerprint }

    func prepared(_ input: String) throws -> TokenizedText { try base.prepared(input) }
    func size(of item: TokenizedText) -> Int { base.size(of: item) }
    func isTruncated(_ item: TokenizedText) -> Bool { base.isTruncated(item) }
    func isEmpty(_ item: TokenizedText) -> Bool { base.isEmpty(item) }
    func batch(_ items: [TokenizedText]) -> Features { base.batch(items) }
    func featureKey(of item: TokenizedText) -> TokenizedText? { nil }
    func save(to folder: String) throws { try base.save(to: folder) }
}

extension TinyModel {
    /// The tiny BERT as a classifier that counts.
    static func countingClassifier(
        pooling: Pooling = .pooler
    ) throws -> (model: TextClassifier, counts: StageCounts) {
        let folder = try PretrainedFolder(path: self.folder().path)
        let base = try TextArchitecture(folder)
        return try countingClassifier(
            preparation: TextPreparation(folder, configuration: base.configuration), base: base,
            pooling: pooling)
    }

    static func countingClassifier<P: Preparation>(
        preparation: P, base: TextArchitecture, pooling: Pooling
    ) throws -> (model: FineTunedModel<P, ClassificationHead>, counts: StageCounts) {
        let counts = StageCounts()
        let backbone = try PretrainedModel(
            preparation: preparation,
            architecture: CountingArchitecture(base: base, counts: counts), pooling: .mean,
            normalizesEmbeddings: false)
        let model = try backbone.attaching(
            ClassificationHead(labels: labels), pooling: pooling, seed: 3)
        return (model, counts)
    }
}

/// The tiny text models, with a stage on top that has a weight and does not use it.
private struct UnusedWeightArchitecture: Architecture {
    let base: TextArchitecture

    var publishedConfiguration: JSON.Object { base.publishedConfiguration }
    var featureSize: Int { base.featureSize }
    func headDropout(for pooling: Pooling) -> Double { base.headDropout(for: pooling) }
    func headPath(for pooling: Pooling) -> String { base.headPath(for: pooling) }
    func savedKind(for pooling: Pooling) -> String? { base.savedKind(for: pooling) }

    func makeStages(_ pooling: Pooling, seed: UInt64, sharing shared: [String: Tensor]) throws -> (
        stages: [any Stage], report: LoadReport
    ) {
        let (stages, report) = try base.makeStages(pooling, seed: seed, sharing: shared)
        return (stages + [UnusedWeightStage()], report)
    }

    func savedName(of path: String) -> String { base.savedName(of: path) }
}

private final class UnusedWeightStage: Stage {
    let name = "unused"
    let parameters = [
        Parameter(path: "unused.weight", kind: .weight, value: Tensor(zeros: [4, 4]))
    ]

    func callAsFunction(_ input: Features, in pass: Pass) -> Features { input }
}

extension TinyModel {
    /// The tiny BERT with a weight, of this path, that the loss does not depend on.
    static func classifierWithUnusedWeight() throws -> (model: TextClassifier, path: String) {
        let folder = try PretrainedFolder(path: self.folder().path)
        let base = try TextArchitecture(folder)
        let backbone = try PretrainedModel(
            preparation: TextPreparation(folder, configuration: base.configuration),
            architecture: UnusedWeightArchitecture(base: base), pooling: .mean,
            normalizesEmbeddings: false)
        return (try backbone.attaching(ClassificationHead(labels: labels)), "unused.weight")
    }
}
