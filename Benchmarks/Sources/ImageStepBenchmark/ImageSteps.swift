import FineTune
import Serving

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

    /// Makes steps, each after `waiting` has returned, and answers with the milliseconds of each.
    func run(
        _ kind: StepKind, batch: Int, count: Int, waiting wait: @escaping () -> Void,
        answering answer: @escaping (Double) -> Void
    ) async throws {
        switch kind {
        case .train: try await train(batch, count, wait, answer)
        case .forward: try forward(batch, count, wait, answer)
        }
    }

    /// One run of a trainer over as many batches as there are steps.
    private func train(
        _ batch: Int, _ count: Int, _ wait: @escaping () -> Void,
        _ answer: @escaping (Double) -> Void
    ) async throws {
        let data = Dataset((0..<batch * count).map { picture($0) })
        let trainer = Trainer(
            classifier, plan: .full(epochs: 1, learningRate: 1e-5),
            settings: TrainingSettings(
                schedule: .constant, batch: .examples(batch), threads: threads,
                precision: precision))
        wait()
        var start = ContinuousClock.now
        var left = count
        trainer.listen { event in
            guard case .step = event else { return }
            answer(milliseconds(since: start))
            left -= 1
            if left > 0 { wait() }
            start = .now
        }
        try await trainer.fit(on: data)
    }

    private func forward(
        _ batch: Int, _ count: Int, _ wait: () -> Void, _ answer: (Double) -> Void
    ) throws {
        let inputs = (0..<batch).map { picture($0).input }
        for _ in 0..<count {
            wait()
            answer(
                try milliseconds {
                    try precision.applied {
                        try Tensor.Threads.limited(to: threads) {
                            _ = try classifier.outputs(for: inputs)
                        }
                    }
                })
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
