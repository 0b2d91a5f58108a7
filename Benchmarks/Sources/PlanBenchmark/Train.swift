import ArgumentParser
import Figures
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
    @Option(help: "What the products are computed in.") var precision = Tensor.Precision.float32
    @Option(help: "Take only the first so many examples.") var limit = Int.max
    @Flag(help: "Print the estimate too, made before the run.") var estimate = false
    @Flag(help: "Test on a fifth of the training questions instead: to choose settings by.")
    var tuning = false

    func run() async throws {
        var (train, test) = try trec(questions, limit: limit, seed: seed)
        if tuning { (train, test) = train.split(holdingOut: 0.2, stratified: true, seed: seed) }
        let backbone = try PretrainedModel.text(contentsOf: model, maximumLength: 128)
        let head = ClassificationHead(labels: train.labels)
        let classifier =
            try adapter.map {
                try backbone.attaching(head, adapter: $0, pooling: recipe.pooling, seed: seed)
            } ?? backbone.attaching(head, pooling: recipe.pooling, seed: seed)
        // A computed head: a weight for each feature and a bias, for each label.
        let headSize = try head.labelNames.count * (classifier.embed("a").count + 1)
        var share = Double(headSize) / Double(classifier.parameterCount)
        let (start, processorStart) = (ContinuousClock.now, processorSeconds())
        var figures: [(String, JSON)] = []
        if let solver = recipe.solver {
            let report = try await Tensor.Threads.limited(to: threads) {
                try await classifier.solveHead(on: train, with: solver, precision: precision)
            }
            figures.append(("featureSeconds", JSON(report.featureSeconds)))
            figures.append(("solverSeconds", JSON(report.solverSeconds)))
        }
        var (trialSeconds, trialProcessorSeconds) = (0.0, 0.0)
        let (epochs, rate) = (epochs ?? recipe.usualEpochs, rate ?? recipe.usualRate)
        if let plan = recipe.plan(epochs: epochs, rate: rate) {
            let trainer = Trainer(
                classifier, plan: plan,
                settings: .init(seed: seed, threads: threads, precision: precision))
            let (trial, processorTrial) = (ContinuousClock.now, processorSeconds())
            if estimate { figures += try await estimated(trainer, train) }
            trialSeconds = (ContinuousClock.now - trial) / .seconds(1)
            trialProcessorSeconds = processorSeconds() - processorTrial
            let report = try await trainer.fit(on: train)
            share = Double(report.trainedParameters) / Double(report.totalParameters)
            figures += [("epochs", JSON(epochs)), ("rate", JSON(rate))]
            figures += [("stepSeconds", JSON(report.trainingSeconds))]
        }
        // Tokenising included.
        let seconds = (ContinuousClock.now - start) / .seconds(1) - trialSeconds
        let computed = processorSeconds() - processorStart - trialProcessorSeconds
        let metrics = try Tensor.Threads.limited(to: threads) {
            try classifier.evaluate(on: test)
        }
        let line: JSON.Object = [
            "recipe": JSON(recipe.rawValue), "seed": JSON(seed), "threads": JSON(threads),
            "trainExamples": JSON(train.count), "testExamples": JSON(test.count),
            "precision": JSON(precision.rawValue),
            "accuracy": JSON(metrics.accuracy), "macroF1": JSON(metrics.macroF1),
            "seconds": JSON(seconds), "processorSeconds": JSON(computed),
            "trainableShare": JSON(share),
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

extension Tensor.Precision: @retroactive ExpressibleByArgument {}
