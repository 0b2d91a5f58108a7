import ArgumentParser
import FineTune

/// How good heads are on real data: what `Documentation/Heads.md` says.
@main
struct HeadBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures heads on real data, over several seeds.",
        subcommands: [FewShot.self, Addresses.self, Forgetting.self])
}

/// TREC's questions with their coarse classes, each once.
func labeledQuestions(contentsOf path: String) throws -> LabeledTexts {
    try LabeledTexts(lines: path) { line in
        guard let colon = line.firstIndex(of: ":"), let space = line.firstIndex(of: " ")
        else { return nil }
        return (String(line[line.index(after: space)...]), String(line[..<colon]))
    }.deduplicated()
}

/// Scores of several seeds.
struct Scores: CustomStringConvertible {
    var values: [Double] = []

    var mean: Double { values.reduce(0, +) / Double(max(values.count, 1)) }

    /// With n − 1 in its denominator.
    var standardDeviation: Double {
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(max(values.count - 1, 1))).squareRoot()
    }

    /// Such as `0.812 ± 0.024`.
    var description: String { "\(rounded(mean, 3)) ± \(rounded(standardDeviation, 3))" }
}

/// A number with so many decimals, at least one.
func rounded(_ number: Double, _ decimals: Int) -> String {
    let scale = (0..<decimals).reduce(1) { product, _ in product * 10 }
    let whole = Int((number * Double(scale)).rounded())
    let digits = String(whole % scale)
    let zeros = String(repeating: "0", count: decimals - digits.count)
    return "\(whole / scale).\(zeros)\(digits)"
}

/// The seconds that `body` takes, and its result.
func timed<Result>(_ body: () async throws -> Result) async rethrows -> (Result, seconds: Double) {
    let start = ContinuousClock.now
    let result = try await body()
    return (result, (ContinuousClock.now - start) / .seconds(1))
}
