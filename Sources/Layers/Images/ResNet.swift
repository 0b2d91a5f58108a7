import Autograd
import Tensor

/// A residual network (He et al. 2016, arXiv:1512.03385) with torchvision's names.
///
/// The stride of a bottleneck is in its 3×3 convolution, as in torchvision.
public enum ResNet: Int, Sendable, Hashable, CaseIterable {
    /// 18 layers, blocks of two convolutions.
    case resNet18 = 18
    /// 34 layers, blocks of two convolutions.
    case resNet34 = 34
    /// 50 layers, bottlenecks.
    case resNet50 = 50

    /// The number of blocks in each of the four groups.
    private var counts: [Int] { self == .resNet18 ? [2, 2, 2, 2] : [3, 4, 6, 3] }
    private var hasBottlenecks: Bool { self == .resNet50 }

    /// The width of the features.
    public var featureSize: Int { hasBottlenecks ? 2048 : 512 }

    /// Where torchvision puts the last linear map.
    public var classifierPath: String { "fc" }

    /// The stages: the stem with its pooling, four groups of blocks, and the mean of each channel,
    /// which plans do not count.
    ///
    /// - Throws: What `source` throws for a parameter that is missing or does not fit.
    public func stages(from source: ParameterSource) throws -> [any Stage] {
        let stem = try ConvolutionNorm(
            inputs: 3, outputs: 64, window: .init(7, stride: 2, padding: 3),
            normalization: .init(), activation: .relu, convolution: source["conv1"],
            norm: source["bn1"])
        var stages = [
            ImageStage("stem", [stem, MaximumPooling(.init(3, stride: 2, padding: 1))])
        ]
        var inputs = 64
        for (group, count) in counts.enumerated() {
            let width = 64 << group
            let blocks = try (0..<count).map { block in
                let result = try ResidualBlock(
                    inputs: inputs, width: width, stride: block == 0 && group > 0 ? 2 : 1,
                    isBottleneck: hasBottlenecks, from: source["layer\(group + 1)"][block])
                inputs = hasBottlenecks ? 4 * width : width
                return result
            }
            stages.append(ImageStage("group \(group)", blocks))
        }
        return stages + [ImageStage("pooler", isCounted: false, [GlobalAverage()])]
    }
}

/// Convolutions whose result is added to what went in.
final class ResidualBlock: ImageLayer {
    private let convolutions: [ConvolutionNorm]
    private let shortcut: ConvolutionNorm?

    init(
        inputs: Int, width: Int, stride: Int, isBottleneck: Bool, from source: ParameterSource
    ) throws {
        let outputs = isBottleneck ? 4 * width : width
        let strided = Tensor.Window(3, stride: stride, padding: 1)
        // The last convolution is activated after the addition.
        let parts: [(inputs: Int, outputs: Int, window: Tensor.Window)] =
            isBottleneck
            ? [(inputs, width, .init(1)), (width, width, strided), (width, outputs, .init(1))]
            : [(inputs, width, strided), (width, width, .init(3, padding: 1))]
        convolutions = try parts.enumerated().map { index, part in
            try ConvolutionNorm(
                inputs: part.inputs, outputs: part.outputs, window: part.window,
                normalization: .init(),
                activation: index == parts.count - 1 ? .identity : .relu,
                convolution: source["conv\(index + 1)"], norm: source["bn\(index + 1)"])
        }
        shortcut =
            stride != 1 || inputs != outputs
            ? try ConvolutionNorm(
                inputs: inputs, outputs: outputs, window: .init(1, stride: stride),
                normalization: .init(), activation: .identity,
                convolution: source["downsample"][0], norm: source["downsample"][1]) : nil
    }

    func callAsFunction(_ x: Variable, in pass: Pass) -> Variable {
        let y = ConvolutionNorm.chained(convolutions, on: x, in: pass)
        return (y + (shortcut?(x, in: pass) ?? x)).activated(.relu)
    }

    var parameters: [Parameter] {
        convolutions.flatMap(\.parameters) + (shortcut?.parameters ?? [])
    }
}
