import ArgumentParser
import FineTune
import Serving

/// Fine-tunes as the peer does: batches of 32, at most 128 tokens, AdamW at 1e-4, linear decay after
/// a warm-up over the first tenth. Prints one line of JSON.
struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Fine-tunes on labelled texts.")

    enum Choice: String, ExpressibleByArgument { case full, head, top2, gradual }

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "The training examples.") var train: String
    @Option(help: "The test examples.") var test: String
    @Option(help: "Passes over the training set.") var epochs = 3
    @Option(help: "Decides order, dropout and the head's start.") var seed: UInt64 = 0
    @Option(help: "Threads to compute on.") var threads = 2
    @Option(help: "How exact the operands of matrix products are.")
    var precision = Tensor.Precision.float32
    @Option(help: "What trains.") var plan = Choice.full
    @Option(help: "The rate.") var rate = 1e-4
    @Option(help: "How tokens become one vector.") var pooling = Pooling.pooler
    @Flag(help: "Time one forward pass over the training set too.") var forwardPass = false

    func run() async throws {
        let training = try LabeledTexts(
            tsv: train, text: "text", label: "label", quoting: .none)
        let testing = try LabeledTexts(tsv: test, text: "text", label: "label", quoting: .none)
        let backbone = try PretrainedModel.text(contentsOf: model, maximumLength: 128)
        let classifier = try backbone.attaching(
            ClassificationHead(labels: training.labels),
            pooling: pooling, seed: seed)
        let forward = forwardPass ? try forwardSeconds(of: classifier, on: training) : nil
        let trainer = Trainer(
            classifier, plan: chosenPlan,
            settings: .init(seed: seed, threads: threads, precision: precision))
        let start = ContinuousClock.now
        let report = try await trainer.fit(on: training)
        let spent = milliseconds(since: start) / 1e3
        let metrics = try Tensor.Threads.limited(to: threads) {
            try classifier.evaluate(on: testing)
        }
        let figures: JSON = [
            "accuracy": JSON(metrics.accuracy), "macroF1": JSON(metrics.macroF1),
            // Tokenising included.
            "trainSeconds": JSON(spent),
            "stepSeconds": JSON(report.trainingSeconds),
            "forwardSeconds": forward.map { JSON($0) } ?? .null,
            "precision": JSON(report.precision.rawValue),
            "peakMemoryBytes": JSON(report.peakMemoryBytes),
        ]
        print(figures.serialized())
    }

    private var chosenPlan: Plan {
        switch plan {
        case .full: .full(epochs: epochs, learningRate: rate)
        case .head: .headOnly(epochs: epochs, learningRate: rate)
        case .top2: .top(2, epochs: epochs, learningRate: rate)
        case .gradual: .gradualUnfreezing(epochs: epochs, learningRate: rate)
        }
    }

    /// The second pass counts: the first one also touches memory and files for the first time.
    private func forwardSeconds(
        of classifier: TextClassifier, on data: LabeledTexts
    ) throws -> Double {
        let inputs = data.inputs
        return try Tensor.Threads.limited(to: threads) {
            _ = try classifier.outputs(for: inputs)
            return try milliseconds { _ = try classifier.outputs(for: inputs) } / 1e3
        }
    }
}

extension Pooling: @retroactive ExpressibleByArgument {}
extension Tensor.Precision: @retroactive ExpressibleByArgument {}
