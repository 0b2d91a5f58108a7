@testable import FineTune
import TestSupport
import Testing

/// Training with bfloat16 products, and trainers beside each other.
@Suite struct TrainingPrecisionTests {
    private func train(
        _ precision: Tensor.Precision, threads: Int? = nil, seed: UInt64 = 7, epochs: Int = 2
    ) async throws -> (
        weights: [String: [Float]], report: TrainingReport<ClassificationMetrics>
    ) {
        let model = try TinyModel.classifier()
        let trainer = Trainer(
            model, plan: .full(epochs: epochs, learningRate: 1e-3),
            settings: TrainingSettings(seed: seed, threads: threads, precision: precision))
        let report = try await trainer.fit(
            on: TinyModel.examples(70), validating: TinyModel.examples(30, seed: 2))
        return (model.weights(), report)
    }

    @Test(arguments: Tensor.Precision.allCases)
    func theSameSeedGivesTheSameBits(_ precision: Tensor.Precision) async throws {
        let one = try await train(precision, threads: 1)
        let two = try await train(precision, threads: 2)
        #expect(one.weights == two.weights)
    }

    /// Rounded operands change the bits, and little else; what is kept is float32.
    @Test func bfloat16LearnsTheSame() async throws {
        let exact = try await train(.float32, epochs: 6)
        let rounded = try await train(.bfloat16, epochs: 6)
        guard Tensor.Precision.bfloat16.isSupported else {
            #expect(rounded.weights == exact.weights)
            return
        }
        #expect(rounded.weights != exact.weights)
        for (a, b) in zip(exact.report.epochs, rounded.report.epochs) {
            // Operands of 8 bits are wrong by 0.2%, and their errors mostly cancel in a sum.
            #expect(abs(a.loss - b.loss) < 0.03 * a.loss, "epoch \(a.epoch)")
        }
        #expect(exact.report.precision == .float32 && rounded.report.precision == .bfloat16)
        #expect(!rounded.report.lacksPrecision)
    }

    /// A CPU without the instructions computes in float32 and says so.
    @Test func theReportNamesAMissingPrecision() async throws {
        let report = try await train(.bfloat16).report
        let isSupported = Tensor.Precision.bfloat16.isSupported
        #expect(report.lacksPrecision == !isSupported)
        #expect(report.precision == (isSupported ? .bfloat16 : .float32))
        #expect("\(report)".contains("no bfloat16") == !isSupported)
    }

    /// Trainers share the threads and the memory, and nothing else.
    @Test func twoTrainersAtOnceGetTheBitsTheyGetAlone() async throws {
        let alone = [
            try await train(.float32, seed: 1).weights, try await train(.bfloat16, seed: 2).weights,
        ]
        async let first = train(.float32, seed: 1).weights
        async let second = train(.bfloat16, threads: 1, seed: 2).weights
        let together = try await [first, second]
        #expect(together[0] == alone[0])
        #expect(together[1] == alone[1])
    }
}
