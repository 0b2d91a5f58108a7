import ArgumentParser
import Figures
import FineTune
import Pictures

/// Compares ten epochs of training a head alone with one pass that predicts the same pictures.
struct Passes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Times epochs of training the head against one pass over the pictures.")

    @Option(help: "The file of the pretrained network.") var model: String
    @OptionGroup var clipArt: ClipArt
    @Option(help: "Passes over the training pictures.") var epochs = 10
    @Option(help: "Threads to compute on.") var threads = Tensor.Threads.available
    @Option(help: "How often each is done, in turn.") var repeats = 1

    func run() async throws {
        let pictures = try clipArt.pictures()
        let backbone = try PretrainedModel.image(contentsOf: model, network: .efficientNetLite0)
        let head = ClassificationHead(labels: pictures.labels)
        for _ in 0..<repeats {
            let classifier = try backbone.pictures().attaching(head)
            let onePass = try await taken {
                try Tensor.Threads.limited(to: threads) {
                    _ = try classifier.outputs(for: pictures.inputs)
                }
            }
            let trainer = Trainer(
                classifier, plan: .headOnly(epochs: epochs), settings: .init(threads: threads))
            let training = try await taken { try await trainer.fit(on: pictures) }
            let line: JSON = [
                "pictures": JSON(pictures.count), "epochs": JSON(epochs), "threads": JSON(threads),
                "passSeconds": JSON(onePass.seconds), "trainingSeconds": JSON(training.seconds),
                "passProcessorSeconds": JSON(onePass.processor),
                "trainingProcessorSeconds": JSON(training.processor),
                "ratioOfProcessorSeconds": JSON(training.processor / onePass.processor),
            ]
            print(line.serialized())
        }
    }

    private func taken(
        _ body: () async throws -> Void
    ) async rethrows -> (seconds: Double, processor: Double) {
        let (start, processorStart) = (ContinuousClock.now, processorSeconds())
        try await body()
        return (
            (ContinuousClock.now - start) / .seconds(1), processorSeconds() - processorStart
        )
    }
}
