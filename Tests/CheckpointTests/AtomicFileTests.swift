import Foundation
import Tensor
import Testing

@testable import Checkpoint

@Suite struct AtomicFileTests {
    @Test func replacesAFileAndLeavesNothingElse() throws {
        try withTemporaryFolder { folder throws in
            let path = folder + "/notes.txt"
            try AtomicFile.write("old", to: path)
            try AtomicFile.write("new text", to: path)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "new text")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["notes.txt"])
        }
    }

    /// The system would see the name up to there, which is another file's.
    @Test func aNameWithAZeroIsRefused() throws {
        try withTemporaryFolder { folder throws in
            let path = folder + "/notes.txt"
            try AtomicFile.write("old", to: path)
            #expect(throws: FileError.self) { try AtomicFile.write("new", to: path + "\0.txt") }
            #expect(throws: FileError.self) { try AtomicFile.remove(path + "\0.txt") }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
        }
    }

    @Test func aFileThatIsNotCommittedDoesNotAppear() throws {
        try withTemporaryFolder { folder throws in
            var file = try AtomicFile(path: folder + "/notes.txt")
            try file.write([1, 2, 3])
            #expect(file.byteCount == 3)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
            _ = consume file
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }

    @Test func namesThePathOfAFailure() throws {
        try withTemporaryFolder { folder throws in
            let missing = #expect(throws: FileError.self) {
                try AtomicFile.write("a", to: folder + "/absent/notes.txt")
            }
            #expect(missing?.path == folder + "/absent/notes.txt" && missing?.code == ENOENT)
            let occupied = #expect(throws: FileError.self) {
                try AtomicFile.write("a", to: folder)
            }
            let remaining = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(occupied?.code == EISDIR && remaining.isEmpty)
        }
    }

    /// Each call to the system fails once, with each of several reasons. Until the new file is
    /// whole, the old one stays whole, and no temporary file stays behind.
    @Test(arguments: [ENOSPC, EIO, EACCES])
    func noFailureHarmsTheOldFile(code: Int32) throws {
        try withTemporaryFolder { folder throws in
            let path = folder + "/model.safetensors"
            var failures = 0
            for call in 0..<100 {
                try AtomicFile.write("old", to: path)
                let faults = Faults(failingCall: call, code: code)
                let failure = SystemCalls.$current.withValue(faults.calls) {
                    writingFailure { () throws(SafetensorsError) in
                        try SafetensorsFile.write([("a", Tensor([Float(1), 2]))], to: path)
                    }
                }
                guard let failure else {
                    #expect(failures >= 8, "fewer calls than writing a file takes")
                    #expect(try SafetensorsFile(path: path).names == ["a"])
                    return
                }
                failures += 1
                #expect(failure.code == code)
                if faults.renamed {
                    #expect(try SafetensorsFile(path: path).names == ["a"])
                } else {
                    #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
                }
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
            }
            Issue.record("the writing never ended")
        }
    }

    private func writingFailure(_ body: () throws(SafetensorsError) -> Void) -> FileError? {
        do throws(SafetensorsError) {
            try body()
            return nil
        } catch {
            guard case .unwritable(let failure) = error.reason else {
                Issue.record("\(error)")
                return nil
            }
            return failure
        }
    }

    @Test func interruptionsAndShortWritesAreOvercome() throws {
        try withTemporaryFolder { folder throws in
            let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
            for call in 0..<8 {
                let faults = Faults(failingCall: call, code: EINTR, writeLimit: 7)
                try SystemCalls.$current.withValue(faults.calls) {
                    try AtomicFile.write(bytes, to: folder + "/data")
                }
                #expect(
                    try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/data"))) == bytes)
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["data"])
            }
        }
    }

    @Test func aFileSystemThatTakesNoByteIsAnError() throws {
        try withTemporaryFolder { folder throws in
            var calls = SystemCalls()
            calls.write = { _, _ in 0 }
            _ = SystemCalls.$current.withValue(calls) {
                #expect(throws: FileError.self) {
                    try AtomicFile.write("a", to: folder + "/data")
                }
            }
        }
    }
}

/// System calls of which one fails.
private final class Faults: Sendable {
    private let state = Locked((count: 0, renamed: false))
    private let failingCall: Int
    private let code: Int32
    private let writeLimit: Int

    init(failingCall: Int, code: Int32, writeLimit: Int = .max) {
        (self.failingCall, self.code, self.writeLimit) = (failingCall, code, writeLimit)
    }

    /// Whether a file has been given its final name.
    var renamed: Bool { state.withLock { $0.renamed } }

    /// True once, with `errno` set.
    private func fails() -> Bool {
        let number = state.withLock { state in
            defer { state.count += 1 }
            return state.count
        }
        if number == failingCall { errno = code }
        return number == failingCall
    }

    var calls: SystemCalls {
        let system = SystemCalls()
        var calls = system
        calls.create = { self.fails() ? -1 : system.create($0) }
        calls.openFolder = { self.fails() ? -1 : system.openFolder($0) }
        calls.write = { descriptor, bytes in
            self.fails()
                ? -1
                : system.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: bytes.prefix(self.writeLimit)))
        }
        calls.flush = { self.fails() ? -1 : system.flush($0) }
        calls.close = { descriptor in
            // The system closes a descriptor even where it reports a failure.
            let status = system.close(descriptor)
            return self.fails() ? -1 : status
        }
        calls.rename = { old, new in
            if self.fails() { return -1 }
            self.state.withLock { $0.renamed = true }
            return system.rename(old, new)
        }
        return calls
    }
}
