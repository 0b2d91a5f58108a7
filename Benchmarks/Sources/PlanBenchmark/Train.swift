import ArgumentParser
import FineTune

/// Trains by one recipe and prints a line of JSON.
struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Fine-tunes by one recipe.")

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "Lines of 'COARSE:fine question'.") var questions: String
    @Option(help: "The way to fine-tune.") var recipe = Recipe.full
    @Option(help: "Decides split, order, dropout and the head's start.") var seed: UInt64 = 0
    @Option(help: "Threads to compute on.") var threads = Tensor.Threads.available
    @Option(help: "Passes over the training set (default: the recipe's).") var epochs: Int?
    @Option(help: "The rate (default: the recipe's).") var rate: Double?
    @Option(help: "Rank of an adapter's update.") var rank: Int?
    @Option(help: "Take only the first so many examples.") var limit = Int.max
    @Flag(help: "Print the estimate too, made before the run.") var estimate = false

    func run() async throws {
        let (train, test) = try trec(questions, limit: limit, seed: seed)
        let backbone = try PretrainedModel.text(contentsOf: model, maximumLength: 128)
        let head = ClassificationHead(labels: train.labels)
        let classifier =
            try adapter.map {
                try backbone.attaching(head, adapter: $0, pooling: recipe.pooling, seed: seed)
            } ?? backbone.attaching(head, pooling: recipe.pooling, seed: seed)
        // A computed head: a weight for each feature and a bias, for each label.
        let headSize = try head.labelNames.count * (classifier.embed("a").count + 1)
        var share = Double(headSize) / Double(classifier.parameterCount)
        let start = ContinuousClock.now
        if recipe.beginsWithComputedHead {
            try await classifier.solveHead(on: train, with: .logisticRegression())
        }
        var figures: [(String, JSON)] = []
        var trialSeconds = 0.0
        let (epochs, rate) = (epochs ?? recipe.usualEpochs, rate ?? recipe.usualRate)
        if let plan = recipe.plan(epochs: epochs, rate: rate) {
            let trainer = Trainer(
                classifier, plan: plan, settings: .init(seed: seed, threads: threads))
            let beforeTrial = ContinuousClock.now
            if estimate { figures += try await estimated(trainer, train) }
            trialSeconds = (ContinuousClock.now - beforeTrial) / .seconds(1)
            let report = try await trainer.fit(on: train)
            share = Double(report.trainedParameters) / Double(report.totalParameters)
            figures += [("epochs", JSON(epochs)), ("rate", JSON(rate))]
            figures += [("stepSeconds", JSON(report.trainingSeconds))]
        }
        // Tokenising included.
        let seconds = (ContinuousClock.now - start) / .seconds(1) - trialSeconds
        let metrics = try Tensor.Threads.limited(to: threads) {
            try classifier.evaluate(on: test)
        }
        let line: JSON.Object = [
            "recipe": JSON(recipe.rawValue), "seed": JSON(seed), "threads": JSON(threads),
            "trainExamples": JSON(train.count), "testExamples": JSON(test.count),
            "accuracy": JSON(metrics.accuracy), "macroF1": JSON(metrics.macroF1),
            "seconds": JSON(seconds), "trainableShare": JSON(share),
            "peakMemoryBytes": JSON(Tensor.Memory.peakProcessBytes),
        ]
        print(
            JSON.object(JSON.Object(Array(line) + figures.map { (key: $0, value: $1) }))
                .serialized())
    }

    private var adapter: Adapter? {
        guard let usual = recipe.adapter else { return nil }
        guard let rank else { return usual }
        // The same scale for another rank.
        return Adapter(
            method: usual.method, rank: rank,
            alpha: usual.alpha * Double(rank) / Double(usual.rank),
            dropoutRate: usual.dropoutRate, layers: usual.layers)
    }

    private func estimated(
        _ trainer: Trainer<TextPreparation, ClassificationHead>, _ data: LabeledTexts
    ) async throws -> [(String, JSON)] {
        let start = ContinuousClock.now
        let estimate = try await trainer.estimate(on: data)
        return [
            ("estimatedSeconds", JSON(estimate.seconds)),
            ("estimatedPeakMemoryBytes", JSON(estimate.peakMemoryBytes)),
            ("operations", JSON(estimate.operations)),
            ("secondsToEstimate", JSON((ContinuousClock.now - start) / .seconds(1))),
        ]
    }
}
