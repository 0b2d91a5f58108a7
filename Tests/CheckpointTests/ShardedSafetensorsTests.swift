import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct ShardedSafetensorsTests {
    typealias Reason = ShardedSafetensorsError.Reason

    // MARK: Written and read

    /// 40 bytes in files of at most 16: [a 8, b 8], [c 16], [d 4, e 4].
    private static let tensors: [(name: String, tensor: Tensor)] = [
        ("a", Tensor([Float(1), 2])), ("b", Tensor([Int64(3)])),
        ("c", Tensor([Double(4), 5])), ("d", Tensor(Float(6))), ("e", Tensor(Float(7))),
    ]

    @Test func shardsAboveTheLimitAndReadsBack() throws {
        try withTemporaryFolder { folder throws in
            let path = try ShardedSafetensors.write(
                Self.tensors, metadata: ["format": "pt"], inFolder: folder, shardByteLimit: 16)
            #expect(path == folder + "/model.safetensors.index.json")
            #expect(
                try files(folder) == [
                    "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
                    "model-00003-of-00003.safetensors", "model.safetensors.index.json",
                ])
            let set = try ShardedSafetensors(indexPath: path)
            // In one file, the wider elements come first.
            #expect(set.names == ["b", "a", "c", "d", "e"])
            #expect(set.metadata["total_size"]?.int == 40)
            #expect(set.shards.allSatisfy { $0.metadata == ["format": "pt"] })
            for (name, tensor) in Self.tensors {
                let read = try #require(try set.tensor(named: name))
                #expect(read.shape == tensor.shape && set.shape(of: name) == tensor.shape)
                #expect(set.dtype(of: name) == tensor.dtype)
                #expect(
                    read.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) })
            }
            #expect(try set.tensor(named: "absent") == nil && set.shape(of: "absent") == nil)
        }
    }

    @Test(arguments: [(40, 1), (39, 2), (16, 3), (8, 4), (4, 5), (0, 5)])
    func aLargeTensorHasAFileOfItsOwn(limit: Int, expected: Int) throws {
        try withTemporaryFolder { folder throws in
            let path = try ShardedSafetensors.write(
                Self.tensors, inFolder: folder, shardByteLimit: limit)
            if expected == 1 {
                #expect(try SafetensorsFile(path: path).names.count == 5)
            } else {
                #expect(try ShardedSafetensors(indexPath: path).shards.count == expected)
            }
        }
    }

    @Test func leavesNothingOfAnEarlierSet() throws {
        try withTemporaryFolder { folder throws in
            try AtomicFile.write("kept", to: folder + "/model-card-of-mine.safetensors")
            for limit in [16, 4, 100, 16, 100] {
                let path = try ShardedSafetensors.write(
                    Self.tensors, inFolder: folder, shardByteLimit: limit)
                let shardCount =
                    limit == 100 ? 0 : try ShardedSafetensors(indexPath: path).shards.count
                #expect(try files(folder).count == 1 + 1 + shardCount)
            }
        }
    }

    /// What cannot be written leaves the earlier set as it was.
    @Test func refusedTensorsLeaveTheEarlierSet() throws {
        try withTemporaryFolder { folder throws in
            let path = try ShardedSafetensors.write(
                Self.tensors, inFolder: folder, shardByteLimit: 16)
            let before = try files(folder)
            let error = #expect(throws: SafetensorsError.self) {
                try ShardedSafetensors.write(
                    Self.tensors, metadata: ["x": 1], inFolder: folder, shardByteLimit: 16)
            }
            #expect(error?.path == folder + "/model-00001-of-00003.safetensors")
            #expect(try files(folder) == before)
            #expect(try ShardedSafetensors(indexPath: path).names.count == 5)
        }
    }

    /// Every call to the system fails once: the folder has the earlier set, or the new one, or is
    /// refused.
    @Test func noFailureMixesTwoSets() throws {
        func tensors(_ number: Float) -> [(name: String, tensor: Tensor)] {
            ["a", "b", "c"].map { ($0, Tensor([number, number])) }
        }
        var (outcomes, keptCount): (Set<Float?>, Int) = ([], 0)
        for call in 0..<1000 {
            let isDone = try withTemporaryFolder { folder throws in
                let path = try ShardedSafetensors.write(
                    tensors(1), inFolder: folder, shardByteLimit: 8)
                let faulty = FaultyCalls(SystemCalls(), failing: call, with: .code(ENOSPC))
                let error = Result {
                    try SystemCalls.$current.withValue(faulty.calls) {
                        _ = try ShardedSafetensors.write(
                            tensors(2), inFolder: folder, shardByteLimit: 8)
                    }
                }
                if case .failure(let error) = error {
                    #expect(faulty.hasFailed && error is SafetensorsError, "\(error)")
                }
                guard let set = try? ShardedSafetensors(indexPath: path) else {
                    outcomes.insert(nil)
                    return !faulty.hasFailed
                }
                let values = try ["a", "b", "c"].map {
                    try #require(try set.tensor(named: $0)).elements(as: Float.self)[0]
                }
                #expect(Set(values).count == 1, "call \(call): \(values)")
                outcomes.insert(values[0])
                if values[0] == 1 { keptCount += 1 }
                return !faulty.hasFailed
            }
            if isDone { break }
        }
        #expect(outcomes == [1, 2, nil])
        // Each of the three files is made, written, flushed, closed and renamed first.
        #expect(keptCount > 15)
    }

    @Test func refusesANameInTwoFiles() throws {
        try withTemporaryFolder { folder throws in
            let error = #expect(throws: SafetensorsError.self) {
                try ShardedSafetensors.write(
                    [("a", Tensor(Float(1))), ("a", Tensor(Float(2)))], inFolder: folder,
                    shardByteLimit: 4)
            }
            #expect(error?.reason == .unsuitableTensors(.duplicateName("a")))
            #expect(try files(folder) == [])
        }
    }

    // MARK: Refused

    @Test(arguments: [
        "", ".", "..", "../b.safetensors", "a/../../b.safetensors", "a/../one.safetensors",
        "/etc/passwd", "//x", "a//b", "one.safetensors/", "a\\\\b", "..\\\\b", "one\\u0000",
        "./one.safetensors",
    ])
    func refusesUnsafeNames(_ name: String) throws {
        let decoded = try #require(try JSON(parsing: "\"\(name)\"").string)
        #expect(
            try reason(#"{"weight_map":{"a":"\#(name)"}}"#) == .unsafeShardName(decoded))
    }

    @Test(
        arguments: [
            (#"{}"#, Reason.missingWeightMap), (#"[]"#, .missingWeightMap),
            (#"{"weight_map":[]}"#, .missingWeightMap),
            (
                #"{"weight_map":{"a":1}}"#,
                .shardNotString(tensor: "a", found: "a number")
            ),
            (
                #"{"weight_map":{"a":"absent.safetensors"}}"#, .missingShard("absent.safetensors")
            ),
            (
                #"{"weight_map":{"a":"model.safetensors.index.json"}}"#, .namesItself
            ),
            (#"{"weight_map":{"a":"folder"}}"#, .notRegularFile("folder")),
            (
                #"{"weight_map":{"a":"one.safetensors"}}"#,
                .unlistedTensor(tensor: "b", shard: "one.safetensors")
            ),
            (
                #"{"weight_map":{"a":"one.safetensors","b":"one.safetensors","x":"one.safetensors"}}"#,
                .absentTensor(tensor: "x", shard: "one.safetensors")
            ),
            (
                #"{"weight_map":{"a":"one.safetensors","b":"two.safetensors","c":"two.safetensors"}}"#,
                .absentTensor(tensor: "b", shard: "two.safetensors")
            ),
            (
                #"{"weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"again.safetensors"}}"#,
                .tensorInTwoShards(tensor: "b", shards: ["one.safetensors", "again.safetensors"])
            ),
            (
                #"{"metadata":{"total_size":9},"weight_map":{"c":"two.safetensors"}}"#,
                .wrongTotalSize(expected: 9, found: 4)
            ),
            (
                #"{"metadata":{"total_size":4.0},"weight_map":{"c":"two.safetensors"}}"#,
                .invalidTotalSize(found: "4.0")
            ),
            (
                #"{"metadata":{"total_size":-4},"weight_map":{"c":"two.safetensors"}}"#,
                .invalidTotalSize(found: "-4")
            ),
        ] as [(String, Reason)])
    func refuses(_ index: String, _ expected: Reason) throws {
        #expect(try reason(index) == expected)
    }

    @Test func refusesADuplicateKey() throws {
        let index = #"{"weight_map":{"c":"two.safetensors","c":"two.safetensors"}}"#
        guard case .unreadableIndex(.malformed(_, let error)) = try reason(index) else {
            Issue.record("a duplicate key is not refused")
            return
        }
        #expect(error.reason == .duplicateKey("c"))
    }

    @Test func refusesAnInvalidShard() throws {
        let index = #"{"weight_map":{"c":"garbage.safetensors"}}"#
        guard case .invalidShard(let error) = try reason(index) else {
            Issue.record("an invalid file is not refused")
            return
        }
        #expect(error.reason == .truncatedLength(fileByteCount: 3))
    }

    @Test func refusesAPipeWithoutWaitingForIt() throws {
        let index = #"{"weight_map":{"c":"pipe"}}"#
        let found = try reason(index) { folder in
            #expect(mkfifo(folder + "/pipe", 0o600) == 0)
        }
        #expect(found == .notRegularFile("pipe"))
    }

    @Test func refusesADevice() throws {
        let index = #"{"weight_map":{"c":"null"}}"#
        let found = try reason(index, root: "/") { folder in
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/null", withDestinationPath: "/dev/null")
        }
        #expect(found == .notRegularFile("null"))
    }

    @Test func refusesAMissingIndex() throws {
        let error = #expect(throws: ShardedSafetensorsError.self) {
            try ShardedSafetensors(indexPath: "/absent/model.safetensors.index.json")
        }
        #expect(
            error?.description
                == "cannot open '/absent/model.safetensors.index.json': No such file or directory")
    }

    // MARK: Links

    /// The layout of a hub cache: links in a snapshot to files named by their content.
    @Test func followsLinksOnlyBelowTheRoot() throws {
        try withTemporaryFolder { folder throws in
            let snapshot = folder + "/snapshots/1"
            for name in ["/blobs", "/snapshots", "/snapshots/1", "/blobs-beside"] {
                try FileManager.default.createDirectory(
                    atPath: folder + name, withIntermediateDirectories: false)
            }
            try SafetensorsFile.write([("c", Tensor(Float(1)))], to: folder + "/blobs/c0ffee")
            try AtomicFile.write(
                #"{"weight_map":{"c":"two.safetensors"}}"#, to: folder + "/blobs/1dea")
            try FileManager.default.createSymbolicLink(
                atPath: snapshot + "/two.safetensors",
                withDestinationPath: "../../blobs/c0ffee")
            let index = snapshot + "/model.safetensors.index.json"
            try FileManager.default.createSymbolicLink(
                atPath: index, withDestinationPath: "../../blobs/1dea")

            let set = try ShardedSafetensors(indexPath: index, root: folder)
            #expect(try set.tensor(named: "c")?.scalar == 1)
            // A root whose name only begins as the target's is none of its folders.
            for root in [nil, snapshot, folder + "/blob", folder + "/blobs-beside"] {
                let error = #expect(throws: ShardedSafetensorsError.self) {
                    try ShardedSafetensors(indexPath: index, root: root)
                }
                guard root != folder + "/blob" else { continue }
                guard case .linkLeavesRoot("two.safetensors", _, _) = error?.reason else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
        }
    }

    @Test func refusesALinkedFolderThatLeavesTheRoot() throws {
        try withTemporaryFolder { outside throws in
            try SafetensorsFile.write([("c", Tensor(Float(1)))], to: outside + "/two.safetensors")
            let index = #"{"weight_map":{"c":"inside/two.safetensors"}}"#
            let found = try reason(index) { folder in
                try FileManager.default.createSymbolicLink(
                    atPath: folder + "/inside", withDestinationPath: outside)
            }
            guard case .linkLeavesRoot("inside/two.safetensors", _, _) = found else {
                Issue.record("\(String(describing: found))")
                return
            }
        }
    }

    // MARK: Support

    /// Why an index is refused that lies beside `one` (a, b), `two` (c), `again` (b, c), a folder
    /// and a file of garbage.
    private func reason(
        _ index: String, root: String? = nil, prepare: (String) throws -> Void = { _ in }
    ) throws -> Reason? {
        try withTemporaryFolder { folder throws in
            let (a, b, c) = (Tensor(Float(1)), Tensor(Float(2)), Tensor(Float(3)))
            try SafetensorsFile.write([("a", a), ("b", b)], to: folder + "/one.safetensors")
            try SafetensorsFile.write([("c", c)], to: folder + "/two.safetensors")
            try SafetensorsFile.write([("b", b), ("c", c)], to: folder + "/again.safetensors")
            try write([1, 2, 3], to: folder + "/garbage.safetensors")
            try FileManager.default.createDirectory(
                atPath: folder + "/folder", withIntermediateDirectories: false)
            try prepare(folder)
            let path = folder + "/model.safetensors.index.json"
            try write(Array(index.utf8), to: path)
            do throws(ShardedSafetensorsError) {
                _ = try ShardedSafetensors(indexPath: path, root: root)
                return nil
            } catch {
                #expect(error.path == path && !error.description.isEmpty)
                return error.reason
            }
        }
    }

    private func files(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }
}
