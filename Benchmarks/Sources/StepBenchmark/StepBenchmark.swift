import ArgumentParser
import FineTune

/// Times whole training steps of MiniLM on random tokens of one length: a server that the peers'
/// script asks for steps in turn with PyTorch's.
@main
struct StepBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answers every line 'step' with the milliseconds of one training step.")

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "Sequences in a batch.") var batch = 32
    @Option(help: "Tokens of a sequence.") var length = 128
    @Option(help: "Threads to compute on.") var threads = 2
    @Flag(help: "Freeze the backbone.") var frozen = false
    @Flag(help: "No dropout.") var noDropout = false
    @Option(help: "Run so many steps and print each, instead of serving.") var repeats: Int?

    func run() throws {
        let folder = try PretrainedFolder(path: model)
        let configuration = try folder.transformerConfiguration()
        var step = try TrainingStep(
            folder: folder, configuration: configuration, benchmark: self)
        Tensor.Threads.limited(to: threads) {
            if let repeats {
                for _ in 0..<repeats { print(step.milliseconds()) }
                return
            }
            print(#"{"ready": true}"#, terminator: "\n")
            flush()
            while let line = readLine() {
                print(line == "peak" ? Double(Tensor.Memory.peakProcessBytes) : step.milliseconds())
                flush()
            }
        }
    }
}
