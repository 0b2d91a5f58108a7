@testable import FineTune
import Foundation
import TestSupport
import Testing

@Suite struct CalibrationTests {
    struct Case: Decodable {
        struct Measures: Decodable {
            let error, loss: Double
        }

        let classes: Int
        let logits: [Double]
        let targets: [Int]
        let temperature: Double
        let before, after: Measures

        static func load() throws -> [Case] {
            let url = URL(fileURLWithPath: fixturePath("calibration/calibration.json"))
            return try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
        }
    }

    /// See `Fixtures/calibration/generate.py`.
    @Test(arguments: 0..<3)
    func temperatureAndErrorAreThoseOfPyTorch(_ index: Int) throws {
        let fixture = try Case.load()[index]
        let outputs = Tensor(
            fixture.logits, shape: [fixture.targets.count, fixture.classes])
        let temperature = bestTemperature(outputs, targets: fixture.targets)
        #expect(abs(temperature - fixture.temperature) < 1e-6 * fixture.temperature)
        for (scaled, expected) in [
            (outputs, fixture.before), (outputs * (1 / fixture.temperature), fixture.after),
        ] {
            let rows = scaled.softmax()
            let metrics = CalibrationMetrics(
                probabilities: fixture.targets.indices.map {
                    rows[$0].elements(as: Double.self)
                }, targets: fixture.targets)
            #expect(abs(metrics.expectedCalibrationError - expected.error) < 1e-9)
            #expect(abs(metrics.negativeLogLikelihood - expected.loss) < 1e-9)
            #expect(metrics.bins.count == 15 && metrics.count == fixture.targets.count)
        }
    }

    /// By hand: two answers at 0.9, one right; one at 0.6, right; one at exactly 2/3, which belongs to
    /// the bin that ends there, wrong.
    @Test func theErrorIsTheWeightedDistanceOfConfidenceAndAccuracy() {
        let metrics = CalibrationMetrics(
            probabilities: [[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [2.0 / 3, 1.0 / 3]],
            targets: [0, 0, 0, 1], binCount: 3)
        // Bin 1 holds 0.6 and 2/3: accuracy 1/2. Bin 2 holds both 0.9: accuracy 1/2.
        let expected = 0.5 * abs(0.5 - (0.6 + 2.0 / 3) / 2) + 0.5 * abs(0.5 - 0.9)
        #expect(abs(metrics.expectedCalibrationError - expected) < 1e-12)
        #expect(metrics.bins.map(\.count) == [0, 2, 2])
        #expect(
            "\(metrics)".hasPrefix("expected calibration error 0.267, negative log-likelihood "))
        #expect("\(metrics)".hasSuffix(" (4 examples)"))
        let none = CalibrationMetrics(probabilities: [], targets: [])
        #expect(none.expectedCalibrationError == 0 && none.negativeLogLikelihood == 0)
    }

    @Test func impossibleTemperaturesStayWithinTheLimits() {
        // All right: colder and colder, until the loss cannot be told from 0.
        let right = Tensor([3.0, 0, 0, 1], shape: [2, 2])
        let coldest = bestTemperature(right, targets: [0, 1])
        #expect(coldest >= 0.01 && coldest < 0.1)
        #expect(abs(bestTemperature(right, targets: [1, 0]) - 100) < 1e-8)
    }

    @Test func calibratingChangesProbabilitiesButNoAnswer() async throws {
        let (train, held) = (TinyModel.examples(60), TinyModel.examples(90, seed: 4))
        let model = try TinyModel.classifier()
        try await model.solveHead(on: train, with: .ridge())
        let (before, answers) = try (model.calibration(on: held), model.predict(held.inputs))
        let report = try model.calibrate(on: held)
        #expect(report.before == before)
        #expect(report.after.negativeLogLikelihood < before.negativeLogLikelihood)
        #expect(report.temperature > 0.01 && report.temperature < 0.9)
        let after = try model.calibration(on: held)
        #expect(abs(after.negativeLogLikelihood - report.after.negativeLogLikelihood) < 1e-6)
        let calibrated = try model.predict(held.inputs)
        #expect(calibrated.map(\.label) == answers.map(\.label))
        #expect(calibrated.map(\.probability) != answers.map(\.probability))
        #expect(abs(try model.calibrate(on: held).temperature - 1) < 1e-5)
        #expect("\(report)".contains("\nafter: expected calibration error 0."))

        let folder = try TemporaryFolder()
        try model.save(to: folder.path)
        let restored = try TextClassifier(contentsOf: folder.path)
        #expect(try restored.predict(held.inputs) == model.predict(held.inputs))
        #expect(throws: DataError.self) { try model.calibrate(on: LabeledTexts([])) }
        #expect(throws: HeadError.self) {
            try model.calibrate(on: LabeledTexts(texts: ["w5"], labels: ["?"]))
        }
    }

    @Test(arguments: [0, -1, Int.max])
    func impossibleIntervalsChangeNothing(_ count: Int) throws {
        let model = try TinyModel.classifier()
        let (before, data) = (model.weights(), TinyModel.examples(9))
        let expected = HeadError.unusableBinCount(count)
        #expect(throws: expected) { try model.calibrate(on: data, binCount: count) }
        #expect(throws: expected) { try model.calibration(on: data, binCount: count) }
        #expect(model.weights() == before)
        #expect(
            expected.description
                == "probabilities cannot be sorted into \(count) intervals; give 1 to 1000000")
    }
}
