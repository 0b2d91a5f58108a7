import ArgumentParser
import FineTune
import ServedSteps

/// Times steps on random tokens of one length: a server that the peers' script asks for steps in
/// turn with PyTorch's.
@main
struct StepBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Times training steps and forward passes of one size.",
        discussion: """
            With --repeats runs one kind of step so often and prints the milliseconds of each.
            Otherwise reads requests: 'KIND BATCH LENGTH COUNT', then COUNT times 'step', each \
            answered with its milliseconds; 'peak' is answered with the bytes of memory that the \
            process has held.
            """)

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "Threads to compute on.") var threads = 2
    @Option(help: "How exact the operands of matrix products are.")
    var precision = Tensor.Precision.float32
    @Option(help: "Run so many steps and print each, instead of serving.") var repeats: Int?
    @Option(help: "What a step is, with --repeats.") var kind = StepKind.train
    @Option(help: "Sequences in a batch, with --repeats.") var batch = 32
    @Option(help: "Tokens of a sequence, with --repeats.") var length = 128

    func run() async throws {
        try precision.checkSupport()
        let steps = try Steps(model: model, threads: threads, precision: precision)
        if let repeats {
            let size = StepSize(kind: kind, batch: batch, length: length, count: repeats)
            return try await steps.run(size, .printed(repeats))
        }
        try await serveSteps { words in
            guard let size = StepSize(words) else { return false }
            try await steps.run(size, .requested(size.count))
            return true
        }
    }
}

/// What a step is.
enum StepKind: String, CaseIterable, ExpressibleByArgument {
    /// A step of a trainer that trains everything: forward, backward, clipping, AdamW.
    case train
    /// The same with low-rank adapters (LoRA, rank 8) on queries and values.
    case adapter
    /// A run of a trainer over one new batch with a frozen backbone.
    case frozen
    /// A pass that predicts.
    case forward
    /// The bare matrix products of a training step.
    case products
    /// Those of a step that trains adapters, without the adapters' own.
    case adapterProducts = "adapter-products"
    /// Those of a forward pass.
    case forwardProducts = "forward-products"
}

/// Some steps of one size.
struct StepSize {
    let kind: StepKind
    let batch: Int
    let length: Int
    let count: Int
}

extension StepSize {
    /// The steps that a request names.
    init?(_ words: [String]) {
        let numbers = words.dropFirst().compactMap { Int($0) }
        guard let kind = words.first.flatMap(StepKind.init(rawValue:)),
            words.count == 4, numbers.count == 3, numbers.allSatisfy({ $0 > 0 })
        else { return nil }
        self.init(kind: kind, batch: numbers[0], length: numbers[1], count: numbers[2])
    }
}
