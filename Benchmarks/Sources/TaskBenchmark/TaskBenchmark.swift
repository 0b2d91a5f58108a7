import ArgumentParser

/// Whole jobs that the peer does too.
@main
struct TaskBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Does what a user of the library does, and says how long it took.",
        subcommands: [Split.self, Train.self, Predict.self, Tokenize.self])
}
