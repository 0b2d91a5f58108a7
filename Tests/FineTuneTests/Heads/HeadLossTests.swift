import FineTune
import Foundation
import TestSupport
import Testing

/// Losses and their gradients against PyTorch's: see `Fixtures/heads/generate.py`. A head's loss is a
/// sum, and divided by its weight what PyTorch calls the mean.
@Suite struct HeadLossTests {
    struct Fixture: Decodable {
        let classification: [Classes]
        let multiLabel: [Labels]
        let regression: [Numbers]

        static func load() throws -> Fixture {
            let url = URL(fileURLWithPath: fixturePath("heads/heads.json"))
            return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
        }
    }

    struct Classes: Decodable {
        let logits, gradient: [[Double]]
        let targets: [Int]
        let weights: [Double]?
        let smoothing, loss: Double
    }

    struct Labels: Decodable {
        let logits, gradient: [[Double]]
        let targets: [[Int]]
        let loss: Double
    }

    struct Numbers: Decodable {
        let logits, gradient, targets: [Double]
        let loss: Double
    }

    /// Targets with class weights and smoothing are kept as float32, which has 7 digits.
    private let tolerance = Tolerance(absolute: 1e-8, relative: 2e-7)

    private func check<H: Head>(
        _ head: H, outputs: Tensor, targets: [H.EncodedTarget], loss: Double, gradient: [Double]
    ) {
        let sink = ReceivedGradient()
        let mean =
            head.loss(Variable(outputs, gradientTo: sink), targets: targets)
            * (1 / head.weight(of: targets))
        mean.backward()
        #expect(mismatch(mean.value.scalar, loss, within: tolerance) == nil)
        #expect(sink.gradient.flatMap { mismatch($0, gradient, within: tolerance) } == nil)
        #expect(sink.gradient?.shape == outputs.shape)
    }

    @Test(arguments: 0..<6)
    func classification(_ index: Int) throws {
        let fixture = try Fixture.load().classification[index]
        let head = ClassificationHead(
            labels: ["a", "b", "c", "d"],
            classWeights: fixture.weights.map { .perLabel($0) } ?? .uniform,
            labelSmoothing: fixture.smoothing)
        check(
            head, outputs: Tensor(fixture.logits.flatMap { $0 }, shape: [fixture.logits.count, 4]),
            targets: fixture.targets, loss: fixture.loss, gradient: fixture.gradient.flatMap { $0 })
    }

    @Test(arguments: 0..<3)
    func multiLabel(_ index: Int) throws {
        let fixture = try Fixture.load().multiLabel[index]
        let (rows, labels) = (fixture.logits.count, fixture.logits[0].count)
        check(
            MultiLabelHead(labels: (0..<labels).map { "label \($0)" }),
            outputs: Tensor(fixture.logits.flatMap { $0 }, shape: [rows, labels]),
            targets: fixture.targets.map { row in row.indices.filter { row[$0] == 1 } },
            loss: fixture.loss, gradient: fixture.gradient.flatMap { $0 })
    }

    @Test(arguments: 0..<2)
    func regression(_ index: Int) throws {
        let fixture = try Fixture.load().regression[index]
        check(
            RegressionHead(), outputs: Tensor(fixture.logits, shape: [fixture.logits.count, 1]),
            targets: fixture.targets, loss: fixture.loss, gradient: fixture.gradient)
    }

    /// scikit-learn's `compute_class_weight("balanced")`: n / (classes · n of the class).
    @Test func balancedWeightsMakeEveryClassCountTheSame() {
        let weights = ClassificationHead.balancedWeights(
            for: ["a", "b", "a", "a"], labels: ["a", "b"])
        let expected: [Double] = [4.0 / 6, 4.0 / 2]
        #expect(weights == .perLabel(expected))
        let absent = ClassificationHead.balancedWeights(for: ["a"], labels: ["a", "b"])
        #expect(absent == .perLabel([0.5, 0]))
    }
}
