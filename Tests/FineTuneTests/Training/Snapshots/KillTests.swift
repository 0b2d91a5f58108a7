@testable import FineTune
import Foundation
import TestSupport
import Testing

/// Processes that are killed at random moments and started again.
@Suite(.serialized, .enabled(if: LongTests.hasOwnCPULevel)) struct KillTests {
    private static let interval = 5

    /// What a process said until its end.
    private struct Outcome {
        var lines: [String]
        var status: Int32
        var isKilled: Bool

        /// The numbers after a word, in order.
        func numbers(_ word: String) -> [Int] {
            lines.compactMap { line in
                let words = line.split(separator: " ")
                return words.first == word[...] ? Int(words[1]) : nil
            }
        }

        var digest: String? { lines.last { $0.hasPrefix("done ") } }
    }

    /// Starts the program. `meanwhile` is called once it has begun to say something, or at once.
    private static func run(
        _ model: String, _ folder: String, waiting: Bool, atOnce: Bool = false,
        meanwhile: (Process) -> Void = { _ in }
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Bundle.main.bundlePath + "/KillableRun")
        process.arguments = [model, folder, waiting ? "waiting" : "background"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        var output = atOnce ? Data() : pipe.fileHandleForReading.availableData
        meanwhile(process)
        output += pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        // A line that was cut off was not said.
        let text = String(decoding: output, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        return Outcome(
            lines: lines.map(String.init), status: process.terminationStatus,
            isKilled: process.terminationReason == .uncaughtSignal)
    }

    /// What is killed, and how it writes its snapshots.
    struct Victim: Sendable, CustomTestStringConvertible {
        /// The published MiniLM, or a model of 0.4 MB.
        let isReal: Bool
        let waits: Bool

        var kills: Int { isReal ? 12 : LongTests.size(12, long: 110) }
        var testDescription: String {
            (isReal ? "MiniLM" : "a tiny model")
                + (waits ? ", waiting for the disk" : ", in the background")
        }
    }

    static let victims = [false, true].prefix(LongTests.size(1, long: 2)).flatMap { isReal in
        [true, false].map { Victim(isReal: isReal, waits: $0) }
    }

    /// Kills a run again and again, until it ends, as often as it takes to have killed so many.
    @Test(arguments: victims) func killedRunsEndWithTheSameBits(_ victim: Victim) throws {
        let (waiting, wanted) = (victim.waits, victim.kills)
        let tiny = victim.isReal ? nil : try TinyModel.folder()
        let model = try tiny?.path ?? MiniLM.folder()
        let work = try TemporaryFolder()
        let start = ContinuousClock.now
        let whole = try Self.run(model, work.path + "/whole", waiting: waiting)
        let duration = (ContinuousClock.now - start).inSeconds
        let digest = try #require(whole.digest)
        let steps = try #require(whole.numbers("step").last)
        var (kills, attempts, runs, worst, lost) = (0, 0, 0, 0, 0)
        while kills < wanted {
            runs += 1
            let folder = work.path + "/run\(runs)"
            /// The steps that the killed process had taken, and those that were on the disk.
            var (taken, kept) = (0, 0)
            while true {
                // Some are killed while they are still loading.
                let atOnce = Int.random(in: 0..<4) == 0
                let outcome = try Self.run(
                    model, folder, waiting: waiting, atOnce: atOnce
                ) { process in
                    usleep(UInt32(.random(in: 0..<0.5) * duration * 1e6))
                    kill(process.processIdentifier, SIGKILL)
                }
                let from = outcome.numbers("from").first ?? 0
                if !outcome.lines.isEmpty {
                    // What was on the disk still is, and is whole.
                    #expect(from >= kept, "went on from \(from), though \(kept) was written")
                    let passedOver = outcome.lines.filter { $0.contains("passing over") }
                    #expect(passedOver.allSatisfy { $0.hasSuffix(" 0") })
                    let loss = taken - from
                    #expect(loss <= Self.interval, "\(loss) steps were lost")
                    (worst, lost) = (max(worst, loss), lost + max(0, loss))
                    taken = outcome.numbers("step").last ?? from
                    kept = max(from, outcome.numbers("snapshot").last ?? 0)
                }
                if let found = outcome.digest {
                    #expect(found == digest)
                    break
                }
                #expect(outcome.isKilled && outcome.status == SIGKILL)
                attempts += 1
                // What was killed before its first step proves nothing.
                if !outcome.numbers("step").isEmpty { kills += 1 }
                guard attempts < 10 * wanted else {
                    Issue.record("a run does not get on")
                    return
                }
            }
        }
        print(
            "kills: \(kills) by SIGKILL in \(runs) runs of \(steps) steps, a snapshot every "
                + "\(Self.interval) steps, \(victim.testDescription): at most \(worst) steps lost at "
                + "once, \(lost) in all; the weights' SHA-256 is that of the run without a kill")
    }

    /// A second signal ends the process, of whichever kind it is.
    @Test func aSecondSignalEndsTheProcess() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            StopSignals.begin()
            Self.interrupt()
            kill(getpid(), SIGTERM)
            sleep(60)
        }
    }

    /// Sends this process a signal, and waits until it has come.
    private static func interrupt() {
        kill(getpid(), SIGINT)
        while StopSignals.pending == nil { usleep(100) }
    }

    /// A signal that comes after the last step is not lost, and neither is the run.
    @Test(arguments: [false, true]) func aLateSignalEndsTheRun(afterReport: Bool) async {
        await #expect(processExitsWith: .success) { [afterReport] in
            let folder = try TemporaryFolder()
            let snapshots = SnapshotSettings(folder: folder.path + "/run", stopsOnSignals: true)
            let (plan, data) = (Plan.headOnly(epochs: 1), TinyModel.examples(20))
            let trainer = Trainer(try TinyModel.classifier(), plan: plan, snapshots: snapshots)
            trainer.listen { event in
                switch event {
                case .epoch where !afterReport, .finished where afterReport: Self.interrupt()
                default: break
                }
            }
            let stop = await #expect(throws: TrainingInterruption.self) {
                try await trainer.fit(on: data)
            }
            #expect(stop?.signal == SIGINT)
            let report = try await Trainer(
                resuming: snapshots, try TinyModel.classifier(), plan: plan
            ).fit(on: data)
            #expect(report.snapshots?.resumption?.step == stop?.step)
        }
    }

    /// SIGTERM and SIGINT end a run with all of its steps on the disk.
    @Test(arguments: [SIGTERM, SIGINT]) func signalsEndInASnapshot(signal: Int32) throws {
        let model = try TinyModel.folder()
        let work = try TemporaryFolder()
        let digest = try #require(
            try Self.run(model.path, work.path + "/whole", waiting: false).digest)
        var (taken, stops) = (0, 0)
        while true {
            let outcome = try Self.run(model.path, work.path + "/run", waiting: false) { process in
                usleep(.random(in: 0..<40_000))
                kill(process.processIdentifier, signal)
            }
            // A process that is stopped while it loads does not say where it goes on.
            if taken > 0, !(outcome.isKilled && outcome.numbers("from").isEmpty) {
                #expect(outcome.numbers("from").first == taken)
            }
            if let found = outcome.digest {
                #expect(found == digest)
                break
            }
            taken = outcome.numbers("step").last ?? taken
            // Before training begins and after it has ended a signal is met as ever.
            if outcome.isKilled { continue }
            #expect(outcome.status == 3)
            #expect(outcome.lines.last == "stopped \(taken) by signal \(signal)")
            stops += 1
        }
        #expect(stops >= 3)
    }
}
