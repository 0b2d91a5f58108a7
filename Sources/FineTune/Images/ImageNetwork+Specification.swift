import Layers

extension ImageNetwork {
    /// What the publisher does to pictures where no file says it.
    var specification: ImageSpecification {
        switch self {
        case .efficientNetLite(let network): network.specification
        case .resNet, .mobileNet: ImageSpecification()
        case .visionTransformer(let network): network.specification
        }
    }
}

extension VisionTransformer {
    /// DeiT's recipe is torchvision's with bicubic interpolation. ViT was trained with a mean and
    /// deviation of 0.5; Transformers stretches its pictures.
    fileprivate var specification: ImageSpecification {
        let half = [0.5, 0.5, 0.5]
        if hasDistillationToken {
            return ImageSpecification(
                height: imageSize, width: imageSize, interpolation: .bicubic)
        }
        return publisher == .timm
            ? ImageSpecification(
                height: imageSize, width: imageSize, mean: half, standardDeviation: half,
                interpolation: .bicubic, cropFraction: 0.9)
            : ImageSpecification(
                height: imageSize, width: imageSize, mean: half, standardDeviation: half,
                resizing: .stretch, cropFraction: 1)
    }
}

extension EfficientNetLite {
    /// The original repository cuts 32 pixels off and computes `(x − 127) / 128`; timm has sizes and
    /// numbers of its own (`default_cfgs` in its `models/efficientnet.py`).
    fileprivate var specification: ImageSpecification {
        guard publisher == .timm else {
            let side = size.imageSize
            return ImageSpecification(
                height: side, width: side, mean: [Double](repeating: 127.0 / 255, count: 3),
                standardDeviation: [Double](repeating: 128.0 / 255, count: 3),
                interpolation: .bicubic, cropFraction: Double(side) / Double(side + 32))
        }
        let half = [0.5, 0.5, 0.5]
        let side = [224, 240, 260, 300, 380][size.rawValue]
        return ImageSpecification(
            height: side, width: side, mean: half, standardDeviation: half,
            interpolation: size.rawValue < 3 ? .bicubic : .bilinear,
            cropFraction: [0.875, 0.882, 0.890, 0.904, 0.920][size.rawValue])
    }
}
