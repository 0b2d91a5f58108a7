import Checkpoint
import Foundation
import Layers
import Tensor
import TestSupport

/// What ``FuzzingTests`` damage: small files of each format, and how they are read.
enum FuzzedFormat {
    static let all = [
        safetensors, shardIndex, torchArchive, torchPickle, torchLegacy, torchShardIndex,
        numpyArray, numpyArchive, json, configuration, imageConfiguration, adapterSettings,
        snapshotManifest,
    ]

    static let safetensors = Fuzzing(
        "safetensors",
        seeds: [
            CheckpointTests.safetensors(
                "{\"__metadata__\":{\"format\":\"pt\"},\(entry("a", "F32", "[2,1]", "[0,8]")),"
                    + "\(entry("b", "BOOL", "[3]", "[8,11]")),\(entry("c", "F4", "[2]", "[11,12]"))}",
                dataByteCount: 12),
            CheckpointTests.safetensors(
                "{\(entry("\\u0061\\ud83d\\ude00", "I64", "[]", "[0,8]")),"
                    + "\(entry("b", "U16", "[0,3]", "[8,8]"))} ", dataByteCount: 8),
        ],
        words: SafetensorsFile.ElementType.allCases.map { "\"\($0.rawValue)\"" } + [
            entry("x", "U8", "[0]", "[0,0]") + ",", "\"__metadata__\":null,", "\"shape\":",
            "\"dtype\":",
        ],
        repair: { bytes in
            guard bytes.count >= 8, let end = bytes.lastIndex(of: UInt8(ascii: "}")), end >= 8
            else {
                return
            }
            withUnsafeBytes(of: UInt64(end - 7).littleEndian) {
                bytes.replaceSubrange(0..<8, with: $0)
            }
        },
        read: { path in try readAll(SafetensorsFile(path: path)) })

    static let shardIndex = Fuzzing(
        "index.json", fileName: "model.safetensors.index.json",
        seeds: [
            Array(
                #"""
                {"metadata":{"total_size":12},"weight_map":{"a":"one.safetensors",
                "b":"one.safetensors","c":"two.safetensors"}}
                """#
                .utf8)
        ],
        words: ["../", "/", "\\\\", "\\u0000", "\"two.safetensors\"", "folder", "\"metadata\":"],
        prepare: { folder in
            let (a, b, c) = (Tensor(Float(1)), Tensor(Float(2)), Tensor(Float(3)))
            try SafetensorsFile.write([("a", a), ("b", b)], to: folder + "/one.safetensors")
            try SafetensorsFile.write([("c", c)], to: folder + "/two.safetensors")
            try FileManager.default.createDirectory(
                atPath: folder + "/folder", withIntermediateDirectories: false)
        },
        read: { path in try readAll(ShardedSafetensors(indexPath: path)) })

    // MARK: PyTorch

    /// A state dictionary with most of what PyTorch writes: two tensors, one of them a parameter and
    /// one strided, memoised texts, versions of modules, and settings.
    private static let pickle: [UInt8] = {
        let first = Op.tensor(Op.reference(count: 4), sizes: [2, 2], strides: [1, 2]) + Op.reduce
        let second =
            Op.tensor(Op.reference("LongStorage", key: "1", count: 2), sizes: [2], strides: [1])
            + Op.reduce
        let parameter =
            Op.global("torch._utils", "_rebuild_parameter") + first + Op.yes + Op.hooks
            + Op.tuple3 + Op.reduce
        let settings =
            Op.emptyList + Op.mark + Op.number(0.5) + Op.integer(-3) + Op.none + Op.get(0)
            + Op.appends
        let versions = Op.emptyDictionary + Op.text("_metadata") + Op.hooks + Op.setItem + Op.build
        return Op.proto + Op.hooks + Op.mark + Op.text("weight") + Op.put(0) + parameter
            + Op.text("bias") + second + Op.text("settings") + settings + Op.setItems + versions
            + Op.stop
    }()
    private static let numbers = [UInt8](0..<16)
    private static let small =
        Op.proto + Op.tensor(Op.reference(count: 2), sizes: [2], strides: [1]) + Op.reduce + Op.stop
    private static let globals = [
        "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nFloatStorage\n",
        "ccollections\nOrderedDict\n",
        "cos\nsystem\n", "ctorch\nSize\n",
    ]

    static let torchArchive = Fuzzing(
        "pth-archive",
        seeds: [
            CheckpointTests.torchArchive(small, storages: [("0", [UInt8](0..<8))]).bytes,
            TestArchive(
                [("a/data.pkl", small), ("a/data/0", [UInt8](0..<8)), ("a/version", [0x33])],
                hasDescriptors: true, isZip64: true
            ).bytes,
        ],
        words: ["PK\u{1}\u{2}", "PK\u{3}\u{4}", "PK\u{5}\u{6}", "data.pkl", "../"],
        read: { path in
            // Without the checksums, damage gets further.
            try? readAll(PyTorchFile(path: path, verifyingChecksums: false))
            try readAll(PyTorchFile(path: path))
        })

    /// Pickles in archives whose checksums are right, so that nothing but the interpreter stands
    /// between them and the reader.
    static let torchPickle = Fuzzing(
        "pth-pickle", seeds: [pickle], words: globals,
        read: { path in
            let damaged = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let archive = CheckpointTests.torchArchive(
                damaged, storages: [("0", numbers), ("1", numbers)])
            try write(archive.bytes, to: path + ".pt")
            try readAll(PyTorchFile(path: path + ".pt"))
        })

    static let torchLegacy = Fuzzing(
        "pth-legacy",
        seeds: [
            CheckpointTests.torchLegacy(
                Op.proto
                    + Op.tensor(
                        Op.reference(count: 2, isLegacy: true), sizes: [2], strides: [1])
                    + Op.reduce + Op.stop,
                keys: ["0"], storages: legacyStorage(2, [UInt8](0..<8)))
        ], words: globals, read: { path in try readAll(PyTorchFile(path: path)) })

    static let torchShardIndex = Fuzzing(
        "pytorch_model.bin.index.json", fileName: "pytorch_model.bin.index.json",
        seeds: [
            Array(
                #"""
                {"metadata":{"total_size":12},"weight_map":{"a":"one.bin","b":"one.bin",
                "c":"two.bin"}}
                """#
                .utf8)
        ],
        words: ["../", "/", "\\\\", "\\u0000", "\"two.bin\"", "folder", "\"metadata\":"],
        prepare: { folder in
            try write(torchShard(["a", "b"]), to: folder + "/one.bin")
            try write(torchShard(["c"]), to: folder + "/two.bin")
            try FileManager.default.createDirectory(
                atPath: folder + "/folder", withIntermediateDirectories: false)
        },
        read: { path in try readAll(ShardedPyTorchFile(indexPath: path)) })

    /// A state dictionary of tensors with one number each.
    private static func torchShard(_ names: [String]) -> [UInt8] {
        let members = names.enumerated().flatMap { index, name -> [UInt8] in
            let storage = Op.reference(key: "\(index)", count: 1)
            return Op.text(name) + Op.tensor(storage, sizes: [1], strides: [1]) + Op.reduce
        }
        let pickle = Op.proto + Op.emptyDictionary + Op.mark + members + Op.setItems + Op.stop
        let storages = names.indices.map { ("\($0)", [0, 0, 0x80, 0x3F] as [UInt8]) }
        return CheckpointTests.torchArchive(pickle, storages: storages).bytes
    }

    // MARK: NumPy

    static let numpyArray = Fuzzing(
        "npy",
        seeds: [
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", 16),
            npy("{'descr':'>i8','fortran_order':True,'shape':(1,2,1)} ", 16, version: 2),
            npy("{'descr': '|b1', 'fortran_order': False, 'shape': ()}", 1, version: 3),
        ],
        words: ["'shape': ", "'descr': ", "True", "(1,)", "'|O'", "'<c16'", "'>u2'", "'<f2'"],
        repair: { bytes in
            guard bytes.count >= 12, let end = bytes.lastIndex(of: UInt8(ascii: "}")) else {
                return
            }
            let start = bytes[6] == 1 ? 10 : 12
            guard end >= start else { return }
            let length = end + 1 - start
            (bytes[8], bytes[9]) = (UInt8(length & 0xFF), UInt8(length >> 8))
            if start == 12 { (bytes[10], bytes[11]) = (0, 0) }
        },
        read: { path in try readAll(NumPyFile(path: path)) })

    static let numpyArchive = Fuzzing(
        "npz",
        seeds: [
            TestArchive([
                ("a.npy", npy("{'descr':'<f4','fortran_order':False,'shape':(2,)}\n", 8)),
                ("b.npy", npy("{'descr':'<i2','fortran_order':True,'shape':(2,1)}\n", 4)),
            ]).bytes
        ],
        words: ["PK\u{1}\u{2}", "PK\u{3}\u{4}", "PK\u{5}\u{6}", ".npy", "\u{93}NUMPY"],
        read: { path in
            try? readAll(NumPyFile(path: path, verifyingChecksums: false))
            try readAll(NumPyFile(path: path))
        })

    private static func npy(_ header: String, _ count: UInt8, version: UInt8 = 1) -> [UInt8] {
        let length: [UInt8] = [UInt8(header.utf8.count), 0] + (version == 1 ? [] : [0, 0])
        return [0x93] + "NUMPY".utf8 + [version, 0] + length + header.utf8 + [UInt8](0..<count)
    }

    // MARK: JSON

    /// What is accepted is also written and read again as the same.
    static let json = Fuzzing(
        "json",
        seeds: [
            Array(#"{"a":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00\n"],"é":{"b":[]},"c":{}}"#.utf8)
        ],
        words: ["[[", "{\"", "\\u", "\\ud800", "e+", "\u{FEFF}", "//", "false", "0."],
        read: { path in
            let value = try JSON(contentsOf: path)
            let again = try JSON(parsing: value.serialized())
            precondition(again == value, "it changes when it is written")
        })

    static let configuration = Fuzzing(
        "config.json", fileName: "config.json",
        seeds: [
            Array(
                #"""
                {"model_type":"bert","hidden_size":32,"num_hidden_layers":2,
                "num_attention_heads":4,"intermediate_size":64,"hidden_act":"gelu",
                "vocab_size":120,"max_position_embeddings":40,"type_vocab_size":2,
                "layer_norm_eps":1e-12,"hidden_dropout_prob":0.1,"classifier_dropout":null}
                """#
                .utf8),
            Array(
                #"""
                {"model_type":"distilbert","dim":32,"n_layers":2,"n_heads":4,"hidden_dim":64,
                "activation":"gelu","vocab_size":120,"max_position_embeddings":40,"dropout":0.1}
                """#
                .utf8),
        ],
        words: ["\"roberta\"", "\"pad_token_id\":1,", "\"relu\"", "null,"],
        prepare: { folder in
            try SafetensorsFile.write([("a", Tensor(Float(1)))], to: folder + "/model.safetensors")
        },
        read: { path in
            let folder = try PretrainedFolder(path: String(path.dropLast("/config.json".count)))
            let configuration = try folder.transformerConfiguration()
            precondition(configuration.width % configuration.heads == 0)
            _ = (try folder.classifierDropout(), try folder.wordClassifierDropout())
        })

    static let adapterSettings = Fuzzing(
        "adapter_config.json", fileName: "adapter_config.json",
        seeds: [
            Array(
                #"""
                {"peft_type":"LORA","r":4,"lora_alpha":8,"lora_dropout":0.0,
                "target_modules":["value","query"],"modules_to_save":["classifier"],
                "use_dora":false,"use_rslora":true,"init_lora_weights":"pissa",
                "task_type":"SEQ_CLS","bias":"none","rank_pattern":{}}
                """#
                .utf8),
            Array(
                #"""
                {"peft_type":"IA3","target_modules":["key"],
                "feedforward_modules":["output.dense"]}
                """#
                .utf8),
        ],
        words: ["\"all-linear\"", "true", "\"use_dora\":true,", "\"layers_to_transform\":[0],"],
        prepare: { folder in
            try SafetensorsFile.write(
                [("a", Tensor(Float(1)))], to: folder + "/adapter_model.safetensors")
        },
        read: { path in
            let folder = try AdapterFolder(
                path: String(path.dropLast("/adapter_config.json".count)))
            _ = folder.settings.adapter(on: [.query]).scale
            _ = folder.settings.json.serialized()
        })

    /// Reads every tensor that can be one.
    private static func readAll(_ file: some NamedTensors) throws {
        for name in file.names {
            _ = (file.shape(of: name), file.dtype(of: name))
            do {
                guard let tensor = try file.tensor(named: name) else {
                    preconditionFailure("'\(name)' is listed and not there")
                }
                _ = tensor.copied()
            } catch is UnsupportedElementType {}
        }
    }
}
