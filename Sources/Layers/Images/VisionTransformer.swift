/// A vision transformer (Dosovitskiy et al. 2021, ViT, arXiv:2010.11929; Touvron et al. 2021, DeiT,
/// arXiv:2012.12877).
public struct VisionTransformer: Sendable, Hashable {
    /// Whose names the checkpoint has.
    public enum Publisher: Sendable, Hashable, CaseIterable {
        /// Transformers', without the prefix `vit.` or `deit.`.
        case huggingFace
        /// timm's, where one map makes queries, keys and values.
        case timm
    }

    /// Whose names the checkpoint has.
    public var publisher: Publisher
    /// The height and width of the pictures.
    public var imageSize: Int
    /// The height and width of a patch, which divides that of the pictures.
    public var patchSize: Int
    /// The width of every activation between layers.
    public var width: Int
    /// The number of layers.
    public var layers: Int
    /// The number of attention heads, which share the width evenly.
    public var heads: Int
    /// The width inside the feed-forward network.
    public var feedForwardWidth: Int
    /// Whether there is a second token before the patches: DeiT's for distillation.
    public var hasDistillationToken: Bool
    /// Added to the variance in layer normalisations.
    public var epsilon: Double

    /// A network; the defaults are those of ViT-B/16.
    ///
    /// - Parameters:
    ///   - publisher: Whose names the checkpoint has.
    ///   - imageSize: The height and width of the pictures.
    ///   - patchSize: The height and width of a patch.
    ///   - width: The width between layers.
    ///   - layers: The number of layers.
    ///   - heads: The number of attention heads.
    ///   - feedForwardWidth: The width inside the feed-forward network; nil is four times the other.
    ///   - hasDistillationToken: Whether there is a second token before the patches.
    ///   - epsilon: Nil is the publisher's default: 1e-12 in Transformers, 1e-6 in timm.
    public init(
        publisher: Publisher, imageSize: Int = 224, patchSize: Int = 16, width: Int = 768,
        layers: Int = 12, heads: Int = 12, feedForwardWidth: Int? = nil,
        hasDistillationToken: Bool = false, epsilon: Double? = nil
    ) {
        self.publisher = publisher
        (self.imageSize, self.patchSize) = (imageSize, patchSize)
        (self.width, self.layers, self.heads) = (width, layers, heads)
        self.feedForwardWidth = feedForwardWidth ?? 4 * width
        self.hasDistillationToken = hasDistillationToken
        self.epsilon = epsilon ?? (publisher == .timm ? 1e-6 : 1e-12)
    }

    /// The width of the features.
    public var featureSize: Int { width }

    /// Where the publisher puts the last linear map; that of DeiT's class token in Transformers.
    public var classifierPath: String {
        switch publisher {
        case .timm: "head"
        case .huggingFace: hasDistillationToken ? "cls_classifier" : "classifier"
        }
    }

    /// The stages: the embeddings, each layer, and the normalised first token, which plans do not
    /// count.
    ///
    /// - Throws: What `source` throws for a parameter that is missing or does not fit.
    public func stages(from source: ParameterSource) throws -> [any Stage] {
        let isTimm = publisher == .timm
        let embeddings = try VisionEmbeddings(
            self, from: isTimm ? source : source["embeddings"])
        var stages: [any Stage] = [embeddings]
        // One by one: room for all would be made on the word of a file that may hold only a few.
        for index in 0..<layers {
            stages.append(
                try VisionTransformerLayer(
                    index: index, self,
                    from: isTimm ? source["blocks"][index] : source["encoder"]["layer"][index]))
        }
        stages.append(try VisionPooler(self, from: source[isTimm ? "norm" : "layernorm"]))
        return stages
    }
}
