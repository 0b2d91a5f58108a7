import FineTune
import ServedSteps

/// Makes steps with the library as an app uses it.
final class ImageSteps {
    private static let labels = (0..<9).map { "class \($0)" }
    private let classifier: ImageClassifier
    private let specification: ImageSpecification
    private let threads: Int
    private let precision: Tensor.Precision
    private var random = RandomStream(seed: 0)

    init(model path: String, threads: Int, precision: Tensor.Precision) throws {
        let backbone = try PretrainedModel.image(
            contentsOf: path, network: .efficientNetLite0, dropoutRate: 0)
        specification = backbone.specification
        classifier = try backbone.attaching(ClassificationHead(labels: Self.labels))
        (self.threads, self.precision) = (threads, precision)
    }

    /// Makes steps of one kind and size.
    func run(_ kind: StepKind, batch: Int, count: Int, _ times: StepTimes) async throws {
        switch kind {
        case .train:
            let data = Dataset((0..<batch * count).map { picture($0) })
            let trainer = Trainer(
                classifier, plan: .full(epochs: 1, learningRate: 1e-5),
                settings: TrainingSettings(
                    schedule: .constant, batch: .examples(batch), threads: threads,
                    precision: precision))
            try await times.measure(trainer, on: data)
        case .forward:
            let inputs = (0..<batch).map { picture($0).input }
            try times.measure {
                try precision.applied {
                    try Tensor.Threads.limited(to: threads) {
                        _ = try classifier.outputs(for: inputs)
                    }
                }
            }
        }
    }

    /// Random colours, never the same twice.
    private func picture(_ index: Int) -> Example<RGBImage, String> {
        let (height, width) = (specification.height, specification.width)
        let pixels = (0..<height * width * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
        return Example(
            input: RGBImage(height: height, width: width, pixels: pixels),
            target: Self.labels[index % Self.labels.count])
    }
}
