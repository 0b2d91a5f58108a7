import FineTune
import Foundation

/// The lines of JSON that runs printed, each with the recipe that it belongs to.
public struct Runs {
    private let lines: [JSON]

    /// The lines of a file.
    ///
    /// - Throws: `FileError`, or what is no JSON.
    public init(file path: String) throws {
        let mapped = try MappedFile(path: path)
        lines = try withExtendedLifetime(mapped) {
            try mapped.bytes.split(separator: UInt8(ascii: "\n")).map {
                try JSON(parsing: Array($0))
            }
        }
    }

    /// The recipes, in the order in which they are met.
    public var recipes: [String] {
        var names: [String] = []
        for name in lines.compactMap({ $0["recipe"]?.string }) where !names.contains(name) {
            names.append(name)
        }
        return names
    }

    /// The numbers of each run of a recipe.
    public func numbers(of recipe: String) -> [[String: Double]] {
        lines.filter { $0["recipe"]?.string == recipe }.map { line in
            var numbers: [String: Double] = [:]
            for (key, value) in line.object ?? [:] { numbers[key] = value.double }
            return numbers
        }
    }
}

/// The mean.
public func mean(_ numbers: [Double]) -> Double {
    numbers.reduce(0, +) / Double(numbers.count)
}

/// The standard deviation of a sample: n − 1 in the denominator.
public func deviation(_ numbers: [Double]) -> Double {
    let middle = mean(numbers)
    let squares = numbers.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
    return (squares / Double(max(numbers.count - 1, 1))).squareRoot()
}

/// A number of 0 and more with so many decimals.
public func fixed(_ number: Double, _ decimals: Int) -> String {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let digits = String(Int((number * scale).rounded()))
    guard decimals > 0 else { return digits }
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    return "\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
}

/// What this process computed for, on all its threads: other programs do not add to it.
public func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
