import ArgumentParser
import Figures
import FineTune
import Pictures

/// Trains by one recipe without one fold, measures on that, and prints a line of JSON.
struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains by one recipe and measures on one fold.")

    @Option(help: "The file of the pretrained network.") var model: String
    @OptionGroup var clipArt: ClipArt
    @Option(help: "How to come to a classifier.") var recipe = Recipe.full
    @Option(help: "The fold to measure on.") var fold = 0
    @Option(help: "Decides order, augmentation, dropout and the head's start.")
    var seed: UInt64 = 0
    @Option(help: "Threads to compute on.") var threads = Tensor.Threads.available
    @Option(help: "Passes over the training pictures (default: the recipe's).") var epochs: Int?
    @Option(help: "The rate of the head and the topmost stage (default: the recipe's).")
    var rate: Double?
    @Option(help: "The rate of a stage over that of the one above it.") var decay = 0.85
    @Option(help: "How pictures change for training.") var variation = Variation.mild
    @Option(help: "What the products are computed in.") var precision = Tensor.Precision.bfloat16
    @Option(help: "The weight of the newest batch in the running statistics of normalisations.")
    var momentum = 0.1
    @Flag(help: "Begin with a head that is computed.") var solvedHead = false
    @Flag(help: "Keep scales, shifts and statistics of batch normalisations.")
    var frozenNormalizations = false
    @Flag(help: "Measure on a fifth of the training pictures instead: to choose settings by.")
    var tuning = false

    func run() async throws {
        let parts = try clipArt.parts(of: clipArt.pictures())
        guard parts.indices.contains(fold) else {
            throw ValidationError("there are folds 0 to \(parts.count - 1)")
        }
        var (train, test) = parts[fold]
        if tuning {
            (train, test) = train.split(
                holdingOut: 0.2, groupedBy: clipArt.group, stratified: true, seed: 0)
        }
        let trainsStages = ![.closedForm, .head].contains(recipe)
        let network = ImageNetwork.efficientNetLite(.init(.lite0, momentum: momentum))
        let backbone =
            try recipe == .scratch
            ? PretrainedModel.image(initializing: network, seed: seed)
            : PretrainedModel.image(contentsOf: model, network: network)
        let classifier = try backbone.pictures(
            augmentation: trainsStages ? variation.augmentation : .none
        ).attaching(ClassificationHead(labels: train.labels), seed: seed)

        let (start, processorStart) = (ContinuousClock.now, processorSeconds())
        var figures: [(String, JSON)] = []
        if solvedHead || recipe == .closedForm {
            let report = try await Tensor.Threads.limited(to: threads) {
                try await classifier.solveHead(on: train, with: .logisticRegression())
            }
            figures.append(("penalty", JSON(report.penalty ?? 0)))
        }
        let (epochs, rate) = (epochs ?? recipe.usualEpochs, rate ?? recipe.usualRate)
        if let plan = plan(epochs: epochs, rate: rate) {
            let trainer = Trainer(
                classifier, plan: plan,
                settings: .init(seed: seed, threads: threads, precision: precision))
            let progress = ProgressBar()
            trainer.listen { if case .step(let step) = $0 { progress.show(step) } }
            let report = try await trainer.fit(on: train)
            progress.finish()
            figures += [
                ("epochs", JSON(epochs)), ("rate", JSON(rate)),
                ("stepSeconds", JSON(report.trainingSeconds)),
                ("waitingShare", JSON(report.waitingShare)),
            ]
        }
        // Reading and augmenting included.
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let computed = processorSeconds() - processorStart
        let metrics = try Tensor.Threads.limited(to: threads) {
            try classifier.evaluate(on: test)
        }
        let line: JSON.Object = [
            "recipe": JSON(recipe.rawValue + clipArt.groups.suffix),
            "fold": JSON(fold), "seed": JSON(seed), "threads": JSON(threads),
            "precision": JSON(precision.rawValue),
            "trainExamples": JSON(train.count), "testExamples": JSON(test.count),
            "accuracy": JSON(metrics.accuracy), "macroF1": JSON(metrics.macroF1),
            "seconds": JSON(seconds), "processorSeconds": JSON(computed),
            "peakMemoryBytes": JSON(Tensor.Memory.peakProcessBytes),
        ]
        print(
            JSON.object(JSON.Object(Array(line) + figures.map { (key: $0, value: $1) }))
                .serialized())
    }

    /// Nil if nothing trains.
    private func plan(epochs: Int, rate: Double) -> Plan? {
        var plan: Plan
        switch recipe {
        case .closedForm: return nil
        case .head: return .headOnly(epochs: epochs, learningRate: rate)
        case .gradual:
            plan = .gradualUnfreezing(epochs: epochs, learningRate: rate, decay: decay)
        case .full: plan = .layerwiseDecay(epochs: epochs, learningRate: rate, decay: decay)
        case .scratch: return .full(epochs: epochs, learningRate: rate)
        }
        guard frozenNormalizations else { return plan }
        return Plan(
            name: plan.name,
            phases: plan.phases.map { phase in
                var phase = phase
                phase.parameters = .kinds([.weight, .bias])
                return phase
            })
    }
}

extension Tensor.Precision: @retroactive ExpressibleByArgument {}
