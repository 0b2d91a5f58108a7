import Checkpoint
import Foundation
import Layers
import Tensor
import TestSupport
import Testing

/// Files that PyTorch wrote, see `Fixtures/python-torch/generate.py`.
@Suite struct PyTorchFileTests {
    private static let folder = fixturePath("python-torch")

    static let cases: [String] =
        (try? FileManager.default.contentsOfDirectory(atPath: folder))?
        .filter { $0.hasSuffix(".pt") }.map { String($0.dropLast(3)) }.sorted() ?? []

    private static func open(_ name: String) throws -> PyTorchFile {
        try PyTorchFile(
            path: "\(folder)/\(name).pt", verifyingChecksums: name != "no-checksums")
    }

    /// What a case holds, by name.
    private static func expected(_ name: String) throws -> [String: Tensor] {
        let file = try fixture("python-torch/expected.safetensors")
        var tensors: [String: Tensor] = [:]
        for key in file.names where key.hasPrefix(name + ":") {
            tensors[String(key.dropFirst(name.count + 1))] = try file.required(key)
        }
        return tensors
    }

    @Test func thereAreEnoughCases() { #expect(Self.cases.count >= 90) }

    @Test(arguments: cases) func readsBitExactly(_ name: String) throws {
        // The two forms of `é` are one key of a Swift dictionary.
        guard name != "names" else { return }
        let file = try Self.open(name)
        let expected = try Self.expected(name)
        #expect(Set(file.names.filter { file.dtype(of: $0) != nil }) == Set(expected.keys))
        for (key, tensor) in expected {
            let read = try #require(try file.tensor(named: key), "\(key)")
            #expect(read.dtype == tensor.dtype && file.dtype(of: key) == tensor.dtype)
            #expect(read.shape == tensor.shape && file.shape(of: key) == tensor.shape)
            #expect(read.isContiguous)
            #expect(
                read.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) }, "\(key)"
            )
        }
        #expect(try file.tensor(named: "absent") == nil && file.shape(of: "absent") == nil)
    }

    @Test func mapsWhatLiesInTheFileAsInMemory() throws {
        for name in ["type-float32", "type-bfloat16", "shared-overlap", "shared-tied", "model"] {
            let file = try Self.open(name)
            for key in file.names { #expect(try file.tensor(named: key)?.isMapped == true) }
        }
        for name in ["view-transposed", "view-expanded", "view-step", "archive-big-endian"] {
            let file = try Self.open(name)
            let key = file.names[0]
            #expect(try file.tensor(named: key)?.isMapped == false)
        }
    }

    @Test func namesAreToldApartByTheirBytes() throws {
        let file = try Self.open("names")
        let expected = ["", "../x", "a b\n", "\u{E9}", "e\u{301}", "😀", "7", "-1"]
        #expect(file.names.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
        for (index, name) in expected.enumerated() {
            #expect(file.shape(of: name) == [index + 1])
        }
    }

    @Test func tensorsLieInTheOrderOfTheirBytes() throws {
        #expect(try Self.open("shared-order").names == ["z", "a", "m"])
        #expect(try Self.open("shared-overlap").names == ["a", "b"])
        #expect(try Self.open("archive-reversed").names == ["e", "d", "c", "b", "a"])
    }

    @Test(arguments: ["", "legacy-"]) func tiedWeightsStayTied(_ prefix: String) throws {
        let file = try Self.open(prefix + "shared-tied")
        #expect(file.aliases(of: "embed.weight") == ["head.weight"])
        #expect(file.aliases(of: "absent") == [])
        let (a, b) = (
            try #require(try file.tensor(named: "embed.weight")),
            try #require(try file.tensor(named: "head.weight"))
        )
        // In the old layout, elements may lie on odd addresses, where they are copied.
        #expect(a.isIdentical(to: b) == a.isMapped)
        let views = try Self.open(prefix + "shared-storage")
        #expect(views.entry(named: "part")?.storage == views.entry(named: "whole")?.storage)
        #expect(views.entry(named: "part")?.storageOffset == 4)
        #expect(views.aliases(of: "part") == [])
    }

    @Test func otherTypesAreRefusedWhenTheyAreAskedFor() throws {
        let file = try Self.open("type-unsupported")
        #expect(try file.tensor(named: "kept")?.elements(as: Float.self) == [1, 1])
        for name in ["complex32", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2"] {
            let error = #expect(throws: UnsupportedElementType.self) {
                try file.tensor(named: name)
            }
            #expect(error?.type == name && file.dtype(of: name) == nil)
            #expect(file.shape(of: name) == [2])
        }
    }

    @Test(arguments: ["", "legacy-"]) func otherValuesAreKept(_ prefix: String) throws {
        let content = try Self.open(prefix + "values").content
        let expected: [(String, PyTorchValue)] = [
            ("none", .none), ("true", .bool(true)), ("false", .bool(false)), ("zero", .int(0)),
            ("byte", .int(255)), ("short", .int(65535)), ("negative", .int(-7)),
            ("int", .int(2_147_483_647)), ("long", .int(1 << 40)), ("longest", .int(.min)),
            ("wide", .other("an integer of more than 64 bits")), ("float", .double(-1.5)),
            ("text", .string("ä😀")), ("list", .list([.int(1), .list([.int(2)])])),
            ("tuple", .tuple([.int(1), .int(2), .int(3), .int(4)])),
            ("pair", .tuple([.int(1), .string("x")])), ("size", .tuple([.int(2), .int(3)])),
            ("dtype", .elementType(.bfloat16)), ("cpu", .device("cpu")),
            ("cuda", .device("cuda:1")), ("5", .string("integer key")),
        ]
        for (key, value) in expected { #expect(content[key] == value, "\(key)") }
        #expect(content["ordered"]?["a"] == .int(1) && content["ordered"]?.members.count == 1)
        #expect(content["list"]?[1]?[0] == .int(2) && content["list"]?[2] == nil)
        #expect(content.members.count == expected.count + 1)
        #expect(content["absent"] == nil && content[0] == nil)
    }

    @Test func anOptimizersSettingsAreKept() throws {
        for name in ["optimizer-adamw", "legacy-optimizer-adamw"] {
            let file = try Self.open(name)
            let group = try #require(file.content["param_groups"]?[0])
            #expect(group["lr"] == .double(1e-3) && group["amsgrad"] == .bool(true))
            #expect(group["betas"] == .tuple([.double(0.9), .double(0.999)]))
            #expect(file.shape(of: "state.0.exp_avg") == [5, 4])
            #expect(file.content["state"]?["0"]?["exp_avg"] == .tensor("state.0.exp_avg"))
        }
    }

    @Test(arguments: ["", "legacy-"]) func theModelIsFoundInAScriptsFile(_ prefix: String) throws {
        let plain = try Self.open(prefix + "model").modelTensors()
        #expect(plain is PyTorchFile && plain.names.count == 9)
        for name in ["model-nested", "model-and-optimizer"] {
            let file = try Self.open(prefix + name)
            let model = file.modelTensors()
            #expect(Set(model.names) == Set(plain.names) && model.path == file.path)
            #expect(model.shape(of: "embed.weight") == [5, 4])
            #expect(model.dtype(of: "body.1.num_batches_tracked") == .int64)
            #expect(try model.tensor(named: "embed.weight")?.isContiguous == true)
            #expect(try model.tensor(named: "absent") == nil)
        }
        #expect(try Self.open(prefix + "optimizer-sgd").modelTensors() is PyTorchFile)
        #expect(try Self.open(prefix + "parameters").modelTensors() is PyTorchFile)
    }

    /// Python 2 wrote texts of bytes, and an ordered dictionary as a list of pairs.
    @Test func readsWhatPython2Wrote() throws {
        func bytes(_ text: String) -> [UInt8] { [0x55, UInt8(text.utf8.count)] + text.utf8 }
        let tensor =
            Op.global("torch._utils", "_rebuild_tensor") + Op.mark + Op.mark + bytes("storage")
            + Op.global("torch.cuda", "FloatStorage") + bytes("7") + bytes("cuda:0")
            + Op.integer(2) + Op.none + Op.tuple + Op.persistentID + Op.integer(0) + Op.sizes([2])
            + Op.sizes([1]) + Op.tuple + Op.reduce
        let pickle =
            Op.proto + Op.global("collections", "OrderedDict") + Op.emptyList + Op.mark
            + Op.emptyList + Op.mark + bytes("fc.weight") + tensor + Op.appends + Op.appends
            + Op.tuple1 + Op.reduce + Op.stop
        let storage = legacyStorage(2, [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])
        try withTemporaryFolder { folder throws in
            try write(
                torchLegacy(pickle, keys: ["7"], storages: storage), to: folder + "/model.pth")
            let file = try PyTorchFile(path: folder + "/model.pth")
            #expect(file.names == ["fc.weight"])
            #expect(try file.tensor(named: "fc.weight")?.elements(as: Float.self) == [1, 2])
        }
    }

    @Test func aFileWithoutChecksumsIsReadOnRequest() throws {
        let error = #expect(throws: PyTorchFileError.self) {
            try PyTorchFile(path: Self.folder + "/no-checksums.pt")
        }
        guard case .archive(.wrongChecksum) = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    // MARK: Folders

    @Test func aShardedFileIsRead() throws {
        let file = try ShardedPyTorchFile(
            indexPath: Self.folder + "/sharded/pytorch_model.bin.index.json")
        let expected = try Self.expected("sharded")
        #expect(Set(file.names) == Set(expected.keys) && file.shards.count == 2)
        #expect(file.metadata["total_size"]?.int == 72)
        for (name, tensor) in expected {
            let read = try #require(try file.tensor(named: name))
            #expect(file.shape(of: name) == tensor.shape && file.dtype(of: name) == tensor.dtype)
            #expect(read.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) })
        }
        #expect(try file.tensor(named: "absent") == nil)
    }

    @Test func theIndexMustAgreeWithTheFiles() throws {
        let index = Self.folder + "/sharded/pytorch_model.bin.index.json"
        let text = try String(contentsOfFile: index, encoding: .utf8)
        for (old, new, reason) in [
            ("72", "96", nil), ("72", "73", .wrongTotalSize(expected: 73, found: 96)),
            (
                "\"a\":", "\"q\":",
                .unlistedTensor(tensor: "a", shard: "pytorch_model-00001-of-00002.bin")
            ),
        ] as [(String, String, ShardedSafetensorsError.Reason?)] {
            try withTemporaryFolder { folder throws in
                for name in ["00001", "00002"] {
                    let shard = "/pytorch_model-\(name)-of-00002.bin"
                    try FileManager.default.copyItem(
                        atPath: Self.folder + "/sharded" + shard, toPath: folder + shard)
                }
                let path = folder + "/pytorch_model.bin.index.json"
                try write(
                    Array(text.replacingOccurrences(of: old, with: new).utf8), to: path)
                var found: ShardedSafetensorsError.Reason?
                do throws(ShardedSafetensorsError) {
                    _ = try ShardedPyTorchFile(indexPath: path)
                } catch {
                    found = error.reason
                }
                #expect(found == reason)
                try write([1, 2], to: folder + "/pytorch_model-00002-of-00002.bin")
                let error = #expect(throws: ShardedSafetensorsError.self) {
                    try ShardedPyTorchFile(indexPath: path)
                }
                guard case .invalidPyTorchShard(let shard) = error?.reason else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(shard.reason == .unknownFormat)
            }
        }
    }

    /// A model that Transformers saved before safetensors were its default.
    @Test(arguments: [false, true]) func aPretrainedFolderMayHoldPickles(isSharded: Bool) throws {
        try withTemporaryFolder { path throws in
            try write(Array(#"{"model_type": "bert"}"#.utf8), to: path + "/config.json")
            let source = Self.folder + (isSharded ? "/sharded/" : "/bert/")
            for name in try FileManager.default.contentsOfDirectory(atPath: source) {
                try FileManager.default.copyItem(
                    atPath: source + name, toPath: "\(path)/\(name)")
            }
            let folder = try PretrainedFolder(path: path)
            guard !isSharded else {
                #expect(Set(folder.tensors.names) == ["a", "b", "c", "z"])
                return
            }
            let expected = try SafetensorsFile(
                path: packageRoot() + "/Tests/LayersTests/Fixtures/families/bert/model.safetensors")
            #expect(Set(folder.tensors.names) == Set(expected.names))
            let backbone = BackboneTensors(folder.tensors, prefix: "bert.")
            #expect(backbone.prefix == "bert.")
            for name in expected.names {
                let (a, b) = (try folder.tensors.tensor(named: name), try expected.required(name))
                #expect(a?.isMapped == true && a?.shape == b.shape)
                #expect(a?.withUnsafeBytes { Array($0) } == b.withUnsafeBytes { Array($0) })
            }
            // A safetensors file beside it has precedence.
            try SafetensorsFile.write(
                [("x", Tensor(Float(1)))], to: path + "/model.safetensors")
            #expect(try PretrainedFolder(path: path).tensors.names == ["x"])
        }
    }
}
