import ArgumentParser
import Figures

/// Makes a table of the lines that training printed: each fold, their mean and standard deviation.
struct Summarize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints a Markdown table of lines of JSON.")

    @Argument(help: "A file of lines that 'train' printed.") var file: String

    func run() throws {
        let all = try Runs(file: file)
        let folds = all.recipes.flatMap { all.numbers(of: $0) }.compactMap { $0["fold"] }
        let columns = (0...Int(folds.max() ?? 0)).map { "fold \($0)" }
        let title =
            ["recipe"] + columns + [
                "accuracy", "macro F1", "processor time", "waiting", "peak memory",
            ]
        print("| " + title.joined(separator: " | ") + " |")
        print(String(repeating: "|---", count: title.count) + "|")
        for recipe in all.recipes {
            let runs = all.numbers(of: recipe)
            let values = { (key: String) in runs.compactMap { $0[key] } }
            let cells = columns.indices.map { fold in
                let scores = runs.filter { $0["fold"] == Double(fold) }.map { $0["accuracy"] ?? 0 }
                return scores.isEmpty ? "" : fixed(mean(scores), 3)
            }
            let waiting = values("waitingShare")
            let figures = [
                "\(fixed(mean(values("accuracy")), 3)) ± \(fixed(deviation(values("accuracy")), 3))",
                fixed(mean(values("macroF1")), 3),
                "\(fixed(mean(values("processorSeconds")), 0)) s",
                waiting.isEmpty ? "" : "\(fixed(100 * mean(waiting), 1))%",
                "\(fixed(mean(values("peakMemoryBytes")) / 1e6, 0)) MB",
            ]
            print("| " + ([recipe] + cells + figures).joined(separator: " | ") + " |")
        }
    }
}
