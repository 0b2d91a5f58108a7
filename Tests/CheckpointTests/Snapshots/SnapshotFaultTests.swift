import Foundation
import Tensor
import TestSupport
import Testing

@testable import Checkpoint

/// Every call to the system goes wrong once.
@Suite(.enabled(if: LongTests.hasOwnCPULevel)) struct SnapshotFaultTests {
    static let faults: [FaultyCalls.Fault] = [
        .code(ENOSPC), .code(EIO), .code(EINTR), .code(EACCES), .short,
    ]

    /// Opens a store with three snapshots, reads the newest, writes a fourth and prunes.
    private func work(_ calls: SystemCalls, folder: String) throws -> Bool {
        try SystemCalls.$current.withValue(calls) {
            let store = try SnapshotStore(folder: folder)
            let found = try store.newest()
            _ = try store.write(SnapshotSamples.content(4), step: 40)
            try store.prune(keeping: 2, keepsBest: true)
            return found?.damaged.isEmpty == true
        }
    }

    /// - Returns: The number of calls that went wrong.
    private func fail(
        everyCallWith fault: FaultyCalls.Fault, folder: String,
        on disk: () throws -> SystemCalls, check: (SystemCalls, _ isWritten: Bool) throws -> Void
    ) throws -> Int {
        for call in 0..<1000 {
            let base = try disk()
            let faulty = FaultyCalls(base, failing: call, with: fault)
            var isWritten = false
            do {
                let isWhole = try work(faulty.calls, folder: folder)
                isWritten = true
                // What was not overcome was a disk that cannot read, where an earlier one serves.
                #expect(isWhole || fault == .code(EIO), "call \(call), \(fault)")
            } catch let error as SnapshotError {
                guard case .file(let failure) = error, case .code(let code) = fault else {
                    Issue.record("call \(call), \(fault): \(error)")
                    continue
                }
                #expect(failure.code == code && failure.path.contains(folder))
                #expect(code != EINTR, "call \(call): \(error)")
            }
            guard faulty.hasFailed else { return call }
            try check(base, isWritten)
        }
        Issue.record("the work never ended")
        return 0
    }

    /// What is there afterwards: the newest from before or the new one, both whole, and the one before
    /// the newest too.
    private func check(_ calls: SystemCalls, folder: String, isWritten: Bool) throws {
        try SystemCalls.$current.withValue(calls) {
            let store = try SnapshotStore(folder: folder)
            let names = try store.names()
            #expect(names.contains("000003-step-30") && names.count >= 2)
            let newest = try #require(try store.newest())
            #expect(newest.damaged.isEmpty)
            let number = SnapshotSamples.number(of: newest.content)
            #expect(number == 4 || number == 3 && !isWritten)
            let before = try #require(try store.newest { $0 < (number ?? 0) * 10 })
            #expect(SnapshotSamples.number(of: before.content) == (number ?? 0) - 1)
            // And the run goes on.
            _ = try store.write(SnapshotSamples.content(5), step: 50)
            try store.prune(keeping: 2, keepsBest: false)
            #expect(try store.newest()?.name.hasSuffix("-step-50") == true)
            let left = try #require(SystemCalls.current.list(folder))
            #expect(!left.contains { $0.hasPrefix(".incomplete") })
        }
    }

    @Test(arguments: faults)
    func noFailureHarmsASnapshot(_ fault: FaultyCalls.Fault) throws {
        let disk = try SnapshotSamples.disk(3)
        let count = try fail(
            everyCallWith: fault, folder: "/run", on: { disk.copy().calls },
            check: { try check($0, folder: "/run", isWritten: $1) })
        #expect(count > 50)
        print("faults: each of \(count) calls to the system failed once, \(fault)")
    }

    /// The same with the calls of this system.
    @Test(arguments: LongTests.areWanted ? faults : [.code(EIO)])
    func noFailureHarmsASnapshotOnADisk(_ fault: FaultyCalls.Fault) throws {
        try withTemporaryFolder { folder throws in
            let run = folder + "/run"
            let count = try fail(
                everyCallWith: fault, folder: run,
                on: {
                    try? FileManager.default.removeItem(atPath: run)
                    let store = try SnapshotStore(folder: run)
                    for number in 1...3 {
                        _ = try store.write(SnapshotSamples.content(number), step: 10 * number)
                    }
                    return SystemCalls()
                }, check: { try check($0, folder: run, isWritten: $1) })
            #expect(count > 50)
        }
    }

    /// Whether a program succeeds.
    private func run(_ program: String, _ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// A small disk that is really full. It takes the right to mount one.
    @Test func aFullDiskLosesNothing() throws {
        try withTemporaryFolder { folder throws in
            guard run("/bin/mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]) else {
                return print("full disk: not tested, this process may not mount one")
            }
            defer { _ = run("/bin/umount", ["-l", folder]) }

            let store = try SnapshotStore(folder: folder + "/run")
            var written = 0
            var failure: SnapshotError?
            while failure == nil, written < 100 {
                do throws(SnapshotError) {
                    _ = try store.write(SnapshotSamples.content(written + 1), step: written)
                    written += 1
                } catch {
                    failure = error
                }
            }
            guard case .file(let error)? = failure else {
                Issue.record("the disk never was full: \(String(describing: failure))")
                return
            }
            #expect(error.code == ENOSPC && written >= 2)
            print("full disk: \(written) snapshots fit, then: \(error)")
            store.close()
            let later = try SnapshotStore(folder: folder + "/run")
            let found = try #require(try later.newest())
            #expect(SnapshotSamples.number(of: found.content) == written)
            #expect(found.damaged.isEmpty)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder + "/run")
            #expect(left.count == written)
            // With room again, the run goes on.
            _ = try later.newest { $0 < written - 1 }
            try FileManager.default.removeItem(
                atPath: folder + "/run/" + (try #require(try later.names().first)))
            _ = try later.write(SnapshotSamples.content(written + 1), step: written)
        }
    }
}
