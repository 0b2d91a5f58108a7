import ArgumentParser
import FineTune
import ServedSteps

/// Times steps of a network for images on random pictures: a server that the peers' script asks for
/// steps in turn with PyTorch's.
@main
struct ImageStepBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Times training steps and forward passes of EfficientNet-Lite0.",
        discussion: """
            With --repeats runs one kind of step so often and prints the milliseconds of each.
            Otherwise reads requests: 'KIND BATCH COUNT', then COUNT times 'step', each answered \
            with its milliseconds; 'peak' is answered with the bytes of memory that the process has \
            held.
            """)

    @Option(help: "The file of the network's weights.") var model: String
    @Option(help: "Threads to compute on.") var threads = 2
    @Option(help: "How exact the operands of matrix products are.")
    var precision = Tensor.Precision.float32
    @Option(help: "Run so many steps and print each, instead of serving.") var repeats: Int?
    @Option(help: "What a step is, with --repeats.") var kind = StepKind.train
    @Option(help: "Pictures in a batch, with --repeats.") var batch = 32

    func run() async throws {
        try precision.checkSupport()
        let steps = try ImageSteps(model: model, threads: threads, precision: precision)
        if let repeats {
            try await steps.run(kind, batch: batch, count: repeats, .printed(repeats))
            return print("peak \(Tensor.Memory.peakProcessBytes >> 20) MB")
        }
        try await serveSteps { words in
            guard words.count == 3, let kind = StepKind(rawValue: words[0]),
                let batch = Int(words[1]), let count = Int(words[2]), batch > 0, count > 0
            else { return false }
            try await steps.run(kind, batch: batch, count: count, .requested(count))
            return true
        }
    }
}

/// What a step is.
enum StepKind: String, CaseIterable, ExpressibleByArgument {
    /// A step of a trainer that trains everything: forward, backward, clipping, AdamW.
    case train
    /// A pass that predicts.
    case forward
}
