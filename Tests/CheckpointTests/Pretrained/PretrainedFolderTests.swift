import Checkpoint
import Foundation
import Layers
import Tensor
import TestSupport
import Testing

@Suite struct PretrainedFolderTests {
    private func tensors(_ names: [String]) -> [(name: String, tensor: Tensor)] {
        names.enumerated().map {
            (name: $0.element, tensor: Tensor([Float($0.offset), 1, 2], shape: [3]))
        }
    }

    private func withFolder<Result>(
        _ names: [String], shardByteLimit: Int = .max, _ body: (PretrainedFolder) throws -> Result
    ) throws -> Result {
        try withTemporaryFolder { path in
            try write(Array("{\"model_type\": \"bert\"}".utf8), to: path + "/config.json")
            try ShardedSafetensors.write(
                tensors(names), inFolder: path, shardByteLimit: shardByteLimit)
            return try body(PretrainedFolder(path: path))
        }
    }

    @Test func aFolderHasItsParts() throws {
        try withFolder(["a", "b"]) { folder in
            #expect(folder.tensors.names == ["a", "b"])
            #expect(folder.configuration == ["model_type": "bert"])
            #expect(folder.has("config.json") && !folder.has("tokenizer.json") && !folder.has("."))
            #expect(try folder.json("config.json") == folder.configuration)
            #expect(try folder.json("modules.json") == Optional<JSON>.none)
            try write(Array("{".utf8), to: folder.path + "/modules.json")
            #expect(throws: PretrainedFolderError.self) { try folder.json("modules.json") }
        }
    }

    /// Weights in several files are read as if they lay in one.
    @Test func weightsMayBeSharded() throws {
        try withFolder(["a", "b", "c"], shardByteLimit: 12) { folder in
            #expect(!folder.has("model.safetensors"))
            #expect(folder.has("model-00003-of-00003.safetensors"))
            #expect(Set(folder.tensors.names) == ["a", "b", "c"])
            let tensor = try #require(try folder.tensors.tensor(named: "c"))
            #expect(tensor.elements(as: Float.self) == [2, 1, 2])
            #expect(tensor.isMapped)
        }
    }

    /// As `huggingface_hub` keeps them: the files of a revision link to files named by their content.
    @Test(arguments: ["", "/"])
    func aRevisionInAHubCacheIsAFolder(_ slash: String) throws {
        try withTemporaryFolder { cache throws in
            let (revision, blobs) = (cache + "/snapshots/1a2b", cache + "/blobs")
            for path in [cache + "/snapshots", revision, blobs] {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: false)
            }
            try write(Array("{\"model_type\": \"bert\"}".utf8), to: blobs + "/config.json")
            try ShardedSafetensors.write(
                tensors(["a", "b"]), inFolder: blobs, shardByteLimit: 12)
            for name in try FileManager.default.contentsOfDirectory(atPath: blobs) {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(revision)/\(name)", withDestinationPath: "../../blobs/\(name)")
            }
            let folder = try PretrainedFolder(path: revision + slash)
            #expect(Set(folder.tensors.names) == ["a", "b"])
            // Only there: a link out of any other folder is refused.
            try FileManager.default.moveItem(atPath: revision, toPath: cache + "/copies")
            try FileManager.default.createDirectory(
                atPath: revision, withIntermediateDirectories: false)
            try FileManager.default.moveItem(
                atPath: cache + "/copies", toPath: revision + "/copies")
            for name in try FileManager.default.contentsOfDirectory(atPath: revision + "/copies") {
                let link = "\(revision)/copies/\(name)"
                try FileManager.default.removeItem(atPath: link)
                try FileManager.default.createSymbolicLink(
                    atPath: link, withDestinationPath: "../../../blobs/\(name)")
            }
            #expect(throws: PretrainedFolderError.self) {
                try PretrainedFolder(path: revision + "/copies")
            }
        }
    }

    @Test func aMissingShardIsNamed() throws {
        try withFolder(["a", "b"], shardByteLimit: 12) { folder in
            try FileManager.default.removeItem(
                atPath: folder.path + "/model-00002-of-00002.safetensors")
            let error = #expect(throws: PretrainedFolderError.self) {
                try PretrainedFolder(path: folder.path)
            }
            #expect(
                error?.description
                    == "the index '\(folder.path)/model.safetensors.index.json' and its "
                    + "files do not agree: the file 'model-00002-of-00002.safetensors' is missing; "
                    + "was its download interrupted?")
        }
    }

    // MARK: Names

    @Test(arguments: [
        (["bert.encoder.a.weight", "classifier.weight"], "bert."),
        (["encoder.a.weight", "classifier.weight"], ""),
    ])
    func thePrefixOfThePublisherIsFound(_ names: [String], _ prefix: String) throws {
        try withFolder(names) { folder in
            let backbone = BackboneTensors(folder.tensors, prefix: "bert.")
            #expect(backbone.prefix == prefix)
            #expect(backbone.storedName("encoder.a.weight") == prefix + "encoder.a.weight")
            // The classifier has no prefix where the backbone has one.
            #expect(backbone.storedName("classifier.weight") == "classifier.weight")
            #expect(backbone.storedName("encoder.b.weight") == nil)
            let (stored, absent) = (
                try backbone.tensor(named: "encoder.a.weight"),
                try backbone.tensor(named: "encoder.b.weight")
            )
            #expect(stored?.shape == [3] && absent == nil)
            #expect(backbone.nearestName(to: "encoder.b.weight") == prefix + "encoder.a.weight")
            #expect(backbone.nearestName(to: "something.else.entirely") == nil)
        }
    }

    /// TensorFlow's names of the parameters of a normalisation, as in BERT's first checkpoints.
    @Test func gammaAndBetaAreNamesOfANormalization() throws {
        let names = ["bert.a.LayerNorm.gamma", "bert.a.LayerNorm.beta", "bert.a.gamma"]
        try withFolder(names) { folder in
            let backbone = BackboneTensors(folder.tensors, prefix: "bert.")
            #expect(backbone.storedName("a.LayerNorm.weight") == "bert.a.LayerNorm.gamma")
            #expect(backbone.storedName("a.LayerNorm.bias") == "bert.a.LayerNorm.beta")
            #expect(backbone.storedName("a.weight") == nil)
            let source = ParameterSource(backbone)
            let norm = try LayerNorm(size: 3, epsilon: 1e-12, from: source["a"]["LayerNorm"])
            #expect(norm.weight.value.elements(as: Float.self) == [0, 1, 2])
            #expect(norm.bias.value.elements(as: Float.self) == [1, 1, 2])
        }
    }
}

@Suite struct LoadReportTests {
    @Test func everyNameIsAccountedFor() {
        let report = LoadReport(
            loaded: ["a.weight", "a.bias"], missing: ["pooler.dense.weight", "b"],
            names: ["a.bias", "a.weight", "pooler.danse.weight", "position_ids"])
        #expect(report.loaded == ["a.weight", "a.bias"])
        #expect(report.unused == ["pooler.danse.weight", "position_ids"])
        #expect(
            report.missing.map { [$0.path, $0.nearest] } == [
                ["pooler.dense.weight", "pooler.danse.weight"], ["b", nil],
            ])
        #expect(
            report.description == """
                loaded 2 parameters
                initialised 'pooler.dense.weight', which the checkpoint lacks (did you mean \
                'pooler.danse.weight'?)
                initialised 'b', which the checkpoint lacks
                unused: pooler.danse.weight, position_ids
                """)
        #expect(
            LoadReport(loaded: ["a"], missing: [], names: ["a"]).description
                == "loaded 1 parameters")
    }

    /// Two forms of `é` are two names.
    @Test func namesAreToldApartByTheirBytes() {
        let report = LoadReport(
            loaded: ["\u{e9}"], missing: [], names: ["\u{e9}", "e\u{301}"])
        #expect(report.unused.count == 1)
    }

    @Test(
        arguments: [
            ("layer.0.weight", ["layer.0.bias", "layer.1.weight", "other"], "layer.1.weight"),
            ("weight", ["weight"], "weight"), ("abc", ["xyz"], nil), ("abc", [], nil),
            ("abc", ["ab", "abd"], "ab"), ("", ["a"], "a"), ("", ["abcdef"], nil),
            ("encoder.weight", ["enc.weight"], "enc.weight"),
            // Another layer is no spelling of this one, but better than nothing.
            ("layer.1.weight", ["layer.0.weight", "layer.1.weights"], "layer.1.weights"),
            ("layer.12.weight", ["layer.2.weight", "layer.12.wait"], "layer.12.wait"),
        ] as [(String, [String], String?)])
    func theNearestNameIsTheOneWithTheFewestEdits(
        _ name: String, _ candidates: [String], _ nearest: String?
    ) {
        #expect(nearestName(to: name, in: candidates) == nearest)
    }
}
