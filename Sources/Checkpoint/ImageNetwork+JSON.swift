public import Layers

extension PretrainedFolder {
    /// The network for images that `config.json` describes: a ViT, DeiT or ResNet of Transformers
    /// (`model_type`), or what timm or torchvision call by a name (`architecture`), such as
    /// `tf_efficientnet_lite0` or `mobilenet_v2`.
    ///
    /// - Throws: ``PretrainedFolderError`` if it describes another model, or a setting is absent or
    ///   cannot be honoured.
    public func imageNetwork() throws(PretrainedFolderError) -> ImageNetwork {
        switch configuration["model_type"]?.string {
        case "vit": return .visionTransformer(try visionTransformer(isDistilled: false))
        case "deit": return .visionTransformer(try visionTransformer(isDistilled: true))
        case "resnet": return .resNet(try resNet())
        case let type:
            guard let name = configuration["architecture"]?.string else {
                throw .unsupportedKind(
                    path, found: type ?? "that it does not name",
                    supported: ["vit", "deit", "resnet", "or an 'architecture'"])
            }
            // timm appends the training after a dot.
            let architecture = String(name.prefix { $0 != "." })
            if let network = ImageNetwork.named[architecture] { return network }
            if let network = try namedVisionTransformer(architecture) { return network }
            throw .unsupportedKind(
                path, found: name,
                supported: ImageNetwork.named.keys.sorted() + ["vit_*_patch*_*", "deit_*_patch*_*"])
        }
    }

    private func visionTransformer(
        isDistilled: Bool
    ) throws(PretrainedFolderError) -> VisionTransformer {
        if let activation = configuration["hidden_act"]?.string, activation != "gelu" {
            throw unusable("hidden_act", "'gelu'", "'\(activation)'")
        }
        for key in ["hidden_dropout_prob", "attention_probs_dropout_prob"] {
            let value = try rate(key, absent: 0)
            guard value == 0 else { throw unusable(key, "0", "\(value)") }
        }
        if configuration["qkv_bias"]?.bool == false {
            throw unusable("qkv_bias", "true", "false")
        }
        let width = try size("hidden_size", absent: 768)
        let network = VisionTransformer(
            publisher: .huggingFace, imageSize: try size("image_size", absent: 224),
            patchSize: try size("patch_size", absent: 16), width: width,
            layers: try size("num_hidden_layers", absent: 12),
            heads: try size("num_attention_heads", absent: 12),
            feedForwardWidth: try size("intermediate_size", absent: 3072),
            hasDistillationToken: isDistilled,
            epsilon: try number("layer_norm_eps", absent: 1e-12))
        return try checked(
            network, heads: "num_attention_heads", image: "image_size", patch: "patch_size")
    }

    /// Checks sizes, of which each is set by the entry that is named.
    private func checked(
        _ network: VisionTransformer, heads: String, image: String, patch: String
    ) throws(PretrainedFolderError) -> VisionTransformer {
        guard network.width % network.heads == 0 else {
            throw unusable(
                heads, "a number of heads that divides the width \(network.width)",
                "\(network.heads)")
        }
        guard network.imageSize <= Self.pixelLimit / network.imageSize else {
            throw unusable(
                image, "a side of pictures of at most \(Self.pixelLimit) pixels",
                "\(network.imageSize)")
        }
        guard network.imageSize % network.patchSize == 0 else {
            throw unusable(
                patch, "a size that divides that of the pictures, \(network.imageSize)",
                "\(network.patchSize)")
        }
        guard (configuration["num_channels"]?.int ?? 3) == 3 else {
            throw unusable("num_channels", "3", configuration["num_channels"]?.serialized() ?? "")
        }
        return network
    }

    private func resNet() throws(PretrainedFolderError) -> ResNet {
        for key in ["downsample_in_first_stage", "downsample_in_bottleneck"]
        where configuration[key]?.bool == true {
            throw unusable(key, "false", "true")
        }
        let depths = configuration["depths"]?.array?.map(\.int) ?? [3, 4, 6, 3]
        let isBasic = configuration["layer_type"]?.string == "basic"
        switch (depths, isBasic) {
        case ([2, 2, 2, 2], true): return .resNet18
        case ([3, 4, 6, 3], true): return .resNet34
        case ([3, 4, 6, 3], false): return .resNet50
        default:
            throw unusable(
                "depths", "those of ResNet-18, 34 or 50",
                configuration["depths"]?.serialized() ?? "none")
        }
    }

    /// timm's names, such as `vit_tiny_patch16_224` and `deit_small_distilled_patch16_224`, whose
    /// sizes `model_args` may change.
    private func namedVisionTransformer(
        _ name: String
    ) throws(PretrainedFolderError) -> ImageNetwork? {
        var parts = name.split(separator: "_").map(String.init)
        guard let family = parts.first, family == "vit" || family == "deit" else { return nil }
        let isDistilled = family == "deit" && parts.contains("distilled")
        if isDistilled { parts.removeAll { $0 == "distilled" } }
        guard parts.count == 4, let base = VisionTransformer.sizes[parts[1]],
            parts[2].hasPrefix("patch"), let patch = Int(parts[2].dropFirst(5)),
            let image = Int(parts[3])
        else { return nil }
        guard (1...Self.sizeLimit).contains(patch), (1...Self.sizeLimit).contains(image) else {
            throw unusable("architecture", "patches and pictures of positive sizes", name)
        }
        let arguments = configuration["model_args"] ?? .object([:])
        let argument = { (key: String, absent: Int) throws(PretrainedFolderError) -> Int in
            guard let value = arguments[key] else { return absent }
            guard let size = value.int, (1...Self.sizeLimit).contains(size) else {
                throw unusable("model_args.\(key)", "a positive whole number", value.serialized())
            }
            return size
        }
        let width = try argument("embed_dim", base.width)
        let ratio = arguments["mlp_ratio"]?.double ?? 4
        guard ratio > 0, ratio <= 64 else {
            throw unusable("model_args.mlp_ratio", "a number from 0 to 64", "\(ratio)")
        }
        let network = VisionTransformer(
            publisher: .timm, imageSize: try argument("img_size", image),
            patchSize: try argument("patch_size", patch), width: width,
            layers: try argument("depth", base.layers),
            heads: try argument("num_heads", base.heads),
            feedForwardWidth: Int(Double(width) * ratio), hasDistillationToken: isDistilled)
        return .visionTransformer(
            try checked(
                network, heads: "model_args.num_heads", image: "model_args.img_size",
                patch: "model_args.patch_size"))
    }

    /// The most pixels of a picture that a file may let a network take: however small a picture is, it
    /// becomes as large. This is eight times 1,024 by 1,024, beyond which no published network of
    /// these kinds goes.
    package static let pixelLimit = 1 << 23
}

extension VisionTransformer {
    /// The ratio of which timm, which cuts the fraction off, makes the width.
    fileprivate var feedForwardRatio: Double {
        var ratio = Double(feedForwardWidth) / Double(width)
        while Int(Double(width) * ratio) < feedForwardWidth { ratio = ratio.nextUp }
        return ratio
    }

    /// The sizes of arXiv:2010.11929 and arXiv:2012.12877.
    fileprivate static let sizes: [String: (width: Int, layers: Int, heads: Int)] = [
        "tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12),
        "large": (1024, 24, 16),
    ]
}

extension ImageNetwork {
    /// By the names of timm and torchvision; that with a hyphen is the port's of the original
    /// repository of EfficientNet-Lite.
    fileprivate static let named: [String: ImageNetwork] = {
        var named: [String: ImageNetwork] = [
            "mobilenet_v2": .mobileNetV2, "mobilenet_v3_small": .mobileNetV3Small,
            "mobilenet_v3_large": .mobileNetV3Large,
        ]
        for network in ResNet.allCases { named["resnet\(network.rawValue)"] = .resNet(network) }
        for size in EfficientNetLite.Size.allCases {
            named["tf_efficientnet_\(size)"] = .efficientNetLite(.init(size))
            named["efficientnet-\(size)"] = .efficientNetLite(.init(size, publisher: .original))
        }
        return named
    }()

    /// A `config.json` that describes the network, for weights that came without one.
    public var configuration: JSON.Object {
        guard case .visionTransformer(let network) = self else {
            var known = self
            // The momentum is no part of the name.
            if case .efficientNetLite(let network) = self {
                known = .efficientNetLite(.init(network.size, publisher: network.publisher))
            }
            let name = Self.named.first { $0.value == known }?.key
            return ["architecture": JSON(name ?? "")]
        }
        switch network.publisher {
        case .huggingFace:
            return [
                "model_type": network.hasDistillationToken ? "deit" : "vit",
                "hidden_size": JSON(network.width),
                "num_hidden_layers": JSON(network.layers),
                "num_attention_heads": JSON(network.heads),
                "intermediate_size": JSON(network.feedForwardWidth),
                "hidden_act": "gelu", "hidden_dropout_prob": 0.0,
                "attention_probs_dropout_prob": 0.0, "layer_norm_eps": JSON(network.epsilon),
                "image_size": JSON(network.imageSize), "patch_size": JSON(network.patchSize),
                "num_channels": 3, "qkv_bias": true,
            ]
        case .timm:
            let name = network.hasDistillationToken ? "deit_base_distilled" : "vit_base"
            return [
                "architecture": JSON("\(name)_patch16_224"),
                "model_args": [
                    "img_size": JSON(network.imageSize), "patch_size": JSON(network.patchSize),
                    "embed_dim": JSON(network.width), "depth": JSON(network.layers),
                    "num_heads": JSON(network.heads),
                    "mlp_ratio": JSON(network.feedForwardRatio),
                ],
            ]
        }
    }
}
