import ArgumentParser
import FineTune

/// Fine-tunes on a split that the peer reads too, and prints one line of JSON.
@main
struct TaskBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tunes on labelled texts, or splits TREC into two files for both sides.",
        subcommands: [Split.self, Train.self])
}

/// Removes duplicates and writes a stratified split as tab-separated values.
struct Split: ParsableCommand {
    @Argument(help: "Lines of 'COARSE:fine question'.") var questions: String
    @Option(help: "The training examples.") var train: String
    @Option(help: "The test examples.") var test: String
    @Option(help: "Decides the split.") var seed: UInt64 = 0

    func run() throws {
        let data = try LabeledTexts(lines: questions) { line in
            guard let colon = line.firstIndex(of: ":"), let space = line.firstIndex(of: " ")
            else { return nil }
            return (String(line[line.index(after: space)...]), String(line[..<colon]))
        }.deduplicated()
        let parts = data.split(holdingOut: 0.2, stratified: true, seed: seed)
        for (part, path) in [(parts.0, train), (parts.1, test)] {
            let lines = part.map { "\($0.input)\t\($0.target)\n" }
            try AtomicFile.write("text\tlabel\n" + lines.joined(), to: path)
        }
    }
}

/// Fine-tunes as the peer does: batches of 32, at most 128 tokens, AdamW at 1e-4, linear decay after
/// a warm-up over the first tenth.
struct Train: AsyncParsableCommand {
    enum Choice: String, ExpressibleByArgument { case full, head, top2, gradual }

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "The training examples.") var train: String
    @Option(help: "The test examples.") var test: String
    @Option(help: "Passes over the training set.") var epochs = 3
    @Option(help: "Decides order, dropout and the head's start.") var seed: UInt64 = 0
    @Option(help: "Threads to compute on.") var threads = 2
    @Option(help: "What trains.") var plan = Choice.full
    @Option(help: "The rate.") var rate = 1e-4
    @Option(help: "How tokens become one vector.") var pooling = Pooling.pooler

    func run() async throws {
        let training = try LabeledTexts(
            tsv: train, text: "text", label: "label", quoting: .none)
        let testing = try LabeledTexts(tsv: test, text: "text", label: "label", quoting: .none)
        let backbone = try PretrainedModel.text(contentsOf: model, maximumLength: 128)
        let classifier = try backbone.attaching(
            ClassificationHead(labels: training.labels),
            pooling: pooling, seed: seed)
        let trainer = Trainer(
            classifier, plan: chosenPlan, settings: .init(seed: seed, threads: threads))
        let report = try await trainer.fit(on: training)
        let metrics = try classifier.evaluate(on: testing)
        let figures: JSON = [
            "accuracy": JSON(metrics.accuracy), "macroF1": JSON(metrics.macroF1),
            "trainSeconds": JSON(report.trainingSeconds),
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
}

extension Pooling: @retroactive ExpressibleByArgument {}
