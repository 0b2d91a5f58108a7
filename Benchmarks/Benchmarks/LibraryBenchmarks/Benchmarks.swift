import Benchmark
import FineTune
import Foundation

/// All benchmarks, by family. (The package's build plugin would write this entry point, but it has to
/// be built first, which takes longer than what it saves.)
@main
struct Benchmarks: BenchmarkRunnerHooks {
    static func registerBenchmarks() {
        Benchmark.defaultConfiguration = .init(metrics: [.wallClock], maxDuration: .seconds(1))
        matrixProducts()
        elementwise()
        normalization()
        attention()
        randomNumbers()
        optimizers()
        tokenizer()
        files()
        data()
        endToEnd()
    }
}

/// Adds a benchmark. What it works on is made when it runs, outside the time that is measured.
///
/// - Parameters:
///   - name: The family, the operation and the sizes.
///   - seconds: How long to repeat it.
///   - operands: Makes what it works on.
///   - body: What is measured.
func measure<Operands>(
    _ name: String, seconds: Int = 1, on operands: @escaping () throws -> Operands,
    _ body: @escaping (Operands) throws -> Void
) {
    Benchmark(
        name, configuration: .init(maxDuration: .seconds(seconds)),
        closure: { (_: Benchmark, operands: Operands) in try body(operands) },
        setup: { try operands() })
}

/// Normally distributed numbers.
func numbers(_ shape: Tensor.Shape, deviation: Double = 1) -> Tensor {
    var stream = RandomStream(seed: UInt64(shape.elementCount))
    return Tensor(normal: shape, standardDeviation: deviation, using: &stream)
}

/// The sizes of MiniLM and of its batch of 32 texts of 128 tokens.
enum Size {
    static let tokens = 4096
    static let width = 384
    static let inner = 1536
    static let heads = 12
}

/// The files that Benchmarks/run.sh names.
enum Input {
    static func model() throws -> String { try path("FINETUNE_BENCHMARK_MODEL") }

    /// The TREC questions with their classes.
    static func questions() throws -> LabeledTexts {
        try LabeledTexts(lines: path("FINETUNE_BENCHMARK_QUESTIONS")) { line in
            guard let colon = line.firstIndex(of: ":"), let space = line.firstIndex(of: " ")
            else { return nil }
            return (String(line[line.index(after: space)...]), String(line[..<colon]))
        }
    }

    static func path(_ variable: String) throws -> String {
        guard let path = ProcessInfo.processInfo.environment[variable] else {
            throw MissingVariable(name: variable)
        }
        return path
    }

    struct MissingVariable: Error, CustomStringConvertible {
        let name: String
        var description: String { "\(name) is not set; start with Benchmarks/run.sh" }
    }
}
