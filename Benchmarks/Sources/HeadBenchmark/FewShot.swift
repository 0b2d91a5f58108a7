import ArgumentParser
import FineTune

/// Learns TREC's six classes from a few questions of each: the few-shot recipe beside full fine-tuning
/// and a head that is computed from the features of the pretrained backbone. Each seed draws other
/// questions; all are tested on the same fifth of the data.
struct FewShot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Learns from few examples.")

    enum Way: String, ExpressibleByArgument, CaseIterable {
        case fewShot = "few-shot"
        case full, head
    }

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "Lines of 'COARSE:fine question'.") var questions: String
    @Option(parsing: .upToNextOption, help: "Questions of each class.") var perClass = [8, 64]
    @Option(parsing: .upToNextOption, help: "How to learn.") var ways = Way.allCases
    @Option(help: "How many seeds.") var seeds = 10
    @Option(help: "Which seed comes first.") var firstSeed = 0
    @Option(help: "Pairs of each kind for each example.")
    var pairs = FewShotContrast().pairsPerExample
    @Option(help: "The most pairs.") var maximumPairs = FewShotContrast().maximumPairs ?? .max
    @Option(help: "The few-shot recipe's rate.") var rate = FewShotContrast().learningRate
    @Option(help: "Full fine-tuning's rate.") var fullRate = 1e-4
    @Option(help: "The steps of full fine-tuning.") var fullSteps = 100
    @Option(help: "The batch of full fine-tuning.") var fullBatch = 16
    @Option(help: "How full fine-tuning pools.") var fullPooling = Pooling.mean
    @Option(help: "Threads to compute on.") var threads = 2
    @Flag(help: "Test on training questions that were not drawn: to choose settings by.")
    var tuning = false

    func run() async throws {
        let backbone = try PretrainedModel.text(contentsOf: model, maximumLength: 128)
        let data = try labeledQuestions(contentsOf: questions)
        let (training, testing) = data.split(holdingOut: 0.2, stratified: true, seed: 0)
        print("| questions of each class | way | accuracy | macro F1 | seconds |")
        print("|---|---|---|---|---|")
        for count in perClass {
            for way in ways {
                var (accuracy, macroF1, seconds) = (Scores(), Scores(), Scores())
                for seed in firstSeed..<firstSeed + seeds {
                    let (drawn, rest) = draw(count, from: training, seed: UInt64(seed))
                    let (metrics, spent) = try await learn(
                        way, from: drawn, labels: data.labels, on: backbone,
                        test: tuning
                            ? rest.split(holdingOut: 0.3, stratified: true, seed: UInt64(seed))
                                .heldOut : testing,
                        seed: UInt64(seed))
                    accuracy.values.append(metrics.accuracy)
                    macroF1.values.append(metrics.macroF1)
                    seconds.values.append(spent)
                }
                print(
                    "| \(count) | \(way.rawValue) | \(accuracy) | \(macroF1) "
                        + "| \(rounded(seconds.mean, 1)) |")
            }
        }
    }

    /// So many examples of each class, and the others.
    private func draw(
        _ count: Int, from data: LabeledTexts, seed: UInt64
    ) -> (drawn: LabeledTexts, rest: LabeledTexts) {
        var (drawn, rest): ([Example<String, String>], [Example<String, String>]) = ([], [])
        for label in data.labels {
            let ofClass = LabeledTexts(data.filter { $0.target == label })
            let share = Double(count) / Double(ofClass.count)
            let (others, chosen) = ofClass.split(holdingOut: min(share, 1), seed: seed)
            drawn += chosen
            rest += others
        }
        return (LabeledTexts(drawn), LabeledTexts(rest))
    }

    private func learn(
        _ way: Way, from data: LabeledTexts, labels: [String],
        on backbone: PretrainedModel<TextPreparation>, test: LabeledTexts, seed: UInt64
    ) async throws -> (ClassificationMetrics, seconds: Double) {
        let head = ClassificationHead(labels: labels)
        let (model, seconds): (TextClassifier, Double) = try await timed {
            switch way {
            case .fewShot:
                let contrast = FewShotContrast(
                    pairsPerExample: pairs, learningRate: rate,
                    maximumPairs: maximumPairs)
                return try await backbone.fitFewShot(
                    head, on: data, contrast: contrast, seed: seed
                ).model
            case .full:
                let model = try backbone.attaching(head, pooling: fullPooling, seed: seed)
                let steps = (data.count + fullBatch - 1) / fullBatch
                try await Trainer(
                    model,
                    plan: .full(
                        epochs: max(1, (fullSteps + steps - 1) / steps), learningRate: fullRate),
                    settings: .init(batch: .examples(fullBatch), seed: seed, threads: threads)
                ).fit(on: data)
                return model
            case .head:
                let model = try backbone.attaching(head, pooling: .mean, seed: seed)
                try await model.solveHead(on: data, with: .logisticRegression())
                return model
            }
        }
        return (try model.evaluate(on: test), seconds)
    }
}

extension Pooling: @retroactive ExpressibleByArgument {}
extension Tensor.Precision: @retroactive ExpressibleByArgument {}
