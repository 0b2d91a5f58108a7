import FineTune
import Foundation
import TestSupport
import Testing

/// What publishers' files say of pictures, and what is made of pixels.
@Suite struct ImageSpecificationTests {
    @Test func normalizesEachChannel() {
        let specification = ImageSpecification(
            height: 1, width: 2, mean: [0, 127.0 / 255, 1],
            standardDeviation: [1, 128.0 / 255, 0.5])
        let numbers = specification.normalized([
            RGBImage(height: 1, width: 2, pixels: [255, 127, 255, 0, 255, 0]),
            RGBImage(height: 1, width: 2, pixels: [51, 0, 0, 0, 0, 0]),
        ])
        #expect(numbers.shape == [2, 1, 2, 3])
        let expected: [Float] = [
            1, 0, 0, 0, 1, -2, 0.2, -127.0 / 128, -2, 0, -127.0 / 128, -2,
        ]
        #expect(numbers.elements(as: Float.self) == expected)
    }

    /// Sizes that a publisher's own program gives.
    @Test(arguments: [
        (224, 0.875, 256), (224, 0.9, 248), (224, 0.95, 235), (240, 240.0 / 272, 272),
        (300, 0.904, 331), (224, 1, 224),
    ])
    func resizesBeforeItCuts(_ size: Int, _ fraction: Double, _ expected: Int) {
        let specification = ImageSpecification(height: size, width: size, cropFraction: fraction)
        #expect(specification.resizedSize == (expected, expected))
    }

    private static let saved = Result {
        let folder = try TemporaryFolder()
        try TinyImages.backbone(.mobileNetV3Small).attaching(
            ClassificationHead(labels: TinyImages.labels)
        ).save(to: folder.path)
        try folder.remove("preprocessor_config.json")
        return folder
    }

    private func specification(
        _ processor: JSON.Object, model: JSON.Object = ["architecture": "mobilenet_v3_small"]
    ) throws -> ImageSpecification {
        let folder = try TemporaryFolder()
        try folder.write(JSON.object(model).serialized(), to: "config.json")
        if !processor.isEmpty {
            try folder.write(
                JSON.object(processor).serialized(), to: "preprocessor_config.json")
        }
        try folder.link(everythingIn: Self.saved.get().path)
        return try PretrainedModel.image(contentsOf: folder.path).specification
    }

    @Test func readsTransformersFiles() throws {
        // microsoft/resnet-50 as it was published.
        let resNet = try specification([
            "crop_pct": 0.875, "do_normalize": true, "do_resize": true,
            "feature_extractor_type": "ConvNextFeatureExtractor",
            "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
            "resample": 3, "size": 224,
        ])
        #expect(resNet == ImageSpecification(interpolation: .bicubic))
        // As a ResNet at this size is prepared by the processor of ConvNeXt.
        let large = try specification([
            "crop_pct": 0.875, "image_processor_type": "ConvNextImageProcessor",
            "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
            "resample": 3, "size": ["shortest_edge": 384],
        ])
        #expect(
            large
                == ImageSpecification(
                    height: 384, width: 384, interpolation: .bicubic, resizing: .stretch,
                    cropFraction: 1))
        let deiT = try specification([
            "crop_size": 224, "do_center_crop": true, "do_normalize": true, "do_resize": true,
            "feature_extractor_type": "DeiTFeatureExtractor",
            "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
            "resample": 3, "size": 256,
        ])
        #expect(deiT == ImageSpecification(interpolation: .bicubic, resizing: .stretch))
        let viT = try specification([
            "do_normalize": true, "do_rescale": true, "do_resize": true,
            "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "ViTImageProcessor",
            "image_std": [0.5, 0.5, 0.5], "resample": 2, "rescale_factor": JSON(1.0 / 255),
            "size": ["height": 224, "width": 224],
        ])
        #expect(
            viT
                == ImageSpecification(
                    mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5],
                    resizing: .stretch, cropFraction: 1))
        #expect(try specification([:]) == ImageSpecification())
        let timm = try specification(
            [:],
            model: [
                "architecture": "mobilenet_v3_small.of_someone",
                "pretrained_cfg": [
                    "input_size": [3, 160, 160], "interpolation": "bicubic", "crop_pct": 0.95,
                    "mean": [0.5, 0.5, 0.5], "crop_mode": "squash",
                ],
            ])
        #expect(
            timm
                == ImageSpecification(
                    height: 160, width: 160, mean: [0.5, 0.5, 0.5], interpolation: .bicubic,
                    resizing: .stretch, cropFraction: 0.95))
    }

    @Test(
        arguments: [
            ["resample": 0], ["rescale_factor": 0.5], ["image_mean": [1, 2]], ["size": -1],
            ["size": ["height": 1_000_000, "width": 1]], ["image_std": [0, 1, 1]],
            ["crop_size": 300, "size": 200], ["crop_pct": 2, "size": ["shortest_edge": 9]],
            ["crop_pct": 1e-300, "size": ["shortest_edge": 224]], ["crop_size": 1, "size": 224],
            ["crop_size": ["height": 224, "width": 192], "size": 256],
            ["crop_size": 8192, "size": 8192], ["image_std": [1e-9, 1, 1]],
            ["do_rescale": false, "image_std": [JSON(Double.leastNonzeroMagnitude), 1, 1]],
        ] as [JSON.Object])
    func refusesImpossibleSettings(_ change: JSON.Object) throws {
        var settings: JSON.Object = [
            "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": 224,
        ]
        for (key, value) in change { settings[key] = value }
        #expect(throws: PretrainedFolderError.self) { try specification(settings) }
    }

    /// What a model is saved with says the same when it is opened.
    @Test(arguments: [
        (224, 224, 0.875), (224, 160, 0.875), (160, 224, 0.9), (97, 33, 1), (300, 301, 0.904),
        (32, 64, 0.5),
    ])
    func savesWhatItIs(_ height: Int, _ width: Int, _ fraction: Double) throws {
        for resizing in ImageSpecification.Resizing.allCases {
            let specification = ImageSpecification(
                height: height, width: width, interpolation: .bicubic, resizing: resizing,
                cropFraction: fraction)
            let folder = try TemporaryFolder()
            try PretrainedModel.image(
                initializing: .mobileNetV3Small, seed: 1, specification: specification
            ).attaching(ClassificationHead(labels: TinyImages.labels)).save(to: folder.path)
            for file in ["preprocessor_config.json", "none"] {
                let read = try PretrainedModel.image(contentsOf: folder.path).specification
                #expect((read.height, read.width) == (height, width), "with \(file)")
                #expect(read.resizedSize == specification.resizedSize, "with \(file)")
                #expect(read.resizing == resizing && read.interpolation == .bicubic)
                // Then timm's settings in config.json count.
                if file != "none" { try folder.remove(file) }
            }
        }
    }

    /// What no file could say is refused before anything is trained with it.
    @Test func refusesWhatCannotBeSaved() throws {
        let network = ImageNetwork.mobileNetV3Small
        var (nothing, endless) = (ImageSpecification(), ImageSpecification())
        (nothing.cropFraction, endless.height) = (0, .max)
        let cases: [(ImageNetwork, ImageSpecification, String)] = [
            (network, ImageSpecification(height: 300, width: 300, cropFraction: 0.01), "'size'"),
            (network, ImageSpecification(height: 4096, width: 4096), "pixels"),
            (network, nothing, "a part from 0.01 to 1"), (network, endless, "sides from 1"),
            (network, ImageSpecification(standardDeviation: [1e-9, 1, 1]), "'image_std'"),
            (
                .visionTransformer(TinyImages.transformer(.timm)),
                ImageSpecification(height: 64, width: 64), "but the network takes 32 by 32"
            ),
        ]
        for (network, specification, part) in cases {
            let error = #expect(throws: PretrainedFolderError.self) {
                try PretrainedModel.image(
                    initializing: network, seed: 1, specification: specification)
            }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }

    /// A picture becomes as large as the file says, however small it was.
    @Test func refusesHugeInputs() throws {
        var settings: JSON.Object = [
            "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
            "size": ["height": 4096, "width": 2048],
        ]
        #expect(try specification(settings).height == 4096)
        settings["size"] = ["height": 16384, "width": 16384]
        let error = #expect(throws: PretrainedFolderError.self) { try specification(settings) }
        let end = "should have a size of at most 8388608 pixels as 'size', but has 16384 by 16384"
        #expect(error?.description.hasSuffix(end) == true)
    }

    @Test(
        arguments: [
            ["architecture": "resnet17"], ["model_type": "bert"], [:],
            ["architecture": "vit_huge_patch16_224"], ["model_type": "vit", "hidden_act": "relu"],
            ["model_type": "vit", "num_attention_heads": 5],
            ["model_type": "vit", "patch_size": 15],
            ["model_type": "vit", "hidden_dropout_prob": 0.1],
            ["model_type": "resnet", "depths": [1, 2, 3, 4]],
            ["model_type": "resnet", "downsample_in_bottleneck": true],
            ["architecture": "vit_base_patch16_224", "model_args": ["depth": 0]],
            ["architecture": "vit_tiny_patch0_224"], ["architecture": "vit_tiny_patch16_0"],
            ["architecture": "vit_tiny_patch-16_224"], ["architecture": "deit_tiny_patch16_-224"],
            ["architecture": "mobilenet_v3_small", "pretrained_cfg": ["crop_pct": 1e-15]],
            ["architecture": "mobilenet_v3_small", "pretrained_cfg": ["std": [1e-9, 1, 1]]],
            [
                "architecture": "mobilenet_v3_small",
                "pretrained_cfg": ["input_size": [3, 16384, 16384]],
            ],
            ["architecture": "mobilenet_v3_small", "model_args": ["drop_rate": 1.5]],
            ["architecture": "mobilenet_v3_small", "model_args": ["drop_rate": 1]],
            ["architecture": "mobilenet_v3_small", "model_args": ["drop_rate": "0.2"]],
            ["architecture": "vit_tiny_patch16_4096"], ["model_type": "vit", "image_size": 4096],
        ] as [JSON.Object])
    func refusesOtherNetworks(_ configuration: JSON.Object) throws {
        #expect(throws: PretrainedFolderError.self) {
            try specification([:], model: configuration)
        }
    }
}
