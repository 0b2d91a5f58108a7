import Autograd
import Checkpoint
import Layers
import Tensor
import Testing

/// A network of `Fixtures/images`.
struct ImageNetwork: Sendable, CustomTestStringConvertible {
    let name: String
    let imageSize: Int
    let classifierPath: String
    let stages: @Sendable (ParameterSource) throws -> [any Stage]
    var testDescription: String { name }

    func images(_ dtype: Tensor.DType) -> Tensor {
        let channelsFirst = Formula.numbers("input", shape: [2, 3, imageSize, imageSize])
        return channelsFirst.permuted([0, 2, 3, 1]).contiguous().converted(to: dtype)
    }

    func features(
        _ stages: [any Stage], dtype: Tensor.DType = .float64, in pass: Pass
    ) -> Variable {
        stages.reduce(Features(images: Variable(images(dtype)))) { $1($0, in: pass) }.value
    }

    static let all: [ImageNetwork] = lite + residual + mobile + transformers

    private static let lite =
        EfficientNetLite.Size.allCases.map { size in
            let network = EfficientNetLite(size)
            return ImageNetwork(
                name: "efficientnet_\(size)", imageSize: size == .lite0 ? 65 : 33,
                classifierPath: network.classifierPath, stages: network.stages)
        } + [
            ImageNetwork(
                name: "efficientnet_lite0_original", imageSize: 33,
                classifierPath: EfficientNetLite(publisher: .original).classifierPath,
                stages: EfficientNetLite(publisher: .original, momentum: 0.1).stages)
        ]

    private static let residual = ResNet.allCases.map {
        ImageNetwork(
            name: "resnet\($0.rawValue)", imageSize: 64, classifierPath: $0.classifierPath,
            stages: $0.stages)
    }

    private static let mobile = zip(
        MobileNet.allCases, ["mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"]
    ).map {
        ImageNetwork(
            name: $1, imageSize: 64, classifierPath: $0 == .v2 ? "classifier" : $0.classifierPath,
            stages: $0.stages)
    }

    static let transformers = [false, true].flatMap { distils in
        VisionTransformer.Publisher.allCases.map { publisher in
            let network = VisionTransformer(
                publisher: publisher, imageSize: 32, patchSize: 8, width: 48, layers: 2, heads: 3,
                feedForwardWidth: publisher == .timm ? 192 : 96, hasDistillationToken: distils)
            return ImageNetwork(
                name: (distils ? "deit" : "vit") + (publisher == .timm ? "_timm" : ""),
                imageSize: 32, classifierPath: network.classifierPath, stages: network.stages)
        }
    }
}

/// Numbers that are a function of a name, as in `Fixtures/images/generate.py`.
enum Formula {
    private static func uniform(_ name: String, _ count: Int) -> [Double] {
        let start = stableHash(name)
        return (0..<count).map { index in
            var z = start &+ UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            return Double(z >> 40) / 0x1p24 - 0.5
        }
    }

    /// Between −1 and 1.
    static func numbers(_ name: String, shape: Tensor.Shape) -> Tensor {
        Tensor(uniform(name, shape.elementCount).map { 2 * $0 }, shape: shape)
    }

    /// The weight of that name.
    static func weight(_ name: String, shape: Tensor.Shape) -> Tensor {
        let drawn = uniform(name, shape.elementCount)
        let values: [Double]
        if shape.rank >= 2 {
            let scale = (24 / Double(shape.dropFirst().reduce(1, *))).squareRoot()
            values = drawn.map { $0 * scale }
        } else if name.hasSuffix("running_var") {
            values = drawn.map { 1 + 0.8 * $0 }
        } else if name.hasSuffix("weight") {
            values = drawn.map { 1 + 0.4 * $0 }
        } else {
            values = drawn.map { 0.4 * $0 }
        }
        return Tensor(values.map(Float.init), shape: shape)
    }
}

/// The weights of a network whose names and shapes a fixture has.
struct FormulaTensors: ParameterProvider {
    /// The names in the order of the reference's list.
    let names: [String]
    private let shapes: [String: Tensor.Shape]

    init(_ file: SafetensorsFile) {
        // shape.012.NAME
        let keys = file.names.filter { $0.hasPrefix("shape.") }.sorted()
        names = keys.map { String($0.dropFirst("shape.000.".count)) }
        let sizes = keys.map { key in
            (try? file.tensor(named: key)).flatMap { $0 }.map {
                $0.elements(as: Int32.self).map(Int.init)
            } ?? []
        }
        shapes = Dictionary(
            uniqueKeysWithValues: zip(names, sizes.map { Tensor.Shape($0) }))
    }

    func tensor(named name: String) throws -> Tensor? {
        guard let shape = shapes[name] else { return nil }
        return shape.rank == 0 ? Tensor(Int64(0)) : Formula.weight(name, shape: shape)
    }
}
