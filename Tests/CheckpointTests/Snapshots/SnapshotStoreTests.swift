import Foundation
import Tensor
import TestSupport
import Testing

@testable import Checkpoint

@Suite struct SnapshotStoreTests {
    private func names(_ disk: MemoryDisk) throws -> [String] {
        try SystemCalls.$current.withValue(disk.calls) { try SnapshotStore(folder: "/run").names() }
    }

    @Test func whatIsWrittenIsRead() throws {
        try withTemporaryFolder { folder throws in
            let store = try SnapshotStore(folder: folder + "/runs/first")
            #expect(try store.newest()?.name == nil)
            let content = SnapshotSamples.content(7, score: 0.25)
            let (name, byteCount) = try store.write(content, step: 70)
            #expect(name == "000001-step-70")
            let found = try #require(try store.newest())
            #expect(SnapshotSamples.number(of: found.content) == 7)
            #expect(found.content.score == 0.25 && found.name == name && found.damaged.isEmpty)
            // Nothing of it lies in a mapped file, which somebody could change.
            #expect(found.content.tensors.allSatisfy { !$0.tensor.isMapped })
            // What has two names is in the file once.
            let path = folder + "/runs/first/" + name
            #expect(
                Set(try SafetensorsFile(path: path + "/tensors.safetensors").names)
                    == ["weights:a", "first:a", "rows:a"])
            let files = try FileManager.default.contentsOfDirectory(atPath: path)
            #expect(files.sorted() == ["manifest.json", "state.json", "tensors.safetensors"])
            let sizes = try files.map {
                try Data(contentsOf: URL(fileURLWithPath: path + "/" + $0)).count
            }
            #expect(sizes.reduce(0, +) == byteCount)
        }
    }

    @Test(arguments: ["run/", "runs/first/", "runs//first///"])
    func aFolderMayEndWithASlash(_ name: String) throws {
        try withTemporaryFolder { folder throws in
            for _ in 0..<2 {
                let store = try SnapshotStore(folder: folder + "/" + name)
                _ = try store.write(SnapshotSamples.content(7), step: 70)
                store.close()
            }
        }
    }

    /// The examples of FIPS 180-4.
    @Test(
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func digestsAreThoseOfTheStandard(_ text: String, _ digest: String) {
        for split in 0...text.utf8.count {
            var taken = Digest()
            Array(text.utf8)[..<split].withUnsafeBytes { taken.add($0) }
            Array(text.utf8)[split...].withUnsafeBytes { taken.add($0) }
            #expect(taken.text == digest)
        }
    }

    // MARK: Keeping and pruning

    @Test func theNewestAreKeptAndTheBest() throws {
        let disk = MemoryDisk()
        try SystemCalls.$current.withValue(disk.calls) {
            let store = try SnapshotStore(folder: "/run")
            // A folder of somebody else's stays.
            _ = SystemCalls.current.makeFolder("/run/notes")
            for (index, score) in [0.1, 0.9, nil, 0.9, 0.2, nil].enumerated() {
                _ = try store.write(
                    SnapshotSamples.content(index + 1, score: score), step: 10 * (index + 1))
                try store.prune(keeping: 2, keepsBest: true)
                #expect(try store.names().count >= min(index + 1, 2))
            }
            // The first of those with the best score.
            let best = ["000002-step-20", "000005-step-50", "000006-step-60"]
            #expect(try store.names() == best)
            try store.prune(keeping: 2, keepsBest: false)
            #expect(try store.names() == Array(best[1...]))
            #expect(SystemCalls.current.list("/run")?.contains("notes") == true)
        }
        // A later process knows the scores, too.
        let later = try SnapshotSamples.disk(0)
        try SystemCalls.$current.withValue(later.calls) {
            for number in 1...4 {
                let store = try SnapshotStore(folder: "/run")
                _ = try store.newest()
                _ = try store.write(
                    SnapshotSamples.content(number, score: number == 1 ? 1 : 0), step: number)
                try store.prune(keeping: 2, keepsBest: true)
            }
        }
        #expect(try names(later) == ["000001-step-1", "000003-step-3", "000004-step-4"])
    }

    /// What a process has neither written nor read may be damaged, and does not count as kept.
    @Test func onlyWhatIsKnownToBeWholeCounts() throws {
        let disk = try SnapshotSamples.disk(4)
        for name in ["000003-step-30", "000004-step-40"] {
            disk.corrupt("/run/\(name)/state.json") { $0[5] ^= 1 }
        }
        try SystemCalls.$current.withValue(disk.calls) {
            let store = try SnapshotStore(folder: "/run")
            let found = try #require(try store.newest())
            #expect(found.name == "000002-step-20" && found.damaged.count == 2)
            try store.prune(keeping: 2, keepsBest: false)
            #expect(try store.names().count == 4)
            _ = try store.write(SnapshotSamples.content(5), step: 50)
            try store.prune(keeping: 2, keepsBest: false)
            // The two that are whole are the second and the fifth.
            #expect(try store.names().first == "000002-step-20")
            _ = try store.write(SnapshotSamples.content(6), step: 60)
            try store.prune(keeping: 2, keepsBest: false)
            #expect(try store.names() == ["000005-step-50", "000006-step-60"])
        }
    }

    @Test func earlierStepsCanBeAskedFor() throws {
        let disk = try SnapshotSamples.disk(4)
        try SystemCalls.$current.withValue(disk.calls) {
            let store = try SnapshotStore(folder: "/run")
            #expect(try store.newest { $0 <= 29 }?.name == "000002-step-20")
            #expect(try store.newest { $0 <= 9 }?.name == nil)
        }
    }

    /// What was written after the snapshot that a run goes back to is of a course that it has left.
    @Test func anAbandonedCourseIsPassedOver() throws {
        let disk = try SnapshotSamples.disk(4)
        try SystemCalls.$current.withValue(disk.calls) {
            let store = try SnapshotStore(folder: "/run")
            #expect(try store.newest { $0 <= 20 }?.name == "000002-step-20")
            try store.abandon(newerThan: "000002-step-20")
            #expect(try store.newest { $0 <= 39 }?.name == "000002-step-20")
            _ = try store.write(SnapshotSamples.content(5), step: 25)
            #expect(try store.newest { $0 <= 39 }?.name == "000005-step-25")
            try store.abandon(newerThan: nil)
            #expect(try store.newest { $0 <= 39 } == nil)
        }
    }

    // MARK: The folder

    @Test func aFolderBelongsToOneRun() throws {
        try withTemporaryFolder { folder throws in
            let store = try SnapshotStore(folder: folder)
            let error = #expect(throws: SnapshotError.self) { try SnapshotStore(folder: folder) }
            #expect(error == .folderInUse(folder))
            #expect(
                error?.description
                    == "another run keeps its snapshots in '\(folder)'; wait until it ends, or choose "
                    + "another folder")
            store.close()
            _ = try SnapshotStore(folder: folder)
        }
    }

    /// A process that is being started has a copy of each descriptor, as after `dup`.
    @Test func aFolderThatWasGivenBackIsFreeForAll() throws {
        try withTemporaryFolder { folder throws in
            let copies = Locked<[Int32]>([])
            var calls = SystemCalls()
            calls.openFolder = { [open = calls.openFolder] path in
                let descriptor = open(path)
                copies.withLock { $0.append(dup(descriptor)) }
                return descriptor
            }
            try SystemCalls.$current.withValue(calls) { try SnapshotStore(folder: folder).close() }
            _ = try SnapshotStore(folder: folder)
            copies.withLock { #expect(!$0.isEmpty && $0.allSatisfy { close($0) == 0 }) }
        }
    }

    @Test func whatAnInterruptedProcessLeftIsRemoved() throws {
        let disk = try SnapshotSamples.disk(2)
        try SystemCalls.$current.withValue(disk.calls) {
            _ = SystemCalls.current.makeFolder("/run/.incomplete-12ab")
            _ = try NewFile("/run/.incomplete-12ab/tensors.safetensors")
            // Of a model that was being saved into the same folder.
            _ = try NewFile("/run/.incomplete-34cd")
            _ = SystemCalls.current.makeFolder("/run/.incomplete-56ef")
            _ = SystemCalls.current.makeFolder("/run/.incomplete-56ef/1_Pooling")
            _ = try NewFile("/run/.incomplete-56ef/1_Pooling/config.json")
            #expect(SystemCalls.current.list("/run")?.count == 5)
            let store = try SnapshotStore(folder: "/run")
            #expect(SystemCalls.current.list("/run")?.count == 2)
            #expect(try store.write(SnapshotSamples.content(3), step: 30).name == "000003-step-30")
        }
    }

    @Test func anUnfinishedFileIsRemovedFromADisk() throws {
        try withTemporaryFolder { folder throws in
            _ = try NewFile(folder + "/.incomplete-34cd")
            let store = try SnapshotStore(folder: folder)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
            #expect(try store.write(SnapshotSamples.content(1), step: 10).name == "000001-step-10")
        }
    }

    @Test(arguments: ["", "/proc/none/run", "/dev/null", "/dev/null/run", "run\0name"])
    func aFolderThatCannotBeIsRefused(_ folder: String) {
        let error = #expect(throws: SnapshotError.self) { try SnapshotStore(folder: folder) }
        guard case .file(let failure)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(failure.code != 0 && !failure.description.isEmpty)
    }

    @Test(
        arguments: [
            "", "1-step-2", "000001-step-", "000001-step-02", "000001-step-+2", "000001-stop-2",
            "0000001-step-2", "-00001-step-2", "000000-step-2", ".incomplete-3",
            "000001-step-99999999999999999999", "000001-step-2-3",
        ])
    func otherNamesAreNoSnapshots(_ name: String) {
        #expect(SnapshotName(name) == nil)
        #expect(SnapshotName("000001-step-0")?.number == 1)
        #expect(SnapshotName("1234567-step-2")?.number == 1_234_567)
    }
}
