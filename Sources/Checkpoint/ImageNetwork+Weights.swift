public import Layers
import Tensor

extension ImageNetwork {
    /// The network as these weights have it: whose names they are, and the sizes of a vision
    /// transformer.
    ///
    /// - Throws: ``PretrainedFolderError`` if they are not of a network of this kind.
    public func fitting(
        _ tensors: any NamedTensors
    ) throws(PretrainedFolderError) -> ImageNetwork {
        switch self {
        case .efficientNetLite(let network):
            let isOriginal = tensors.shape(of: "_conv_stem.weight") != nil
            var fitting = network
            fitting.publisher = isOriginal ? .original : .timm
            return .efficientNetLite(fitting)
        case .visionTransformer(let network):
            return .visionTransformer(try network.fitting(tensors))
        case .resNet, .mobileNet: return self
        }
    }
}

extension VisionTransformer {
    /// Heads are 64 wide in all published networks (arXiv:2010.11929, table 1).
    fileprivate func fitting(
        _ tensors: any NamedTensors
    ) throws(PretrainedFolderError) -> VisionTransformer {
        let isTimm = tensors.shape(of: "patch_embed.proj.weight") != nil
        let family = hasDistillationToken ? "deit." : "vit."
        let stored = BackboneTensors(tensors, prefix: isTimm ? "" : family)
        let shape = { (name: String) in stored.storedName(name).flatMap { tensors.shape(of: $0) } }
        let place = isTimm ? "" : "embeddings."
        let layer = { (index: Int) in isTimm ? "blocks.\(index)." : "encoder.layer.\(index)." }
        let inner = isTimm ? "mlp.fc1.weight" : "intermediate.dense.weight"
        guard
            let patches = shape(
                place + (isTimm ? "patch_embed.proj" : "patch_embeddings.projection") + ".weight"),
            let positions = shape(place + (isTimm ? "pos_embed" : "position_embeddings")),
            let wide = shape(layer(0) + inner), patches.rank == 4, positions.rank == 3,
            wide.rank == 2
        else {
            throw .unreadable(
                "the weights in '\(tensors.path)' are not those of a vision transformer under the "
                    + "names of timm or Transformers; name the network that they belong to")
        }
        let isDistilled =
            shape(place + (isTimm ? "dist_token" : "distillation_token")) != nil
        let (width, patch) = (patches[0], patches[2])
        let count = positions[1] - (isDistilled ? 2 : 1)
        let side = Int(Double(max(0, count)).squareRoot())
        // A tensor without elements may have a shape of any sizes: within these, products fit an Int.
        let sizes = 1...PretrainedFolder.sizeLimit
        guard [width, patch, count, wide[0]].allSatisfy({ sizes.contains($0) }),
            side * side == count, width % heads == 0 || width % 64 == 0
        else {
            throw .unreadable(
                "the weights in '\(tensors.path)' have \(positions[1]) positions, patches of "
                    + "\(patch) pixels a side and widths of \(width) and \(wide[0]), which is no "
                    + "vision transformer for square pictures")
        }
        let imageSize = side * patch
        guard imageSize <= PretrainedFolder.pixelLimit / imageSize else {
            throw .unreadable(
                "the weights in '\(tensors.path)' are for pictures of \(imageSize) by \(imageSize) "
                    + "pixels; supported are at most \(PretrainedFolder.pixelLimit) pixels")
        }
        var layers = 0
        while shape(layer(layers) + inner) != nil { layers += 1 }
        return VisionTransformer(
            publisher: isTimm ? .timm : .huggingFace, imageSize: imageSize,
            patchSize: patch, width: width, layers: layers,
            heads: width == self.width || width % 64 != 0 ? heads : width / 64,
            feedForwardWidth: wide[0], hasDistillationToken: isDistilled)
    }
}

/// A `ResNetForImageClassification` of Transformers has the numbers of torchvision's under other
/// names.
public enum ResNetNames {
    /// From Transformers' names, of which each begins with `prefix`, to torchvision's.
    public static func map(prefix: String) throws(KeyMapError) -> KeyMap {
        var pairs = [
            ("embedder.embedder.convolution.{p}", "conv1.{p}"),
            ("embedder.embedder.normalization.{p}", "bn1.{p}"),
        ]
        for stage in 0..<4 {
            let (from, to) = ("encoder.stages.\(stage).layers.{l}", "layer\(stage + 1).{l}")
            pairs += [
                ("\(from).shortcut.convolution.{p}", "\(to).downsample.0.{p}"),
                ("\(from).shortcut.normalization.{p}", "\(to).downsample.1.{p}"),
            ]
            for part in 0..<3 {
                pairs += [
                    ("\(from).layer.\(part).convolution.{p}", "\(to).conv\(part + 1).{p}"),
                    ("\(from).layer.\(part).normalization.{p}", "\(to).bn\(part + 1).{p}"),
                ]
            }
        }
        return try KeyMap(pairs.map { (prefix + $0.0, $0.1) })
    }
}
