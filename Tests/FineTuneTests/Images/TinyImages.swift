import FineTune
import Foundation

/// Small networks for images and pictures for them.
enum TinyImages {
    static let labels = ["red", "green", "blue"]

    /// A network under each naming, with random weights.
    static let networks: [ImageNetwork] = [
        .mobileNetV3Small,
        .efficientNetLite(.init(.lite0, publisher: .original)),
        .efficientNetLite0,
        .resNet18,
        .visionTransformer(transformer(.huggingFace)),
        .visionTransformer(transformer(.huggingFace, isDistilled: true)),
        .visionTransformer(transformer(.timm)),
        .visionTransformer(transformer(.timm, isDistilled: true)),
    ]

    static func transformer(
        _ publisher: VisionTransformer.Publisher, isDistilled: Bool = false
    ) -> VisionTransformer {
        VisionTransformer(
            publisher: publisher, imageSize: 32, patchSize: 8, width: 64, layers: 2, heads: 2,
            hasDistillationToken: isDistilled)
    }

    /// A backbone for pictures of 32 by 32.
    static func backbone(
        _ network: ImageNetwork, seed: UInt64 = 1
    ) throws -> PretrainedModel<ImagePreparation> {
        try .image(
            initializing: network, seed: seed,
            specification: ImageSpecification(height: 32, width: 32, cropFraction: 0.8),
            dropoutRate: 0)
    }

    /// Noise with more of the colour that the label names.
    static func examples(_ count: Int, seed: UInt64 = 1) -> Dataset<RGBImage, String> {
        var random = RandomStream(seed: seed)
        return Dataset(
            (0..<count).map { index in
                let label = index % 3
                let pixels = (0..<32 * 32 * 3).map { place in
                    UInt8.random(in: 0...(place % 3 == label ? 255 : 120), using: &random)
                }
                return Example(
                    input: RGBImage(height: 32, width: 32, pixels: pixels), target: labels[label])
            })
    }
}
