import Foundation
import Tensor
import TestSupport
import Testing

@testable import Checkpoint

/// Small snapshots, each different from the others in every part.
enum SnapshotSamples {
    static func content(_ number: Int, score: Double? = nil) -> SnapshotContent {
        let weights = Tensor((0..<120).map { Float($0 * number) }, shape: [10, 12])
        return SnapshotContent(
            fields: ["step": JSON(number * 10), "note": JSON("snapshot \(number)")],
            tensors: [
                (["weights:a", "best:a"], weights), (["first:a"], weights * 0.5),
                (["rows:a"], Tensor([Int32(number), 3])),
            ], score: score)
    }

    /// A store on a disk in memory with snapshots of the numbers 1 to `count`.
    static func disk(_ count: Int) throws -> MemoryDisk {
        let disk = MemoryDisk()
        try SystemCalls.$current.withValue(disk.calls) {
            let store = try SnapshotStore(folder: "/run")
            for number in 1...max(count, 1) where count > 0 {
                _ = try store.write(content(number), step: number * 10)
            }
        }
        return disk
    }

    /// The number of a content; nil and an issue if it is not exactly that of ``content(_:score:)``.
    static func number(of content: SnapshotContent) -> Int? {
        guard let step = content.fields["step"]?.int else {
            Issue.record("a snapshot without its step")
            return nil
        }
        let expected = self.content(step / 10)
        let isEqual =
            content.fields == expected.fields && bytes(of: content) == bytes(of: expected)
        #expect(isEqual, "a snapshot that nobody has written: \(content)")
        return isEqual ? step / 10 : nil
    }

    private static func bytes(of content: SnapshotContent) -> [String: [UInt8]] {
        Dictionary(
            content.namedTensors.map { name, tensor in
                ("\(name) \(tensor.shape) \(tensor.dtype)", tensor.withUnsafeBytes { Array($0) })
            }, uniquingKeysWith: { $1 })
    }

    /// The number of the newest snapshot that is whole on a disk, and what newer ones are passed over.
    static func newest(on disk: MemoryDisk) throws -> (number: Int?, damaged: [SnapshotError]) {
        try SystemCalls.$current.withValue(disk.calls) {
            guard let found = try SnapshotStore(folder: "/run").newest() else { return (nil, []) }
            return (number(of: found.content), found.damaged)
        }
    }
}
