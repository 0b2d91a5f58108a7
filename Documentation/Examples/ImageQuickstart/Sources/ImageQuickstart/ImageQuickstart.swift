import ArgumentParser
import FineTune
import Pictures

@main
struct ImageQuickstart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tunes an image network to tell what a piece of clip art shows.")

    enum Choice: String, ExpressibleByArgument, CaseIterable { case head, full, gradual, top2 }

    @Argument(help: "The pretrained network's file.") var model: String
    @Argument(help: "A folder with a folder of pictures for each class.") var data: String
    @Argument(help: "A PNG or JPEG to classify (default: a test picture).") var picture: String?
    @Option(help: "What trains, and when.") var plan = Choice.full
    @Option(help: "Passes over the training set (default: 10 for head, 4 for gradual, else 3).")
    var epochs: Int?
    @Option(help: "The same seed gives the same weights, bit for bit.") var seed: UInt64 = 0
    @Option(help: "Threads to train on.") var threads = Tensor.Threads.available
    @Option(help: "Where the fine-tuned model is saved.") var output = "clip-art-model"
    @Option(help: "Where the most confident mistakes are shown.") var sheet = "mistakes.png"
    @Option(help: "Where the figures are written.") var json: String?

    static let classes = [
        "animals", "food", "people", "transportation", "recreation", "tools", "plants",
        "buildings", "office",
    ]

    func run() async throws {
        // A mistake in its name should not cost a training run.
        let chosen = try picture.map { try Picture(checking: $0) }
        // The same picture lies in several folders, and one author draws many pictures alike.
        let pictures = try LabeledPictures(folder: data, classes: Self.classes).deduplicated()
        let (train, test) = pictures.split(
            holdingOut: 0.2, groupedBy: { $0.input.author ?? $0.input.path }, stratified: true,
            seed: seed)

        // In a short run the normalisations' statistics should come from it, not from photographs.
        let backbone = try PretrainedModel.image(
            contentsOf: model, network: .efficientNetLite(.init(.lite0, momentum: 0.1)))
        let classifier = try backbone.pictures(
            augmentation: plan == .head ? .none : .standard
        ).attaching(ClassificationHead(labels: pictures.labels), seed: seed)
        let trainer = Trainer(
            classifier, plan: chosenPlan, settings: .init(seed: seed, threads: threads))
        let progress = ProgressBar()
        trainer.listen { if case .step(let step) = $0 { progress.show(step) } }
        let report = try await trainer.fit(on: train, validating: test)
        progress.finish()
        print(report)

        try classifier.save(to: output)
        if let json { try write(report, to: json) }
        try showMistakes(of: classifier, on: test)

        let restored = try PictureClassifier(contentsOf: output)
        let question = chosen ?? test[0].input
        print("\nSaved to \(output) and loaded again. \(question.path ?? "The picture") shows:")
        print("  \(try restored.predict(question))")
    }

    private var chosenPlan: Plan {
        switch plan {
        case .head: .headOnly(epochs: epochs ?? 10)
        case .full: .layerwiseDecay(epochs: epochs ?? 3, learningRate: 1e-3, decay: 0.85)
        case .gradual:
            .gradualUnfreezing(epochs: epochs ?? 4, learningRate: 1e-3, decay: 0.85)
        case .top2: .top(2, epochs: epochs ?? 3, learningRate: 1e-3)
        }
    }

    /// Draws the test pictures whose wrong class got the highest probability.
    private func showMistakes(of classifier: PictureClassifier, on test: LabeledPictures) throws {
        let mistakes = zip(test, try classifier.predict(test.inputs))
            .filter { $0.target != $1.label }
            .sorted { $0.1.probability > $1.1.probability }
            .prefix(30)
        guard !mistakes.isEmpty else { return print("\nNo test picture was got wrong.") }
        var contact = ContactSheet(columns: 6)
        for (example, answer) in mistakes {
            try contact.add(
                example.input.decoded(),
                caption: ["\(example.target), not", "\(answer)"])
        }
        try contact.image().writePNG(to: sheet)
        print("\nThe \(mistakes.count) most confident mistakes are shown in \(sheet).")
    }

    private func write(_ report: TrainingReport<ClassificationMetrics>, to path: String) throws {
        let figures: JSON = [
            "task": "openclipart-9", "model": "efficientnet-lite0",
            "trainExamples": JSON(report.trainingExamples),
            "testExamples": JSON(report.validationExamples),
            "epochs": JSON(report.epochs.count), "seed": JSON(seed), "plan": JSON(plan.rawValue),
            "precision": JSON(report.precision.rawValue), "threads": JSON(threads),
            "accuracy": JSON(report.metrics?.accuracy ?? 0),
            "macroF1": JSON(report.metrics?.macroF1 ?? 0),
            "trainSeconds": JSON(report.trainingSeconds),
            "examplesPerSecond": JSON(report.examplesPerSecond),
            "peakMemoryBytes": JSON(report.peakMemoryBytes),
            "waitingShare": JSON(report.waitingShare), "leftOut": JSON(report.leftOut.count),
        ]
        try AtomicFile.write(figures.serialized(pretty: true) + "\n", to: path)
    }
}
