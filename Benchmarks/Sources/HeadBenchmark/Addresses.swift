import ArgumentParser
import FineTune

/// Tags the words of the addresses that `usaddress` is trained on. Each seed holds out another fifth.
struct Addresses: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Tags the words of addresses.")

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "The addresses: labeled.xml of usaddress.") var addresses: String
    @Option(help: "How many seeds.") var seeds = 3
    @Option(help: "Which seed comes first.") var firstSeed = 0
    @Option(help: "Passes over the training set.") var epochs = 10
    @Option(help: "The rate.") var rate = 3e-4
    @Option(help: "The rate of each stage over that of the one above.") var decay = 1.0
    @Option(help: "Addresses in a step.") var batch = 16
    @Option(help: "How much of each target goes to the other tags.") var smoothing = 0.0
    @Option(help: "What the products are computed in.") var precision = Tensor.Precision.float32
    @Option(help: "Threads to compute on.") var threads = 2
    @Flag(help: "Test on a fifth of the training addresses instead: to choose settings by.")
    var tuning = false

    func run() async throws {
        let data = try TaggedWords(parserator: addresses).deduplicated()
        let backbone = try PretrainedModel.words(contentsOf: model, maximumLength: 128)
        let head = TokenClassificationHead(labels: data.labels, labelSmoothing: smoothing)
        print("\(data.count) addresses, \(data.labels.count) tags")
        print("| seed | words | whole addresses | seconds |")
        print("|---|---|---|---|")
        var (words, whole, seconds) = (Scores(), Scores(), Scores())
        for seed in (firstSeed..<firstSeed + seeds).map(UInt64.init) {
            var (training, testing) = data.split(holdingOut: 0.2, seed: seed)
            if tuning { (training, testing) = training.split(holdingOut: 0.2, seed: seed) }
            let model = try backbone.attaching(head, seed: seed)
            let trainer = Trainer(
                model, plan: .full(epochs: epochs, learningRate: rate, decay: decay),
                settings: .init(
                    batch: .examples(batch), seed: seed, threads: threads, precision: precision))
            let (_, spent) = try await timed { try await trainer.fit(on: training) }
            let metrics = try model.evaluate(on: testing)
            words.values.append(metrics.wordAccuracy)
            whole.values.append(metrics.exactAccuracy)
            seconds.values.append(spent)
            print(
                "| \(seed) | \(rounded(metrics.wordAccuracy, 4)) "
                    + "| \(rounded(metrics.exactAccuracy, 4)) | \(rounded(spent, 1)) |")
        }
        print("| mean | \(words) | \(whole) | \(rounded(seconds.mean, 1)) |")
    }
}
