@testable import FineTune
import Foundation
import TestSupport
import Testing

/// Losses of heads that compare vectors or levels, and their gradients, against PyTorch's: see
/// `Fixtures/similarity/generate.py`.
@Suite struct ComparingLossTests {
    struct Fixture: Decodable {
        let cosine, negatives, triplet, ordinal: [Case]

        static func load() throws -> Fixture {
            let url = URL(fileURLWithPath: fixturePath("similarity/similarity.json"))
            return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
        }
    }

    struct Case: Decodable {
        let rows: Int
        let outputs, gradient: [Double]
        let loss: Double
        let targets: [Double]?
        let labels, predictions: [Int]?
        let size, levels: Int?
        let scale, margin, kappa, error: Double?

        var tensor: Tensor { Tensor(outputs, shape: [rows, outputs.count / rows]) }
    }

    /// float64 on both sides; PyTorch keeps cosines away from 0 in another way, and distances.
    private let tolerance = Tolerance(absolute: 1e-9, relative: 1e-9)

    private func check<H: Head>(_ head: H, _ fixture: Case, targets: [H.EncodedTarget]) {
        let sink = ReceivedGradient()
        let mean =
            head.loss(Variable(fixture.tensor, gradientTo: sink), targets: targets)
            * (1 / head.weight(of: targets))
        mean.backward()
        #expect(mismatch(mean.value.scalar, fixture.loss, within: tolerance) == nil)
        #expect(
            sink.gradient.flatMap { mismatch($0, fixture.gradient, within: tolerance) } == nil)
        #expect(sink.gradient?.shape == fixture.tensor.shape)
    }

    @Test(arguments: 0..<2)
    func cosine(_ index: Int) throws {
        let fixture = try Fixture.load().cosine[index]
        check(SimilarityHead(), fixture, targets: try #require(fixture.targets))
    }

    @Test(arguments: 0..<3)
    func multipleNegatives(_ index: Int) throws {
        let fixture = try Fixture.load().negatives[index]
        let (size, scale) = try (#require(fixture.size), #require(fixture.scale))
        check(
            ContrastiveHead(.multipleNegatives(scale: scale), groupSize: size), fixture,
            targets: [NoTarget](repeating: NoTarget(), count: fixture.rows / size))
    }

    @Test(arguments: 0..<2)
    func triplets(_ index: Int) throws {
        let fixture = try Fixture.load().triplet[index]
        check(
            ContrastiveHead(.triplet(margin: try #require(fixture.margin))), fixture,
            targets: [NoTarget](repeating: NoTarget(), count: fixture.rows / 3))
    }

    @Test(arguments: 0..<2)
    func ordinal(_ index: Int) throws {
        let fixture = try Fixture.load().ordinal[index]
        let labels = (0..<(try #require(fixture.levels))).map { "level \($0)" }
        let targets = try #require(fixture.labels)
        check(OrdinalHead(labels: labels), fixture, targets: targets)
        let metrics = OrdinalMetrics(
            predictions: try #require(fixture.predictions), targets: targets, labels: labels)
        #expect(abs(metrics.quadraticWeightedKappa - (try #require(fixture.kappa))) < 1e-12)
        #expect(abs(metrics.meanAbsoluteError - (try #require(fixture.error))) < 1e-12)
        #expect(metrics.score == -metrics.meanAbsoluteError)
    }

    /// Equal and zero vectors have no direction, but finite gradients.
    @Test func degenerateVectorsHaveFiniteGradients() {
        let outputs = Tensor([0, 0, 1, 2, 1, 2, 0, 0, 0, 0, 3, 4] as [Float], shape: [6, 2])
        let triplets = ContrastiveHead(.triplet()), pairs = ContrastiveHead()
        func gradient(_ loss: (Variable) -> Variable) -> Tensor? {
            let sink = ReceivedGradient()
            loss(Variable(outputs, gradientTo: sink)).backward()
            return sink.gradient
        }
        let none = [NoTarget](repeating: NoTarget(), count: 3)
        for received in [
            gradient { triplets.loss($0, targets: Array(none.prefix(2))) },
            gradient { pairs.loss($0, targets: none) },
            gradient { SimilarityHead().loss($0, targets: [1, 0, -1]) },
        ] { #expect(received?.isFinite == true) }
    }
}
