import Tensor
import TestSupport
import Testing

@testable import Checkpoint

/// The power goes away at any moment.
@Suite(.enabled(if: LongTests.hasOwnCPULevel)) struct SnapshotPowerLossTests {
    /// What a run does to a disk: five snapshots, of which two are kept.
    private struct Run {
        let disk = MemoryDisk()
        /// How many operations there were when each snapshot had been written.
        var written: [Int] = []

        init(keepsBest: Bool) throws {
            try SystemCalls.$current.withValue(disk.calls) {
                let store = try SnapshotStore(folder: "/run")
                for number in 1...5 {
                    let score = number == 2 ? 0.9 : 0.5
                    _ = try store.write(
                        SnapshotSamples.content(number, score: score), step: 10 * number)
                    written.append(disk.log.count)
                    try store.prune(keeping: 2, keepsBest: keepsBest)
                }
            }
        }

        /// The snapshot that must be there after so many operations, at least; 0 for none.
        func newest(after count: Int) -> Int { written.count { $0 <= count } }
    }

    /// Loads what is there and goes on: it is the newest that was written, or the one that was being
    /// written. So it is if the power goes away once more meanwhile.
    private func check(_ disk: MemoryDisk, of run: Run, at count: Int) throws -> Int {
        let expected = run.newest(after: count)
        let (number, damaged) = try SnapshotSamples.newest(on: disk)
        #expect(
            number ?? 0 == expected || number == expected + 1,
            "after \(count) operations: \(String(describing: number)), not \(expected)")
        // Half a snapshot never has a name.
        #expect(damaged.isEmpty, "after \(count) operations: \(damaged)")
        try SystemCalls.$current.withValue(disk.calls) {
            let store = try SnapshotStore(folder: "/run")
            _ = try store.write(SnapshotSamples.content(9), step: 90)
        }
        #expect(try SnapshotSamples.newest(on: disk).number == 9)
        var generator = SystemRandomNumberGenerator()
        let again = disk.afterPowerLoss(
            at: .random(in: 0...disk.log.count), keeping: .random(in: 0...1), using: &generator)
        let later = try SnapshotSamples.newest(on: again)
        #expect(later.number == number || later.number == 9)
        #expect(later.damaged.isEmpty)
        return number ?? 0
    }

    /// After every operation; of what was not flushed, all is there, or nothing.
    @Test(arguments: [0.0, 1.0], [false, true])
    func everyPrefixLoads(_ share: Double, keepsBest: Bool) throws {
        let run = try Run(keepsBest: keepsBest)
        let count = run.disk.log.count
        var generator = SystemRandomNumberGenerator()
        for prefix in 0...count {
            let disk = run.disk.afterPowerLoss(at: prefix, keeping: share, using: &generator)
            _ = try check(disk, of: run, at: prefix)
        }
        print(
            "power loss: \(count + 1) prefixes, keeping \(share) of what was not flushed"
                + (keepsBest ? ", and the best snapshot" : ""))
    }

    /// Anything of what was not flushed is there, with torn and ruined pages.
    @Test func anythingThatWasNotFlushedMayBeThere() throws {
        let runs = [try Run(keepsBest: false), try Run(keepsBest: true)]
        let states = LongTests.size(10_000, long: 100_000)
        var generator = SystemRandomNumberGenerator()
        var loaded = [Int](repeating: 0, count: 6)
        for number in 0..<states {
            let run = runs[number % 2]
            let prefix = Int.random(in: 0...run.disk.log.count, using: &generator)
            let disk = run.disk.afterPowerLoss(
                at: prefix, keeping: .random(in: 0...1, using: &generator), using: &generator)
            loaded[try check(disk, of: run, at: prefix)] += 1
        }
        #expect(loaded.allSatisfy { $0 > 0 })
        print("power loss: \(states) random states, loaded none or snapshot 1 to 5: \(loaded)")
    }

    /// The test notices what it is for: without a flush, or with it too late, there are mixtures.
    @Test func theSimulationFindsMissingFlushes() throws {
        let disk = MemoryDisk()
        var calls = disk.calls
        calls.flush = { _ in 0 }
        try SystemCalls.$current.withValue(calls) {
            let store = try SnapshotStore(folder: "/run")
            for number in 1...2 {
                _ = try store.write(SnapshotSamples.content(number), step: 10 * number)
            }
        }
        var generator = SystemRandomNumberGenerator()
        var failures = 0
        for _ in 0..<200 {
            let after = disk.afterPowerLoss(
                at: disk.log.count, keeping: 0.8, using: &generator)
            let newest = try? SnapshotSamples.newest(on: after)
            if newest?.number != 2 || newest?.damaged.isEmpty == false { failures += 1 }
        }
        #expect(failures > 100)
    }
}
