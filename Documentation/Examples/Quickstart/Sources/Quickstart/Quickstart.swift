import ArgumentParser
import FineTune

@main
struct Quickstart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tunes a text model to tell what kind of answer a question asks for.")

    enum Choice: String, ExpressibleByArgument, CaseIterable { case head, full, gradual, top2 }

    @Argument(help: "The pretrained model's folder.") var model: String
    @Argument(help: "Lines of 'COARSE:fine question'.") var data: String
    @Option(help: "What trains, and when.") var plan = Choice.full
    @Option(help: "Passes over the training set (default: 10 for head, else 3).") var epochs: Int?
    @Option(help: "The same seed gives the same weights, bit for bit.") var seed: UInt64 = 0
    @Option(help: "Threads to train on.") var threads = Tensor.Threads.available
    @Option(help: "Where the fine-tuned model is saved.") var output = "trec-model"
    @Option(help: "Where the figures are written.") var json: String?

    func run() async throws {
        let questions = try LabeledTexts(lines: data) { line in
            guard let colon = line.firstIndex(of: ":"), let space = line.firstIndex(of: " ")
            else { return nil }
            return (String(line[line.index(after: space)...]), String(line[..<colon]))
        }.deduplicated()
        let (train, test) = questions.split(holdingOut: 0.2, stratified: true, seed: seed)

        let backbone = try PretrainedModel.text(contentsOf: model, maximumLength: 128)
        let classifier = try backbone.attaching(
            ClassificationHead(labels: questions.labels), pooling: plan == .head ? .mean : .pooler,
            seed: seed)
        let trainer = Trainer(
            classifier, plan: chosenPlan, settings: .init(seed: seed, threads: threads))
        let progress = ProgressBar()
        trainer.listen { if case .step(let step) = $0 { progress.show(step) } }
        let report = try await trainer.fit(on: train, validating: test)
        progress.finish()
        print(report)

        try classifier.save(to: output)
        if let json { try write(report, to: json) }

        let restored = try TextClassifier(contentsOf: output)
        print("\nSaved to \(output) and loaded again. Ask it three questions:")
        let samples = ["How far is the moon?", "Who wrote Faust?", "What does CPU stand for?"]
        for sample in samples {
            print("> ", terminator: "")
            let typed = readLine()
            if typed == nil { print(sample) }
            print("  \(try restored.predict(typed ?? sample))")
        }
    }

    private var chosenPlan: Plan {
        switch plan {
        case .head: .headOnly(epochs: epochs ?? 10)
        case .full: .full(epochs: epochs ?? 3, learningRate: 1e-4)
        case .gradual: .gradualUnfreezing(epochs: epochs ?? 3)
        case .top2: .top(2, epochs: epochs ?? 3)
        }
    }

    private func write(_ report: TrainingReport<ClassificationMetrics>, to path: String) throws {
        let figures: JSON = [
            "task": "TREC-6", "model": "all-MiniLM-L6-v2",
            "trainExamples": JSON(report.trainingExamples),
            "testExamples": JSON(report.validationExamples),
            "epochs": JSON(report.epochs.count), "seed": JSON(seed), "plan": JSON(plan.rawValue),
            "precision": JSON(report.precision.rawValue), "threads": JSON(threads),
            "accuracy": JSON(report.metrics?.accuracy ?? 0),
            "macroF1": JSON(report.metrics?.macroF1 ?? 0),
            "trainSeconds": JSON(report.trainingSeconds),
            "examplesPerSecond": JSON(report.examplesPerSecond),
            "peakMemoryBytes": JSON(report.peakMemoryBytes),
        ]
        try AtomicFile.write(figures.serialized(pretty: true) + "\n", to: path)
    }
}
