#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How far a classifier's probabilities can be trusted: whether of the answers that it gives with 80%,
/// 80% are right.
public struct CalibrationMetrics: Sendable, Hashable, CustomStringConvertible {
    /// The answers whose probability lies in one interval.
    public struct Bin: Sendable, Hashable {
        /// The number of answers.
        public let count: Int
        /// The mean of their probabilities; 0 without any.
        public let confidence: Double
        /// The part of them that is right; 0 without any.
        public let accuracy: Double
    }

    /// The number of examples.
    public let count: Int
    /// The answers by the probability p of the answer, which is the largest of its row: bin m of M holds
    /// those with `m / M < p ≤ (m + 1) / M`, counted from 0.
    public let bins: [Bin]
    /// `Σ n / N · |accuracy − confidence|` over the bins, each with n of N answers (Naeini, Cooper and
    /// Hauskrecht, AAAI 2015; Guo et al. 2017, arXiv:1706.04599, equation 3).
    public let expectedCalibrationError: Double
    /// The mean of `−log p` for the probability p of the true class.
    public let negativeLogLikelihood: Double

    /// Compares probabilities with true classes.
    ///
    /// - Parameters:
    ///   - probabilities: One row for each example, one number for each class.
    ///   - targets: The true class of each example.
    ///   - binCount: 15, as in Guo et al.
    /// - Precondition: There are as many rows as targets, and at least one bin.
    public init(probabilities: [[Double]], targets: [Int], binCount: Int = 15) {
        precondition(
            probabilities.count == targets.count && binCount > 0,
            "\(probabilities.count) rows do not match \(targets.count) targets")
        var sums = [(count: Int, confidence: Double, hits: Int)](
            repeating: (0, 0, 0), count: binCount)
        var loss = 0.0
        for (row, target) in zip(probabilities, targets) {
            let confidence = row.max() ?? 0
            let place = (confidence * Double(binCount)).rounded(.up) - 1
            let bin = confidence.isNaN ? 0 : max(0, min(binCount - 1, Int(place)))
            sums[bin].count += 1
            sums[bin].confidence += confidence
            sums[bin].hits += row.firstIndex(of: confidence) == target ? 1 : 0
            loss -= log(row[target])
        }
        count = targets.count
        bins = sums.map { sum in
            let size = Double(max(sum.count, 1))
            return Bin(
                count: sum.count, confidence: sum.confidence / size,
                accuracy: Double(sum.hits) / size)
        }
        let total = Double(max(count, 1))
        expectedCalibrationError = bins.reduce(0) {
            $0 + Double($1.count) / total * abs($1.accuracy - $1.confidence)
        }
        negativeLogLikelihood = loss / total
    }

    /// Such as `expected calibration error 0.034, negative log-likelihood 0.412 (1077 examples)`.
    public var description: String {
        "expected calibration error \(expectedCalibrationError.formatted(decimals: 3)), "
            + "negative log-likelihood \(negativeLogLikelihood.formatted(decimals: 3)) "
            + "(\(count) example\(count == 1 ? "" : "s"))"
    }
}
