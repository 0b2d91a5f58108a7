import Tensor

/// EfficientNet-Lite: EfficientNet (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excite,
/// with ReLU6, and with the same stem and head in all sizes.
///
/// Windows are padded as in TensorFlow, where the networks were trained; pictures go in as
/// `(x − 127) / 128`.
public struct EfficientNetLite: Sendable, Hashable {
    /// The published sizes.
    public enum Size: Int, Sendable, Hashable, CaseIterable {
        /// From the smallest to the largest.
        case lite0, lite1, lite2, lite3, lite4

        /// What widths and depths are multiplied with.
        var factors: (width: Double, depth: Double) {
            switch self {
            case .lite0: (1, 1)
            case .lite1: (1, 1.1)
            case .lite2: (1.1, 1.2)
            case .lite3: (1.2, 1.4)
            case .lite4: (1.4, 1.8)
            }
        }

        /// The height and width of the pictures that it was trained with.
        public var imageSize: Int { [224, 240, 260, 280, 300][rawValue] }
    }

    /// Whose names the checkpoint has.
    public enum Publisher: Sendable, Hashable, CaseIterable {
        /// timm's `tf_efficientnet_lite0` and so on.
        case timm
        /// The PyTorch port of the original repository: `_blocks.3._expand_conv`.
        case original
    }

    /// The size.
    public var size: Size
    /// Whose names the checkpoint has.
    public var publisher: Publisher

    /// The weight of the newest batch in the running statistics of the normalisations: by default the
    /// publisher's, 0.1 in timm and 0.01 in the original repository. The statistics of a run of some
    /// hundred steps are its own with 0.1, and with 0.01 still a part those of the pretraining.
    public var momentum: Double {
        get { chosenMomentum ?? (publisher == .timm ? 0.1 : 0.01) }
        set { chosenMomentum = newValue }
    }
    private var chosenMomentum: Double?

    /// A network of this size.
    ///
    /// - Parameters:
    ///   - size: The size.
    ///   - publisher: Whose names the checkpoint has.
    ///   - momentum: That of the normalisations' statistics; by default the publisher's.
    public init(
        _ size: Size = .lite0, publisher: Publisher = .timm, momentum: Double? = nil
    ) {
        (self.size, self.publisher) = (size, publisher)
        chosenMomentum = momentum
    }

    /// The width of the features.
    public var featureSize: Int { 1280 }

    /// Where the publisher puts the last linear map.
    public var classifierPath: String { publisher == .timm ? "classifier" : "_fc" }

    /// Groups of blocks of lite0: how much the first convolution widens, the depthwise window and
    /// its stride in the first block, the output's width, and the number of blocks.
    private typealias Group = (
        expansion: Int, window: Int, stride: Int, width: Int, count: Int
    )
    private static let groups: [Group] = [
        (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
        (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
    ]
    private var normalization: BatchNormSettings { .init(epsilon: 1e-3, momentum: momentum) }
    private static let stemWidth = 32

    /// The stages: the stem, seven groups of blocks, and the head, which ends with the mean of each
    /// channel.
    ///
    /// - Throws: What `source` throws for a parameter that is missing or does not fit.
    public func stages(from source: ParameterSource) throws -> [any Stage] {
        let names = publisher == .timm ? ("conv_stem", "bn1") : ("_conv_stem", "_bn0")
        let last = publisher == .timm ? ("conv_head", "bn2") : ("_conv_head", "_bn1")
        var stages = [
            ImageStage(
                "stem",
                [
                    try ConvolutionNorm(
                        inputs: 3, outputs: Self.stemWidth,
                        window: .init(3, stride: 2, padding: .same),
                        normalization: normalization, activation: .relu6,
                        convolution: source[names.0], norm: source[names.1])
                ])
        ]
        var (width, number) = (Self.stemWidth, 0)
        for (index, group) in Self.groups.enumerated() {
            let outputs = rounded(group.width)
            let blocks = try (0..<count(of: index)).map { block in
                let configuration = InvertedBottleneck.Configuration(
                    inputs: width, width: width * group.expansion, outputs: outputs,
                    window: .init(
                        group.window, stride: block == 0 ? group.stride : 1, padding: .same),
                    activation: .relu6)
                defer { (width, number) = (outputs, number + 1) }
                return try InvertedBottleneck(
                    configuration, normalization: normalization,
                    names: blockNames(expands: configuration.expands),
                    from: publisher == .timm
                        ? source["blocks"][index][block] : source["_blocks"][number])
            }
            stages.append(ImageStage("group \(index)", blocks))
        }
        let head = try ConvolutionNorm(
            inputs: width, outputs: featureSize, window: .init(1),
            normalization: normalization, activation: .relu6, convolution: source[last.0],
            norm: source[last.1])
        return stages + [ImageStage("head", [head, GlobalAverage()])]
    }

    /// The first and the last group keep their number of blocks.
    private func count(of group: Int) -> Int {
        let count = Self.groups[group].count
        guard group > 0, group < Self.groups.count - 1 else { return count }
        return Int((Double(count) * size.factors.depth).rounded(.up))
    }

    /// The nearest multiple of 8 that is not more than a tenth less.
    private func rounded(_ width: Int) -> Int {
        let wanted = Double(width) * size.factors.width
        let nearest = max(8, Int(wanted + 4) / 8 * 8)
        return Double(nearest) < 0.9 * wanted ? nearest + 8 : nearest
    }

    private func blockNames(expands: Bool) -> InvertedBottleneck.Names {
        switch (publisher, expands) {
        case (.timm, true):
            .init(
                expansion: .init("conv_pw", "bn1"), depthwise: .init("conv_dw", "bn2"),
                projection: .init("conv_pwl", "bn3"))
        case (.timm, false):
            .init(
                expansion: .init("", ""), depthwise: .init("conv_dw", "bn1"),
                projection: .init("conv_pw", "bn2"))
        case (.original, _):
            .init(
                expansion: .init("_expand_conv", "_bn0"),
                depthwise: .init("_depthwise_conv", "_bn1"),
                projection: .init("_project_conv", "_bn2"))
        }
    }
}
