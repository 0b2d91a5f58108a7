@testable import FineTune
import TestSupport
import Testing

@Suite struct InterpolationTests {
    private let data = TinyModel.examples(48)

    private func trained(
        _ backbone: PretrainedModel<TextPreparation>, adapter: Adapter? = nil
    ) async throws -> TextClassifier {
        let head = ClassificationHead(labels: TinyModel.labels)
        let model =
            try adapter.map { try backbone.attaching(head, adapter: $0, seed: 1) }
            ?? backbone.attaching(head, seed: 1)
        let plan: Plan =
            adapter == nil
            ? .full(epochs: 3, learningRate: 3e-3) : .adapter(epochs: 3, learningRate: 1e-2)
        try await Trainer(model, plan: plan, settings: .init(batch: .examples(8))).fit(on: data)
        return model
    }

    @Test(arguments: TinyModel.families)
    func everyWeightIsAMean(_ family: String) async throws {
        let backbone = try TinyModel.backbone(family, settings: TinyModel.withoutDropout)
        let model = try await trained(backbone)
        let before = model.weights()
        let start = try backbone.attaching(ClassificationHead(labels: TinyModel.labels)).weights()
        let middle = try model.interpolated(with: backbone, 0.25).weights()
        let head = Set(model.network.parameters.map(\.path)).union(model.initializedPaths)
        #expect(!head.isEmpty && head.count < before.count)
        for (path, values) in before {
            let (other, found) = try (#require(start[path]), #require(middle[path]))
            for index in values.indices {
                let expected =
                    head.contains(path)
                    ? values[index] : 0.25 * values[index] + 0.75 * other[index]
                #expect(abs(found[index] - expected) <= 1e-6 * (1 + abs(expected)))
            }
        }
        #expect(model.weights() == before)
        #expect(try model.interpolated(with: backbone, 1).weights() == before)
        let none = try model.interpolated(with: backbone, 0)
        #expect(
            none.weights().allSatisfy { head.contains($0.key) || start[$0.key] == $0.value })
        #expect(none.preparation.maximumLength == model.preparation.maximumLength)
    }

    @Test func adaptersAreMergedFirst() async throws {
        let backbone = try TinyModel.backbone(settings: TinyModel.withoutDropout)
        let model = try await trained(backbone, adapter: .lora(rank: 2))
        let whole = try model.interpolated(with: backbone, 1)
        #expect(whole.adapter == nil)
        for (a, b) in zip(
            try whole.outputs(for: data.inputs).joined(),
            try model.outputs(for: data.inputs).joined())
        { #expect(abs(a - b) < 1e-5) }
    }

    @Test func twoModelsShareTheirHeadsToo() async throws {
        let backbone = try TinyModel.backbone(settings: TinyModel.withoutDropout)
        let (probe, model) = (
            try backbone.attaching(ClassificationHead(labels: TinyModel.labels)),
            try await trained(backbone)
        )
        try await probe.solveHead(on: data, with: .ridge())
        #expect(try model.interpolated(with: probe, 0).weights() == probe.weights())
        #expect(try model.interpolated(with: probe, 1).weights() == model.weights())
        let half = try model.interpolated(with: probe, 0.5).weights()["classifier.bias"]
        let (a, b) = (model.weights()["classifier.bias"], probe.weights()["classifier.bias"])
        for (found, (x, y)) in zip(try #require(half), zip(try #require(a), try #require(b))) {
            #expect(abs(found - (x + y) / 2) < 1e-6)
        }
        let other = try backbone.attaching(ClassificationHead(labels: ["a", "z"]))
        #expect(throws: ModelError.self) { try model.interpolated(with: other, 0.5) }
    }

    @Test func aSweepFindsTheTradeOff() async throws {
        let backbone = try TinyModel.backbone(settings: TinyModel.withoutDropout)
        let model = try await trained(backbone)
        let watch = try ForgettingGuard(similaritiesOf: data.inputs, in: backbone)
        let sweep = try await model.interpolationSweep(
            with: backbone, alphas: [0, 0.5, 1], on: data, guarding: watch)
        #expect(sweep.points.map(\.alpha) == [0, 0.5, 1])
        #expect(sweep.points[2].metrics == (try model.evaluate(on: data)))
        let forgotten = sweep.points.compactMap(\.forgotten)
        #expect(forgotten[0].magnitude < 1e-6 && forgotten[1] < forgotten[2])
        #expect(forgotten[2] == (try watch.forgotten(by: model)))
        #expect(sweep.best(forgettingAtMost: forgotten[1])?.alpha != 1)
        #expect(sweep.best(forgettingAtMost: -1) == nil)
        #expect("\(sweep)".contains("← best"))
        let plain = try await model.interpolationSweep(with: backbone, on: data)
        #expect(plain.points.count == 11 && plain.points.allSatisfy { $0.forgotten == nil })
        #expect(plain.best.metrics.score == plain.points.map(\.metrics.score).max())
    }

    /// The choice itself, of made-up numbers.
    @Test func theBestIsTheHighestScoreLessWhatIsForgotten() {
        func point(_ alpha: Double, _ hits: Int, _ forgotten: Double?) -> InterpolationPoint<
            ClassificationMetrics
        > {
            let predictions = (0..<10).map { $0 < hits ? 0 : 1 }
            return InterpolationPoint(
                alpha: alpha,
                metrics: ClassificationMetrics(
                    predictions: predictions, targets: [Int](repeating: 0, count: 10),
                    labels: ["a", "b"]), forgotten: forgotten)
        }
        let sweep = InterpolationSweep(points: [
            point(0, 2, 0), point(0.4, 7, 0.1), point(0.6, 8, 0.2), point(1, 9, 0.6),
        ])
        #expect(sweep.best.alpha == 0.6 || sweep.best.alpha == 0.4)
        #expect(sweep.best(forgettingAtMost: 0.15)?.alpha == 0.4)
        #expect(sweep.best(forgettingAtMost: 1)?.alpha == 1)
        let equal = InterpolationSweep(points: [point(0.5, 5, nil), point(1, 5, nil)])
        #expect(equal.best.alpha == 1)
    }
}
