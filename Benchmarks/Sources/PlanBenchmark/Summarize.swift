import ArgumentParser
import FineTune

/// Makes a table of the lines that training printed: means and standard deviations over seeds.
struct Summarize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints a Markdown table of lines of JSON.")

    @Argument(help: "A file of lines that 'train' printed.") var file: String

    func run() throws {
        let mapped = try MappedFile(path: file)
        let lines = try withExtendedLifetime(mapped) {
            try mapped.bytes.split(separator: UInt8(ascii: "\n")).map {
                try JSON(parsing: Array($0))
            }
        }
        let full = runs(of: Recipe.full.rawValue, in: lines)
        print(
            "| recipe | runs | accuracy | trainable | processor time | of full | peak memory "
                + "| of full |")
        print("|---|---|---|---|---|---|---|---|")
        var names: [String] = []
        for name in lines.compactMap({ $0["recipe"]?.string }) where !names.contains(name) {
            names.append(name)
        }
        for recipe in names {
            let runs = runs(of: recipe, in: lines)
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

    /// The numbers of each run.
    private func runs(of recipe: String, in lines: [JSON]) -> [[String: Double]] {
        lines.filter { $0["recipe"]?.string == recipe }.map { line in
            var numbers: [String: Double] = [:]
            for (key, value) in line.object ?? [:] { numbers[key] = value.double }
            return numbers
        }
    }

    private func share(_ key: String, _ runs: [[String: Double]], _ full: [[String: Double]])
        -> String
    {
        guard !full.isEmpty else { return "" }
        let whole = mean(full.map { $0[key] ?? 0 })
        return "\(fixed(100 * mean(runs.map { $0[key] ?? 0 }) / whole, 1))%"
    }

    private func mean(_ numbers: [Double]) -> Double {
        numbers.reduce(0, +) / Double(numbers.count)
    }

    private func deviation(_ numbers: [Double]) -> Double {
        let middle = mean(numbers)
        let squares = numbers.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
        return (squares / Double(max(numbers.count - 1, 1))).squareRoot()
    }

    private func fixed(_ number: Double, _ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let digits = String(Int((number * scale).rounded()))
        guard decimals > 0 else { return digits }
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        return "\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
    }
}
