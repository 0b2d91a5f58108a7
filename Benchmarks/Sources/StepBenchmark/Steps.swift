import FineTune
import ProductsFloor
import ServedSteps

/// Makes steps of every kind with the library as an app uses it.
final class Steps {
    private typealias Examples = Dataset<TokenizedText, String>

    private let configuration: TransformerConfiguration
    private let backbone: PretrainedModel<ReadyTokens>
    private let head: ClassificationHead
    private let classifier: FineTunedModel<ReadyTokens, ClassificationHead>
    private let threads: Int
    private let precision: Tensor.Precision
    private var random = RandomStream(seed: 0)

    init(model path: String, threads: Int, precision: Tensor.Precision) throws {
        let folder = try PretrainedFolder(path: path)
        let architecture = try TextArchitecture(folder)
        configuration = architecture.configuration
        let preparation = ReadyTokens(
            text: try TextPreparation(folder, configuration: configuration))
        backbone = try PretrainedModel(
            preparation: preparation, architecture: architecture, pooling: .pooler,
            normalizesEmbeddings: false)
        head = ClassificationHead(labels: ["a", "b", "c", "d", "e", "f"])
        classifier = try backbone.attaching(head)
        (self.threads, self.precision) = (threads, precision)
    }

    /// Makes steps of one size.
    func run(_ size: StepSize, _ times: StepTimes) async throws {
        switch size.kind {
        case .train:
            try await train(classifier, .full(epochs: 1, learningRate: 1e-5), size, times)
        case .adapter:
            let adapted = try backbone.attaching(head, adapter: .lora(rank: 8))
            try await train(adapted, .adapter(epochs: 1, learningRate: 1e-5), size, times)
        case .frozen:
            try await times.measure {
                examples(size, batches: 1)
            } _: { data in
                try await trainer(classifier, .headOnly(epochs: 1), size).fit(on: data)
            }
        case .forward:
            let inputs = examples(size, batches: 1).inputs
            try times.measure {
                try precision.applied {
                    try Tensor.Threads.limited(to: threads) {
                        _ = try classifier.outputs(for: inputs)
                    }
                }
            }
        case .products: runProducts(PRODUCTS_FULL, size, times)
        case .adapterProducts: runProducts(PRODUCTS_ADAPTERS, size, times)
        case .forwardProducts: runProducts(PRODUCTS_FORWARD, size, times)
        }
    }

    /// One run of a trainer over as many batches as there are steps.
    private func train(
        _ model: FineTunedModel<ReadyTokens, ClassificationHead>, _ plan: Plan,
        _ size: StepSize, _ times: StepTimes
    ) async throws {
        let data = examples(size, batches: size.count)
        try await times.measure(trainer(model, plan, size), on: data)
    }

    private func trainer(
        _ model: FineTunedModel<ReadyTokens, ClassificationHead>, _ plan: Plan,
        _ size: StepSize
    ) -> Trainer<ReadyTokens, ClassificationHead> {
        Trainer(
            model, plan: plan,
            settings: TrainingSettings(
                schedule: .constant, batch: .examples(size.batch), threads: threads,
                precision: precision))
    }

    /// Sequences of random tokens, never the same twice.
    private func examples(_ size: StepSize, batches: Int) -> Examples {
        let words = Int32(1000)..<Int32(min(30_000, configuration.vocabularySize))
        let types = [Int32](repeating: 0, count: size.length)
        return Examples(
            (0..<batches * size.batch).map { index in
                let ids = types.map { _ in Int32.random(in: words, using: &random) }
                return Example(
                    input: TokenizedText(ids: ids, typeIDs: types),
                    target: head.labelNames[index % 6])
            })
    }

    private func runProducts(_ pass: products_pass, _ size: StepSize, _ times: StepTimes) {
        let products = products_new(
            products_sizes(
                layers: Int32(configuration.layers), width: Int32(configuration.width),
                inner_width: Int32(configuration.feedForwardWidth),
                heads: Int32(configuration.heads), batch: Int32(size.batch),
                length: Int32(size.length)),
            Int32(threads))
        defer { products_free(products) }
        times.measure { products_run(products, pass) }
    }
}
