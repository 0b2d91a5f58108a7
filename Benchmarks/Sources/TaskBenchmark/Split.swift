import ArgumentParser
import FineTune

/// Removes duplicates and writes a stratified split as tab-separated values.
struct Split: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Splits TREC into two files for both sides.")

    @Argument(help: "Lines of 'COARSE:fine question'.") var questions: String
    @Option(help: "The training examples.") var train: String
    @Option(help: "The test examples.") var test: String
    @Option(help: "Decides the split.") var seed: UInt64 = 0
    @Option(help: "Take only the first so many training examples.") var limit = Int.max

    func run() throws {
        let data = try LabeledTexts(lines: questions) { line in
            guard let colon = line.firstIndex(of: ":"), let space = line.firstIndex(of: " ")
            else { return nil }
            return (String(line[line.index(after: space)...]), String(line[..<colon]))
        }.deduplicated()
        let (training, testing) = data.split(holdingOut: 0.2, stratified: true, seed: seed)
        try write(training.prefix(limit), to: train)
        try write(testing.prefix(limit), to: test)
    }

    private func write(_ examples: LabeledTexts.SubSequence, to path: String) throws {
        let lines = examples.map { "\($0.input)\t\($0.target)\n" }
        try AtomicFile.write("text\tlabel\n" + lines.joined(), to: path)
    }
}
