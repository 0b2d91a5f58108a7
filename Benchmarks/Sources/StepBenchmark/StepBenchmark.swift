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
    @Flag(help: "Only the matrix products of the step: the limit for everything else.")
    var products = false
    @Option(help: "Run so many steps and print each, instead of serving.") var repeats: Int?

    func run() throws {
        let folder = try PretrainedFolder(path: model)
        let configuration = try folder.transformerConfiguration()
        let work: () -> Void
        if products {
            let products = StepProducts(configuration, tokens: batch * length, forward: frozen)
            work = products.run
        } else {
            let step = try TrainingStep(
                folder: folder, configuration: configuration, benchmark: self)
            work = step.run
        }
        Tensor.Threads.limited(to: threads) {
            if let repeats {
                for _ in 0..<repeats { print(milliseconds(work)) }
                return
            }
            print(#"{"ready": true}"#)
            flush()
            while let line = readLine() {
                print(line == "peak" ? Double(Tensor.Memory.peakProcessBytes) : milliseconds(work))
                flush()
            }
        }
    }

    private func milliseconds(_ work: () -> Void) -> Double {
        let start = ContinuousClock.now
        work()
        let spent = (ContinuousClock.now - start).components
        return Double(spent.seconds) * 1e3 + Double(spent.attoseconds) * 1e-15
    }
}
