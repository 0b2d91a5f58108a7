import Layers
import Tensor
import TestSupport

@testable import Checkpoint

extension FuzzedFormat {
    // MARK: Snapshots

    /// The manifest of a snapshot whose other files are whole: none is accepted but theirs.
    static let snapshotManifest = Fuzzing(
        "manifest.json", fileName: SnapshotManifest.fileName, seeds: [manifest],
        words: ["\"state.json\"", "../", "{\"bytes\":8},", "\"version\":2,", "\"files\":"],
        prepare: { folder in
            for file in snapshotFiles { try write(file.bytes, to: folder + "/" + file.name) }
        },
        repair: { bytes in
            // Spelled as a manifest is, or that would be all that is said of it.
            guard let json = try? JSON(parsing: bytes) else { return }
            bytes = json.serializedBytes(pretty: true) + [UInt8(ascii: "\n")]
        },
        read: { path in
            let folder = String(path.dropLast(SnapshotManifest.fileName.count + 1))
            let content = try SnapshotFolder.read(folder)
            precondition(content.fields == ["step": 7] && content.namedTensors.count == 2)
            let accepted = try MappedFile(path: path)
            precondition(
                withExtendedLifetime(accepted) { accepted.bytes.elementsEqual(manifest) },
                "another manifest than that of the files")
        })

    private static let snapshotFiles: [(name: String, bytes: [UInt8])] = [
        (
            SnapshotContent.tensorsFile,
            CheckpointTests.safetensors("{\(entry("a", "F32", "[2]", "[0,8]"))}", dataByteCount: 8)
        ),
        (
            SnapshotContent.fieldsFile,
            Array(#"{"score":0.5,"aliases":{"a":["b"]},"fields":{"step":7}}"#.utf8)
        ),
    ]

    private static let manifest: [UInt8] = {
        let entries = snapshotFiles.map { file -> SnapshotManifest.Entry in
            var digest = Digest()
            file.bytes.withUnsafeBytes { digest.add($0) }
            return SnapshotManifest.Entry(
                name: file.name, byteCount: file.bytes.count, digest: digest.text)
        }
        return SnapshotManifest(entries: entries).bytes
    }()

    // MARK: Networks for images

    /// What is accepted is also fitted to the weights of a small vision transformer of timm.
    static let imageConfiguration = Fuzzing(
        "image-config.json", fileName: "config.json",
        seeds: [
            Array(
                #"""
                {"model_type":"vit","hidden_size":4,"num_hidden_layers":1,"num_attention_heads":2,
                "intermediate_size":8,"image_size":4,"patch_size":2,"num_channels":3,
                "qkv_bias":true,"hidden_act":"gelu","hidden_dropout_prob":0.0,
                "attention_probs_dropout_prob":0.0,"layer_norm_eps":1e-12}
                """#
                .utf8),
            Array(#"{"model_type":"deit","hidden_size":8,"num_attention_heads":1}"#.utf8),
            Array(
                #"""
                {"model_type":"resnet","depths":[2,2,2,2],"layer_type":"basic",
                "downsample_in_first_stage":false,"downsample_in_bottleneck":false}
                """#
                .utf8),
            Array(
                #"""
                {"architecture":"deit_tiny_distilled_patch16_224.fb_in1k","model_args":{
                "img_size":4,"patch_size":2,"embed_dim":4,"depth":1,"num_heads":2,"mlp_ratio":2.0}}
                """#
                .utf8),
            Array(#"{"architecture":"tf_efficientnet_lite0.in1k"}"#.utf8),
        ],
        words: [
            "\"vit_base_patch16_224\"", "_patch0_", "\"resnet50\"", "\"mobilenet_v2\"",
            "\"bottleneck\"", "\"deit\"", "\"model_args\":{", "null,",
        ],
        prepare: { folder in
            let shapes: [(name: String, shape: Tensor.Shape)] = [
                ("patch_embed.proj.weight", [4, 3, 2, 2]), ("pos_embed", [1, 5, 4]),
                ("blocks.0.mlp.fc1.weight", [8, 4]),
            ]
            try SafetensorsFile.write(
                shapes.map { (name: $0.name, tensor: Tensor(zeros: $0.shape, dtype: .float32)) },
                to: folder + "/model.safetensors")
        },
        read: { path in
            let folder = try PretrainedFolder(path: String(path.dropLast("/config.json".count)))
            let network = try folder.imageNetwork()
            if case .visionTransformer(let network) = network {
                precondition(network.width % network.heads == 0)
                precondition(network.imageSize % network.patchSize == 0)
            }
            precondition(network.featureSize > 0 && !network.configuration.isEmpty)
            _ = try? network.fitting(folder.tensors)
        })
}
