import ArgumentParser
import Figures

/// Makes a table of the lines that training printed: means and standard deviations over seeds.
struct Summarize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints a Markdown table of lines of JSON.")

    @Argument(help: "A file of lines that 'train' printed.") var file: String

    func run() throws {
        let all = try Runs(file: file)
        let full = all.numbers(of: Recipe.full.rawValue)
        print(
            "| recipe | runs | accuracy | trainable | processor time | of full | peak memory "
                + "| of full |")
        print("|---|---|---|---|---|---|---|---|")
        for recipe in all.recipes {
            let runs = all.numbers(of: recipe)
            let accuracy = runs.map { $0["accuracy"] ?? 0 }
            let cells = [
                recipe, "\(runs.count)",
                "\(fixed(mean(accuracy), 4)) ± \(fixed(deviation(accuracy), 4))",
                "\(fixed(100 * mean(runs.map { $0["trainableShare"] ?? 0 }), 2))%",
                "\(fixed(mean(runs.map { $0["processorSeconds"] ?? 0 }), 1)) s",
                share("processorSeconds", runs, full),
                "\(fixed(mean(runs.map { $0["peakMemoryBytes"] ?? 0 }) / 1e6, 0)) MB",
                share("peakMemoryBytes", runs, full),
            ]
            print("| " + cells.joined(separator: " | ") + " |")
        }
    }

    private func share(_ key: String, _ runs: [[String: Double]], _ full: [[String: Double]])
        -> String
    {
        guard !full.isEmpty else { return "" }
        let whole = mean(full.map { $0[key] ?? 0 })
        return "\(fixed(100 * mean(runs.map { $0[key] ?? 0 }) / whole, 1))%"
    }
}
