import FineTune
import Layers
import Pictures
import Tensor

/// Pictures of two classes: reddish and bluish, with noise, of several sizes.
enum Samples {
    static let labels = ["blue", "red"]

    static func image(_ number: Int, label: String) -> RGBImage {
        var state = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
        func noise() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 58)
        }
        let (height, width) = (30 + number % 7, 28 + number % 11)
        let color = label == "red" ? [170, 60, 40] : [40, 60, 170]
        let pixels = (0..<height * width).flatMap { place in
            color.map { UInt8($0 + noise() + (place % width > width / 2 ? 20 : 0)) }
        }
        return RGBImage(height: height, width: width, pixels: pixels)
    }

    static func pictures(_ count: Int, from first: Int = 0) -> LabeledPictures {
        LabeledPictures(
            (first..<first + count).map { number in
                let label = labels[number % 2]
                return Example(input: Picture(image(number, label: label)), target: label)
            })
    }

    /// A real network at a size that takes milliseconds, with random weights.
    static func classifier(
        _ network: ImageNetwork = .efficientNetLite0, augmentation: Augmentation = .none,
        dropoutRate: Double = 0
    ) throws -> PictureClassifier {
        try PretrainedModel.image(
            initializing: network, seed: 1,
            specification: ImageSpecification(height: 32, width: 32, cropFraction: 1),
            dropoutRate: dropoutRate
        ).pictures(augmentation: augmentation).attaching(
            ClassificationHead(labels: labels), seed: 2)
    }

    static let everything = Augmentation(
        crop: .init(), flips: true,
        jitter: .init(brightness: 0.4, contrast: 0.4, saturation: 0.4),
        erasing: .init(probability: 0.5))
}
