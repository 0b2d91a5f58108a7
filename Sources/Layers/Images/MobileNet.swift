import Tensor

/// MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) and V3 (Howard et al. 2019,
/// arXiv:1905.02244) with torchvision's names.
public enum MobileNet: Sendable, Hashable, CaseIterable {
    /// Version 2, width 1.
    case v2
    /// Version 3, tables 2 and 1 of its paper.
    case v3Small, v3Large

    /// One block: the width in the middle, the output's, the depthwise window and its stride,
    /// whether there is squeeze-and-excite, and whether the activation is hard-swish.
    private typealias Block = (
        width: Int, outputs: Int, window: Int, stride: Int, squeezes: Bool, isSwish: Bool
    )

    private var blocks: [Block] {
        switch self {
        case .v2: Self.version2
        case .v3Small: Self.small
        case .v3Large: Self.large
        }
    }

    /// Table 2 of arXiv:1801.04381: expansion, output, blocks, stride.
    private static let version2: [Block] = {
        var (blocks, inputs): ([Block], Int) = ([], 32)
        let groups = [
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1),
        ]
        for (expansion, outputs, count, stride) in groups {
            for index in 0..<count {
                blocks.append(
                    (inputs * expansion, outputs, 3, index == 0 ? stride : 1, false, false))
                inputs = outputs
            }
        }
        return blocks
    }()

    private static let small: [Block] = [
        (16, 16, 3, 2, true, false), (72, 24, 3, 2, false, false), (88, 24, 3, 1, false, false),
        (96, 40, 5, 2, true, true), (240, 40, 5, 1, true, true), (240, 40, 5, 1, true, true),
        (120, 48, 5, 1, true, true), (144, 48, 5, 1, true, true), (288, 96, 5, 2, true, true),
        (576, 96, 5, 1, true, true), (576, 96, 5, 1, true, true),
    ]

    private static let large: [Block] = [
        (16, 16, 3, 1, false, false), (64, 24, 3, 2, false, false), (72, 24, 3, 1, false, false),
        (72, 40, 5, 2, true, false), (120, 40, 5, 1, true, false), (120, 40, 5, 1, true, false),
        (240, 80, 3, 2, false, true), (200, 80, 3, 1, false, true), (184, 80, 3, 1, false, true),
        (184, 80, 3, 1, false, true), (480, 112, 3, 1, true, true), (672, 112, 3, 1, true, true),
        (672, 160, 5, 2, true, true), (960, 160, 5, 1, true, true), (960, 160, 5, 1, true, true),
    ]

    private var stemWidth: Int { self == .v2 ? 32 : 16 }

    /// The channels after the last convolution.
    private var headWidth: Int {
        switch self {
        case .v2: 1280
        case .v3Small: 576
        case .v3Large: 960
        }
    }

    /// The width of the features.
    public var featureSize: Int { self == .v3Small ? 1024 : 1280 }

    /// Where torchvision puts the last linear map.
    public var classifierPath: String { self == .v2 ? "classifier.1" : "classifier.3" }

    private var normalization: BatchNormSettings {
        self == .v2 ? .init() : .init(epsilon: 1e-3, momentum: 0.01)
    }

    /// The stages: the stem, groups of blocks whose outputs have one width, and the head, which ends
    /// with the mean of each channel and in version 3 with a linear map of it.
    ///
    /// - Throws: What `source` throws for a parameter that is missing or does not fit.
    public func stages(from source: ParameterSource) throws -> [any Stage] {
        let features = source["features"]
        let last = features[blocks.count + 1]
        let wide: Activation = self == .v2 ? .relu6 : .hardSwish
        let stem = try ConvolutionNorm(
            inputs: 3, outputs: stemWidth, window: .init(3, stride: 2, padding: 1),
            normalization: normalization, activation: wide, convolution: features[0][0],
            norm: features[0][1])
        var groups: [[InvertedBottleneck]] = []
        var inputs = stemWidth
        for (index, block) in blocks.enumerated() {
            let layer = try makeBlock(block, inputs: inputs, from: features[index + 1])
            if index == 0 || block.outputs != inputs { groups.append([]) }
            groups[groups.count - 1].append(layer)
            inputs = block.outputs
        }
        var head: [any ImageLayer] = [
            try ConvolutionNorm(
                inputs: inputs, outputs: headWidth, window: .init(1),
                normalization: normalization, activation: wide, convolution: last[0],
                norm: last[1]), GlobalAverage(),
        ]
        if self != .v2 {
            let map = try Linear(
                inputSize: headWidth, outputSize: featureSize,
                initial: .normal(standardDeviation: 0.01), from: source["classifier"][0])
            head.append(PooledLinear(map, activation: .hardSwish))
        }
        return [ImageStage("stem", [stem])]
            + groups.enumerated().map { ImageStage("group \($0.offset)", $0.element) }
            + [ImageStage("head", head)]
    }

    private func makeBlock(
        _ block: Block, inputs: Int, from source: ParameterSource
    ) throws -> InvertedBottleneck {
        let configuration = InvertedBottleneck.Configuration(
            inputs: inputs, width: block.width, outputs: block.outputs,
            window: .init(block.window, stride: block.stride, padding: block.window / 2),
            squeezed: block.squeezes ? Self.squeezed(block.width) : nil,
            activation: self == .v2 ? .relu6 : block.isSwish ? .hardSwish : .relu)
        return try InvertedBottleneck(
            configuration, normalization: normalization, names: names(configuration),
            from: source[self == .v2 ? "conv" : "block"])
    }

    /// A quarter, as a multiple of 8 that is not more than a tenth less.
    private static func squeezed(_ width: Int) -> Int {
        let nearest = max(8, (width / 4 + 4) / 8 * 8)
        return 10 * nearest < 9 * (width / 4) ? nearest + 8 : nearest
    }

    /// torchvision numbers the parts that a block has.
    private func names(_ block: InvertedBottleneck.Configuration) -> InvertedBottleneck.Names {
        let depthwise = block.expands ? 1 : 0
        let projection = depthwise + (block.squeezed == nil ? 1 : 2)
        return .init(
            expansion: .init("0.0", "0.1"),
            depthwise: .init("\(depthwise).0", "\(depthwise).1"),
            projection: self == .v2
                ? .init("\(projection)", "\(projection + 1)")
                : .init("\(projection).0", "\(projection).1"),
            squeeze: "\(depthwise + 1)")
    }
}
