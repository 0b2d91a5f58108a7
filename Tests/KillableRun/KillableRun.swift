import FineTune
import Foundation

/// A run of a tiny model, for tests that kill it: it goes on from its newest snapshot, says what it does
/// line by line, and in the end the SHA-256 of its weights.
///
/// `KillableRun MODEL FOLDER waiting|background`
@main struct KillableRun {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4 else {
            say("usage: KillableRun MODEL FOLDER waiting|background")
            exit(2)
        }
        let backbone = try PretrainedModel.text(contentsOf: arguments[1])
        let model = try backbone.attaching(ClassificationHead(labels: ["a", "b", "c"]), seed: 3)
        let snapshots = SnapshotSettings(
            folder: arguments[2], every: .steps(5), writesInBackground: arguments[3] != "waiting",
            stopsOnSignals: true)
        let trainer = Trainer(
            resuming: snapshots, model, plan: .gradualUnfreezing(epochs: 4, learningRate: 1e-3),
            settings: TrainingSettings(
                schedule: Schedule(.cosine, warmup: .share(0.1)), batch: .examples(6),
                accumulation: 2, earlyStopping: .init(patience: 4), seed: 11, threads: 1))
        trainer.listen { event in
            switch event {
            case .resumed(let resumption):
                say("from \(resumption.step) passing over \(resumption.damaged.count)")
            case .step(let step): say("step \(step.step)")
            case .snapshot(let snapshot): say("snapshot \(snapshot.step)")
            case .snapshotFailed(let error): say("failed \(error)")
            case .epoch, .finished, .recovered: break
            }
        }
        do {
            let report = try await trainer.fit(
                on: examples(150, seed: 1), validating: examples(30, seed: 2))
            say("\(report)")
        } catch let interruption as TrainingInterruption {
            say("stopped \(interruption.step) by signal \(interruption.signal)")
            exit(3)
        }
        let saved = arguments[2] + "-model"
        try model.save(to: saved)
        var digest = Digest()
        let file = try MappedFile(path: saved + "/model.safetensors")
        withExtendedLifetime(file) { digest.add(file.bytes) }
        say("done \(digest.text)")
    }

    /// Texts of which the first word tells the class.
    private static func examples(_ count: Int, seed: UInt64) -> LabeledTexts {
        var generator = SplitMix64(seed: seed)
        return LabeledTexts(
            (0..<count).map { index in
                let words = (0...generator.next(below: 12)).map { _ in
                    "w\(20 + generator.next(below: 100))"
                }
                return Example(
                    input: (["w\(10 + index % 3)"] + words).joined(separator: " "),
                    target: ["a", "b", "c"][index % 3])
            })
    }

    /// Unbuffered, so that what was said is known when the process is killed.
    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}
