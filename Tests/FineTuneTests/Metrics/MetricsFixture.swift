import Foundation

/// What `Fixtures/metrics/generate.py` wrote.
struct MetricsFixture: Decodable {
    let classification: [Classification]
    let multiLabel: [MultiLabel]
    let regression: [Regression]

    struct Classification: Decodable, Sendable {
        let name: String
        let classes: Int
        let targets, predictions: [Int]
        let accuracy, matthews: Double
        let confusion: [[Int]]
        let perClass: [[Double]]
        let support: [Int]
        let micro, macro, weighted: [Double]
    }

    struct MultiLabel: Decodable, Sendable {
        let name: String
        let targets, predictions: [[Int]]
        let subset: Double
        let perClass: [[Double]]
        let support: [Int]
        let micro, macro, weighted: [Double]
    }

    struct Regression: Decodable, Sendable {
        let name: String
        let targets, predictions: [Double]
        let mse, mae: Double
        let r2: Double?
        let pearson, spearman: Double
    }

    static func load() throws -> MetricsFixture {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/metrics/metrics.json")
        return try JSONDecoder().decode(MetricsFixture.self, from: Data(contentsOf: url))
    }
}
