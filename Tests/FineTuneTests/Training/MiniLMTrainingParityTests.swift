@testable import FineTune
import TestSupport
import Testing

/// Twenty steps of training are PyTorch's, from the same weights on the same batches, without
/// dropout: see `Fixtures/minilm/generate.py`.
@Suite struct MiniLMTrainingParityTests {
    private func makeRun(_ fixture: SafetensorsFile) throws -> TrainingRun<
        TextPreparation, ClassificationHead
    > {
        let model = try MiniLM.classifier(
            MiniLM.folderWithoutDropout().path, weights: fixture)
        let texts = try MiniLM.texts()
        let positions = try fixture.integers("batches").map(Int.init)
        let labels = try fixture.integers("labels").map(Int.init)
        // A text has one label wherever it occurs; those that never occur keep the first.
        var targets = [Int](repeating: 0, count: texts.count)
        for (position, label) in zip(positions, labels) { targets[position] = label }
        for (position, label) in zip(positions, labels) { #expect(targets[position] == label) }
        let batches = (0..<20).map { Array(positions[$0 * 16..<($0 + 1) * 16]) }
        return try TrainingRun(
            model: model, plan: .full(epochs: 1, learningRate: 1e-4),
            settings: TrainingSettings(
                optimizer: .adamW(weightDecay: 0.01), schedule: .constant, gradientClipping: 1),
            data: LabeledTexts(texts: texts, labels: targets.map { MiniLM.labels[$0] }),
            validation: nil, batches: { _ in batches })
    }

    @Test func twentyStepsLoseAsInPyTorch() throws {
        let fixture = try MiniLM.fixture("training")
        let run = try makeRun(fixture)
        _ = run.beginEpoch()
        let losses = try fixture.doubles("losses")
        let norms = try fixture.doubles("gradientNorms")
        for step in 0..<20 {
            let progress = try run.takeStep()
            let loss = mismatch(progress.loss, losses[step], within: Tolerance(relative: 1e-4))
            #expect(loss == nil, "the loss of step \(step)")
            let norm = mismatch(
                run.gradientLength, norms[step], within: Tolerance(relative: 1e-3))
            #expect(norm == nil, "the gradient's norm in step \(step)")
        }
        #expect(!run.hasStep)
    }

    /// Every gradient of the first step, by its norm and 32 sums with random signs: the root mean
    /// square of their differences estimates the distance of the gradients.
    ///
    /// The bias of an attention's key adds the same to every score of a query, which no softmax
    /// sees: its true gradient is 0, and what either library computes is rounding noise. It is
    /// compared with the norm of the key's weight gradient.
    @Test(arguments: ["sketch", "sketch64"])
    func everyGradientOfTheFirstStepIsPyTorchs(_ precision: String) throws {
        let fixture = try MiniLM.fixture("training")
        let run = try makeRun(fixture)
        _ = run.beginEpoch()
        let positions = try fixture.integers("batches").map(Int.init)
        _ = try run.computeGradients(of: [Array(positions.prefix(16))])
        var compared = 0
        for parameter in run.model.parameters {
            let name = run.model.architecture.savedName(of: parameter.path)
            let expected = try fixture.doubles("\(precision).\(name)")
            let found = sketch(try #require(parameter.gradient, "\(name)"))
            var scale = expected[0]
            if name.hasSuffix("key.bias") {
                let weight = name.dropLast("bias".count) + "weight"
                scale = try fixture.doubles("\(precision).\(weight)")[0]
            }
            let differences = zip(found, expected).map { $0 - $1 }
            let squares = differences.dropFirst().reduce(0) { $0 + $1 * $1 }
            #expect(abs(differences[0]) <= 1e-4 * scale, "the norm of \(name)")
            #expect((squares / 32).squareRoot() <= 1e-4 * scale, "\(name)")
            compared += 1
        }
        #expect(compared == fixture.names.count { $0.hasPrefix(precision + ".") })
    }

    private func sketch(_ gradient: Tensor) -> [Double] {
        let values = gradient.elements(as: Float.self)
        var sums = [Double](repeating: 0, count: 33)
        for (index, value) in values.enumerated() {
            let (number, bits) = (Double(value), splitMix64(UInt64(index)))
            sums[0] += number * number
            for k in 0..<32 { sums[1 + k] += bits >> UInt64(k) & 1 == 1 ? number : -number }
        }
        sums[0] = sums[0].squareRoot()
        return sums
    }

    private func splitMix64(_ x: UInt64) -> UInt64 {
        var z = x &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
