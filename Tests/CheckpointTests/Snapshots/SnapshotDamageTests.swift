import Foundation
import Tensor
import TestSupport
import Testing

@testable import Checkpoint

/// Whatever happens to the files of a snapshot, it is noticed, and the one before serves.
@Suite(.enabled(if: LongTests.hasOwnCPULevel)) struct SnapshotDamageTests {
    private static let files = ["manifest.json", "state.json", "tensors.safetensors"]

    /// Every bit of every file, one after the other.
    @Test func everyFlippedBitIsNoticed() throws {
        let disk = try SnapshotSamples.disk(2)
        var flips = 0
        for file in Self.files {
            let path = "/run/000002-step-20/" + file
            for bit in 0..<8 * (try #require(disk.content(of: path)).count) {
                disk.corrupt(path) { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
                let (number, damaged) = try SnapshotSamples.newest(on: disk)
                #expect(number == 1 && damaged.count == 1, "bit \(bit) of \(file)")
                disk.corrupt(path) { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
                flips += 1
            }
        }
        let (number, damaged) = try SnapshotSamples.newest(on: disk)
        #expect(number == 2 && damaged.isEmpty)
        #expect(flips >= 10_000)
        print("bit flips: \(flips) positions, all noticed, the snapshot before served each time")
    }

    /// Every length that a file could have been cut to, and a byte more.
    @Test(arguments: files) func everyTruncationIsNoticed(_ file: String) throws {
        let disk = try SnapshotSamples.disk(2)
        let path = "/run/000002-step-20/" + file
        let whole = try #require(disk.content(of: path))
        for count in 0..<whole.count {
            disk.corrupt(path) { $0 = Array(whole[..<count]) }
            #expect(try SnapshotSamples.newest(on: disk).number == 1)
        }
        disk.corrupt(path) { $0 = whole + [0] }
        #expect(try SnapshotSamples.newest(on: disk).number == 1)
    }

    @Test(arguments: files) func aMissingFileIsNoticed(_ file: String) throws {
        let disk = try SnapshotSamples.disk(2)
        try SystemCalls.$current.withValue(disk.calls) {
            #expect(SystemCalls.current.remove("/run/000002-step-20/" + file) == 0)
            let found = try #require(try SnapshotStore(folder: "/run").newest())
            #expect(found.name == "000001-step-10")
            let error = try #require(found.damaged.first)
            #expect(
                error.description
                    == "the snapshot '/run/000002-step-20' is damaged: "
                    + (file == "manifest.json" ? "it has no manifest" : "\(file) is missing"))
        }
    }

    @Test func damageIsDescribed() throws {
        let disk = try SnapshotSamples.disk(1)
        let path = "/run/000001-step-10/state.json"
        disk.corrupt(path) { $0[20] ^= 1 }
        let error = #expect(throws: SnapshotError.self) { try SnapshotSamples.newest(on: disk) }
        guard case .nothingIntact("/run", let errors)? = error,
            case .damaged(_, .digest("state.json", let expected, let found))? = errors.first
        else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(expected != found && expected.count == 64 && found.count == 64)
        #expect(
            error?.description
                == "no snapshot in '/run' is intact: the snapshot '/run/000001-step-10' is damaged: "
                + "state.json has the SHA-256 \(found) in place of \(expected). Restore one from a "
                + "copy, or remove them to begin anew")
    }

    /// A manifest that somebody has made: sizes are not believed, names are not followed.
    @Test(
        arguments: [
            (#"{"format": "other"}"#, "it is that of something else"),
            (
                #"{"format": "swift-finetune snapshot", "version": 2, "files": {}}"#,
                "its version is 2, not 1"
            ),
            (
                #"{"format": "swift-finetune snapshot", "version": 1, "files": {"a": {"bytes": -1}}}"#,
                "its entry of 'a' lacks a size or a digest"
            ),
            (
                #"{"format": "swift-finetune snapshot", "version": 1, "files": {}}"#,
                "it is not as it was written"
            ),
        ])
    func aForeignManifestIsRefused(_ text: String, _ reason: String) throws {
        let disk = try SnapshotSamples.disk(1)
        disk.corrupt("/run/000001-step-10/manifest.json") { $0 = Array(text.utf8) }
        let error = #expect(throws: SnapshotError.self) { try SnapshotSamples.newest(on: disk) }
        #expect(
            error
                == .nothingIntact(
                    folder: "/run",
                    [.damaged(path: "/run/000001-step-10", .manifest(reason))]))
    }

    @Test func sizesAndNamesOfAManifestAreNotBelieved() throws {
        typealias Entry = SnapshotManifest.Entry
        let digest = String(repeating: "0", count: 64)
        let (tensors, state) = ("tensors.safetensors", "state.json")
        let manifests: [[Entry]] = [
            [],
            [
                Entry(name: tensors, byteCount: 1 << 60, digest: digest),
                Entry(name: state, byteCount: .max, digest: digest),
            ],
            [
                Entry(name: "../../etc/passwd", byteCount: 3, digest: digest),
                Entry(name: state, byteCount: 3, digest: digest),
            ],
            [
                Entry(name: tensors, byteCount: 0, digest: digest),
                Entry(name: state, byteCount: 0, digest: digest),
            ],
        ]
        for entries in manifests {
            let disk = try SnapshotSamples.disk(1)
            disk.corrupt("/run/000001-step-10/manifest.json") {
                $0 = SnapshotManifest(entries: entries).bytes
            }
            #expect(throws: SnapshotError.self) { try SnapshotSamples.newest(on: disk) }
        }
        let disk = try SnapshotSamples.disk(1)
        disk.corrupt("/run/000001-step-10/manifest.json") {
            $0 = [UInt8](repeating: 32, count: SnapshotManifest.byteLimit + 1)
        }
        #expect(throws: SnapshotError.self) { try SnapshotSamples.newest(on: disk) }
    }

    /// Pipes, folders and links in the place of files.
    @Test func whatIsNoFileIsRefused() throws {
        try withTemporaryFolder { folder throws in
            let path: String
            do {
                let store = try SnapshotStore(folder: folder)
                path = folder + "/" + (try store.write(SnapshotSamples.content(1), step: 10).name)
            }
            for file in Self.files {
                let kept = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)"))
                try FileManager.default.removeItem(atPath: "\(path)/\(file)")
                #expect(mkfifo("\(path)/\(file)", 0o600) == 0)
                #expect(throws: SnapshotError.self) {
                    try SnapshotStore(folder: folder).newest()
                }
                try FileManager.default.removeItem(atPath: "\(path)/\(file)")
                try FileManager.default.createDirectory(
                    atPath: "\(path)/\(file)", withIntermediateDirectories: false)
                #expect(throws: SnapshotError.self) {
                    try SnapshotStore(folder: folder).newest()
                }
                try FileManager.default.removeItem(atPath: "\(path)/\(file)")
                try kept.write(to: URL(fileURLWithPath: "\(path)/\(file)"))
            }
            #expect(try SnapshotStore(folder: folder).newest()?.name != nil)
        }
    }
}
