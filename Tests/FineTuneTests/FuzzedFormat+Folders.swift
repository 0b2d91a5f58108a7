@testable import FineTune
import Foundation
import TestSupport

extension FuzzedFormat {
    // MARK: Text models

    /// Settings of a BERT of one layer whose vectors have four numbers, without the braces.
    static let smallSettings =
        #""model_type":"bert","hidden_size":4,"num_hidden_layers":1,"num_attention_heads":2,"#
        + #""intermediate_size":4,"vocab_size":8,"max_position_embeddings":8"#

    /// Writes that BERT with weights and a vocabulary: it takes little time to read.
    static func writeSmallModel(to folder: String) throws {
        let configuration = TransformerConfiguration(
            family: .bert, vocabularySize: 8, width: 4, layers: 1, heads: 2, feedForwardWidth: 4,
            positions: 8)
        let source = ParameterSource(initializing: .float32, seed: 1)
        _ = try configuration.stages(from: source)
        try writeWeights(source, to: folder)
        try write("{\(smallSettings)}", to: folder + "/config.json")
        try write("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n", to: folder + "/vocab.txt")
    }

    private static func writeWeights(_ source: ParameterSource, to folder: String) throws {
        try SafetensorsFile.write(
            source.parameters.map { (name: $0.path, tensor: $0.value) },
            to: folder + "/model.safetensors")
    }

    private static func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    /// Reads the folder that a file of this name lies in. What is accepted also embeds.
    private static func embed(_ path: String, _ name: String) throws {
        let model = try PretrainedModel.text(contentsOf: String(path.dropLast(name.count + 1)))
        precondition((3...8).contains(model.preparation.maximumLength))
        let vector = try Tensor.Threads.limited(to: 1) { try model.embed("a b c a b c a b") }
        precondition(vector.count == 4)
    }

    // MARK: Files of sentence-transformers

    static let modules = Fuzzing(
        "modules.json", fileName: "modules.json",
        seeds: [
            Array(
                #"""
                [{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},
                {"idx":1,"name":"1","path":"1_Pooling",
                "type":"sentence_transformers.models.Pooling"},{"idx":2,"name":"2",
                "path":"2_Normalize","type":"sentence_transformers.models.Normalize"}]
                """#
                .utf8)
        ],
        words: ["\"models.Dense\"", "Normalize", "\"type\":1,", "\"...\"", "{},", "null"],
        prepare: { try writeSmallModel(to: $0) },
        read: { path in try embed(path, "modules.json") })

    static let poolingSettings = Fuzzing(
        "pooling-config.json", fileName: "1_Pooling/config.json",
        seeds: [
            Array(
                #"""
                {"word_embedding_dimension":4,"pooling_mode_cls_token":false,
                "pooling_mode_mean_tokens":true,"pooling_mode_max_tokens":false}
                """#
                .utf8),
            Array(#"{"pooling_mode_cls_token":true,"include_prompt":true}"#.utf8),
        ],
        words: ["true", "false", "\"pooling_mode_mean_tokens\":true,", "\"pooling_mode_\":true,"],
        prepare: { folder in
            try writeSmallModel(to: folder)
            try FileManager.default.createDirectory(
                atPath: folder + "/1_Pooling", withIntermediateDirectories: false)
        },
        read: { path in try embed(path, "1_Pooling/config.json") })

    static let sentenceSettings = Fuzzing(
        "sentence_bert_config.json", fileName: "sentence_bert_config.json",
        seeds: [
            Array(#"{"max_seq_length":6,"do_lower_case":false}"#.utf8),
            Array(#"{"max_seq_length":null}"#.utf8),
        ],
        words: ["-9223372036854775808", "\"max_seq_length\":", "\"6\"", "null"],
        prepare: { try writeSmallModel(to: $0) },
        read: { path in try embed(path, "sentence_bert_config.json") })

    // MARK: Models for images

    /// A classifier by a vision transformer whose weights have the names of both publishers.
    static let imageClassifier = Fuzzing(
        "image-classifier-config.json", fileName: "config.json",
        seeds: [
            Array(
                #"""
                {"model_type":"vit","hidden_size":4,"num_hidden_layers":1,"num_attention_heads":2,
                "intermediate_size":8,"image_size":4,"patch_size":2,"id2label":{"0":"a","1":"b"},
                "problem_type":"single_label_classification"}
                """#
                .utf8),
            Array(
                #"""
                {"architecture":"vit_tiny_patch16_224.someone","id2label":{"0":"a","1":"b"},
                "model_args":{"img_size":4,"patch_size":2,"embed_dim":4,"depth":1,"num_heads":2,
                "mlp_ratio":2.0,"drop_rate":0.1},"pretrained_cfg":{"input_size":[3,4,4],
                "interpolation":"bicubic","crop_pct":0.9,"crop_mode":"squash",
                "mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5]}}
                """#
                .utf8),
        ],
        words: [
            "\"deit\"", "\"resnet\"", "\"bilinear\"", "\"center\"", "\"mobilenet_v2\"",
            "\"2\":\"x\",", "\"drop_rate\":1,", "null,",
        ],
        prepare: { folder in
            let source = ParameterSource(initializing: .float32, seed: 1)
            let head = ClassificationHead(labels: ["a", "b"])
            for publisher in VisionTransformer.Publisher.allCases {
                let network = ImageNetwork.visionTransformer(
                    VisionTransformer(
                        publisher: publisher, imageSize: 4, patchSize: 2, width: 4, layers: 1,
                        heads: 2, feedForwardWidth: 8))
                _ = try network.stages(from: source)
                _ = try head.makeNetwork(
                    featureSize: 4, dropoutRate: 0, from: source[network.classifierPath])
            }
            try writeWeights(source, to: folder)
        },
        read: { path in
            let folder = String(path.dropLast("/config.json".count))
            let model = try ImageClassifier(contentsOf: folder)
            let specification = model.preparation.specification
            precondition(specification.height == 4 && specification.width == 4)
            let picture = RGBImage(height: 4, width: 4, pixels: [UInt8](0..<48))
            let answer = try Tensor.Threads.limited(to: 1) { try model.predict(picture) }
            precondition(answer.probabilities.count == 2)
        })

    static let imageProcessor = Fuzzing(
        "preprocessor_config.json",
        seeds: [
            Array(
                #"""
                {"crop_pct":0.875,"do_normalize":true,"do_resize":true,
                "feature_extractor_type":"ConvNextFeatureExtractor",
                "image_mean":[0.485,0.456,0.406],"image_std":[0.229,0.224,0.225],"resample":3,
                "size":224}
                """#
                .utf8),
            Array(
                #"""
                {"crop_size":{"height":224,"width":224},"do_center_crop":true,"do_rescale":true,
                "rescale_factor":0.00392156862745098,"image_mean":[0.5,0.5,0.5],
                "image_std":[0.5,0.5,0.5],"size":{"shortest_edge":256},
                "image_processor_type":"BitImageProcessor"}
                """#
                .utf8),
            Array(
                #"""
                {"do_normalize":false,"resample":2,"size":{"height":16,"width":32},
                "image_processor_type":"ViTImageProcessor"}
                """#
                .utf8),
        ],
        words: [
            "\"do_rescale\":false,", "\"do_normalize\":false,", "\"shortest_edge\":",
            "\"crop_size\":8,", "\"crop_pct\":0.5,", "\"size\":", "true", "16385", "5e-324",
        ],
        read: { path in
            let settings = try JSON(contentsOf: path)
            let specification = try ImageSpecification(processor: settings, path: path)
            let (rows, columns) = specification.resizedSize
            precondition(rows >= specification.height && columns >= specification.width)
            _ = ImagePreparation(specification).fingerprint
        })
}
