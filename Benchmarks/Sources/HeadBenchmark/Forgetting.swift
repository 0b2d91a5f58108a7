import ArgumentParser
import FineTune

/// Fine-tunes on TREC, searches for a rate first, watches what is forgotten, and goes back part of the
/// way. The points in between are chosen by a third of the test questions and judged by the others.
struct Forgetting: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures what fine-tuning forgets, and weights in between.")

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "Lines of 'COARSE:fine question'.") var questions: String
    @Option(help: "Passes over the training set.") var epochs = 3
    @Option(help: "The rate.") var rate = 1e-4
    @Option(help: "How many questions the guard holds.") var references = 300
    @Option(help: "Decides the split, the order and the head's start.") var seed: UInt64 = 0
    @Option(help: "Threads to compute on.") var threads = 2

    func run() async throws {
        let backbone = try PretrainedModel.text(contentsOf: model, maximumLength: 128)
        let data = try labeledQuestions(contentsOf: questions)
        let (training, rest) = data.split(holdingOut: 0.2, stratified: true, seed: seed)
        let (testing, choosing) = rest.split(holdingOut: 1.0 / 3, stratified: true, seed: seed)
        let classifier = try backbone.attaching(
            ClassificationHead(labels: data.labels), pooling: .mean, seed: seed)
        let trainer = Trainer(
            classifier, plan: .full(epochs: epochs, learningRate: rate),
            settings: .init(seed: seed, threads: threads))
        print(try await trainer.findLearningRate(on: training))
        // Of the questions that are trained on: what a user has.
        let watch = try ForgettingGuard(
            similaritiesOf: Array(training.inputs.prefix(references)), in: backbone)
        trainer.forgettingGuard = watch
        print(try await trainer.fit(on: training, validating: choosing))
        let sweep = try await classifier.interpolationSweep(
            with: backbone, on: choosing, guarding: watch)
        print(sweep)
        for alpha in [1, sweep.best.alpha] {
            let accuracy = try classifier.interpolated(with: backbone, alpha)
                .evaluate(on: testing).accuracy
            print("α \(rounded(alpha, 1)): accuracy \(rounded(accuracy, 4)) on other questions")
        }
    }
}
