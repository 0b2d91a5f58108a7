@testable import FineTune
import TestSupport
import Testing

/// What a run leaves and tells, without times.
struct RunRecord: Equatable {
    /// Their bits: to `==`, 0 and −0 are the same.
    var weights: [String: [UInt32]] = [:]
    var steps: [[Double]] = []
    var epochs: [[Double]] = []
    var score: Double?
    var stoppedEarly = false

    /// Fits and writes down what is told.
    nonisolated(nonsending) static func fit<P, H>(
        _ trainer: Trainer<P, H>, on data: Dataset<P.Input, H.Target>,
        validating validation: Dataset<P.Input, H.Target>? = nil
    ) async throws -> (record: RunRecord, report: TrainingReport<H.Metrics>) {
        let recorder = Recorder()
        trainer.listen { event in
            guard case .step(let step) = event else { return }
            recorder.steps.append([
                Double(step.step), Double(step.steps), Double(step.epoch), step.loss,
                step.learningRate,
            ])
        }
        let report = try await trainer.fit(on: data, validating: validation)
        let record = RunRecord(
            weights: trainer.model.weights().mapValues { $0.map(\.bitPattern) },
            steps: recorder.steps,
            epochs: report.epochs.map { [Double($0.epoch), $0.loss, $0.score ?? 0] },
            score: report.metrics?.score, stoppedEarly: report.stoppedEarly)
        return (record, report)
    }

    private final class Recorder { var steps: [[Double]] = [] }
}
