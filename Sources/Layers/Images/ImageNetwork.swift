/// A published network for images.
public enum ImageNetwork: Sendable, Hashable {
    /// EfficientNet-Lite, under timm's names or those of the port of the original repository.
    case efficientNetLite(EfficientNetLite)
    /// A residual network under torchvision's and timm's names.
    case resNet(ResNet)
    /// MobileNetV2 or V3 under torchvision's names.
    case mobileNet(MobileNet)
    /// ViT or DeiT, under Transformers' names or timm's.
    case visionTransformer(VisionTransformer)

    /// EfficientNet-Lite0, for pictures of 224 by 224.
    public static let efficientNetLite0 = efficientNetLite(.init(.lite0))
    /// EfficientNet-Lite1, for pictures of 240 by 240.
    public static let efficientNetLite1 = efficientNetLite(.init(.lite1))
    /// EfficientNet-Lite2, for pictures of 260 by 260.
    public static let efficientNetLite2 = efficientNetLite(.init(.lite2))
    /// EfficientNet-Lite3, for pictures of 280 by 280, in timm 300 by 300.
    public static let efficientNetLite3 = efficientNetLite(.init(.lite3))
    /// EfficientNet-Lite4, for pictures of 300 by 300, in timm 380 by 380.
    public static let efficientNetLite4 = efficientNetLite(.init(.lite4))
    /// ResNet of 18 layers.
    public static let resNet18 = resNet(.resNet18)
    /// ResNet of 34 layers.
    public static let resNet34 = resNet(.resNet34)
    /// ResNet of 50 layers.
    public static let resNet50 = resNet(.resNet50)
    /// MobileNetV2.
    public static let mobileNetV2 = mobileNet(.v2)
    /// The small MobileNetV3.
    public static let mobileNetV3Small = mobileNet(.v3Small)
    /// The large MobileNetV3.
    public static let mobileNetV3Large = mobileNet(.v3Large)
    /// ViT-B/16 for pictures of 224 by 224; where there are weights, of their sizes.
    public static let viT = visionTransformer(.init(publisher: .huggingFace))
    /// The same with DeiT's token for distillation.
    public static let deiT = visionTransformer(
        .init(publisher: .huggingFace, hasDistillationToken: true))

    /// The width of the features.
    public var featureSize: Int {
        switch self {
        case .efficientNetLite(let network): network.featureSize
        case .resNet(let network): network.featureSize
        case .mobileNet(let network): network.featureSize
        case .visionTransformer(let network): network.featureSize
        }
    }

    /// Where a classifier of the publisher has its last linear map: for a DeiT of Transformers, that of
    /// a model with one classifier.
    public var classifierPath: String {
        switch self {
        case .efficientNetLite(let network): network.classifierPath
        case .resNet(let network): network.classifierPath
        case .mobileNet(let network): network.classifierPath
        case .visionTransformer(let network): network.publisher == .timm ? "head" : "classifier"
        }
    }

    /// The dropout before the publisher's classifier: torchvision's default, the original
    /// repository's for the size of an EfficientNet-Lite, and none in timm and Transformers.
    public var classifierDropout: Double {
        switch self {
        case .efficientNetLite(let network) where network.publisher == .original:
            network.size.rawValue < 2 ? 0.2 : 0.3
        case .mobileNet: 0.2
        default: 0
        }
    }

    /// The stages, from images `[count, height, width, 3]` to features `[count, featureSize]`.
    ///
    /// - Throws: What `source` throws for a parameter that is missing or does not fit.
    public func stages(from source: ParameterSource) throws -> [any Stage] {
        switch self {
        case .efficientNetLite(let network): try network.stages(from: source)
        case .resNet(let network): try network.stages(from: source)
        case .mobileNet(let network): try network.stages(from: source)
        case .visionTransformer(let network): try network.stages(from: source)
        }
    }
}
