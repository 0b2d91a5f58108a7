import Foundation
import Tensor
import TestSupport
import Testing

@testable import Checkpoint

/// Files that take the place of an earlier set.
@Suite struct StagedFilesTests {
    private static let names = ["config.json", "weights", "inner/config.json"]

    /// A folder with the earlier set, of whose files one is of a kind that the new set lacks.
    private func withEarlierSet(_ body: (_ folder: String) throws -> Void) throws {
        try withTemporaryFolder { folder throws in
            try FileManager.default.createDirectory(
                atPath: folder + "/inner", withIntermediateDirectories: false)
            for name in Self.names + ["vocab.txt", "notes"] {
                try AtomicFile.write("old", to: "\(folder)/\(name)")
            }
            try body(folder)
        }
    }

    private func stage(in folder: String) throws {
        let files = try StagedFiles(in: folder)
        for inner in ["inner", "inner/deeper", "empty"] {
            let path = "\(files.path)/\(inner)"
            guard SystemCalls.current.makeFolder(path) == 0 else {
                throw FileError(operation: "make the folder", path: path, code: errno)
            }
        }
        for name in Self.names + ["inner/deeper/file", "vocab.json"] {
            try AtomicFile.write("new", to: "\(files.path)/\(name)")
        }
        try files.commit(last: "config.json", alternatives: ["vocab.json", "vocab.txt"])
    }

    private func content(of folder: String, _ name: String) -> String? {
        try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
    }

    private func leftovers(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix(".") }
    }

    @Test func theSetIsReplaced() throws {
        try withEarlierSet { folder in
            for _ in 0..<2 {
                try stage(in: folder)
                for name in Self.names + ["inner/deeper/file", "vocab.json"] {
                    #expect(content(of: folder, name) == "new", "\(name)")
                }
                #expect(FileManager.default.fileExists(atPath: folder + "/empty"))
                #expect(content(of: folder, "vocab.txt") == nil)
                #expect(content(of: folder, "notes") == "old")
                #expect(try leftovers(in: folder).isEmpty)
            }
        }
    }

    /// Whatever call fails, the set is the old one or the new one, or lacks its last file; then the rest
    /// of the new one is where the error says.
    @Test func noFailureMixesThem() throws {
        var refusals = 0
        for call in 0..<1000 {
            var isOver = false
            try withEarlierSet { (folder: String) throws -> Void in
                let faulty = FaultyCalls(SystemCalls(), failing: call, with: .code(EIO))
                var failure: (any Error)?
                do {
                    try SystemCalls.$current.withValue(faulty.calls) { try stage(in: folder) }
                } catch {
                    failure = error
                }
                isOver = !faulty.hasFailed
                let found = Self.names.map { content(of: folder, $0) }
                if found[0] == nil {
                    refusals += 1
                    let places = try leftovers(in: folder)
                    let place = try #require(places.first)
                    let message = failure.map { "\($0)" } ?? ""
                    #expect(places.count == 1 && message.contains(place))
                    #expect(content(of: "\(folder)/\(place)", "config.json") == "new")
                } else {
                    #expect(Set(found).count == 1, "call \(call): \(found)")
                }
            }
            if isOver { break }
        }
        #expect(refusals > 3)
    }

    /// A file in a folder's place is noticed while the earlier set is whole.
    @Test func anUnsuitableFolderChangesNothing() throws {
        try withEarlierSet { folder in
            try AtomicFile.write("old", to: folder + "/empty")
            let error = #expect(throws: FileError.self) { try stage(in: folder) }
            #expect(error?.path == folder + "/empty")
            for name in Self.names { #expect(content(of: folder, name) == "old") }
            #expect(try leftovers(in: folder).isEmpty)
        }
    }
}
