@testable import Checkpoint
@testable import FineTune
import Foundation
import Tensor
import TestSupport

/// A run of which the state is damaged, though the digests are right: what somebody has written who knows
/// the format. What it goes on from is refused, or trained to the end.
enum FuzzedSnapshot {
    static let format = Fuzzing(
        "snapshot", fileName: SnapshotContent.fieldsFile, seeds: [fields],
        words: ["-1", "1e308", "\"inf\"", "null", "9223372036854775807", "1152921504606846975"],
        prepare: { folder in
            try SafetensorsFile.write(
                content.tensorsToWrite, to: folder + "/" + SnapshotContent.tensorsFile)
        },
        read: { path in
            let folder = path.dropLast(SnapshotContent.fieldsFile.count)
            let content = try SnapshotContent(
                fieldsFile: MappedFile(path: path),
                tensorsFile: MappedFile(path: folder + SnapshotContent.tensorsFile))
            try run.restore(TrainingState(content))
            while let epoch = run.beginEpoch() {
                while run.hasStep { _ = try run.takeStep() }
                _ = try run.endEpoch(epoch)
            }
            _ = try run.finish()
        })

    /// Used by one thread of a process of its own.
    nonisolated(unsafe) private static let run = {
        do {
            let examples = TinyModel.examples(9).examples
            return try TrainingRun(
                model: TinyModel.classifier(), plan: .headOnly(epochs: 3, learningRate: 1e-3),
                settings: TrainingSettings(
                    batch: .examples(2), accumulation: 2, earlyStopping: .init(patience: 2),
                    seed: 4, threads: 1), data: LabeledTexts(Array(examples[..<6])),
                validation: LabeledTexts(Array(examples[6...])))
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    /// In the middle of the second epoch.
    private static let state = {
        do {
            while run.position.step < 3 {
                guard let epoch = run.beginEpoch() else { break }
                while run.hasStep, run.position.step < 3 { _ = try run.takeStep() }
                if !run.hasStep { _ = try run.endEpoch(epoch) }
            }
            return run.state
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    private static var content: SnapshotContent { state.snapshotContent(copiesWhatChanges: true) }

    private static var fields: [UInt8] {
        guard let json = try? JSON(parsing: content.fieldsFile) else { return [] }
        return json.serializedBytes()
    }
}
