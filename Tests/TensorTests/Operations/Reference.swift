import Foundation
import Tensor
import TestSupport

/// The operations written as plainly as their definitions, in `Double`, over row-major arrays.
///
/// Inputs of the tested type convert to `Double` exactly, so that a result differs from its
/// reference by the rounding of the operation alone.
enum Reference {
    /// `u`: half the distance from 1 to the next number of the type.
    static func roundoff(_ dtype: Tensor.DType) -> Double {
        dtype == .float32 ? 0x1p-24 : 0x1p-53
    }

    /// `a [m, k] b [k, n]`.
    static func matmul(_ a: [Double], _ b: [Double], m: Int, n: Int, k: Int) -> [Double] {
        var c = [Double](repeating: 0, count: m * n)
        for row in 0..<m {
            for inner in 0..<k {
                let factor = a[row * k + inner]
                for column in 0..<n { c[row * n + column] += factor * b[inner * n + column] }
            }
        }
        return c
    }

    /// The transpose of `x [rows, columns]`.
    static func transposed(_ x: [Double], rows: Int, columns: Int) -> [Double] {
        (0..<rows * columns).map { x[$0 % rows * columns + $0 / rows] }
    }

    static func activation(_ activation: Activation, _ x: Double) -> Double {
        switch activation {
        case .identity: x
        case .relu: x.isNaN ? x : max(x, 0)
        case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
        case .geluTanh:
            // x / 2 (1 + tanh z) = x / (1 + exp(−2 z)), which does not cancel.
            x / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .tanh: tanh(x)
        case .sigmoid: 1 / (1 + exp(-x))
        case .silu: x / (1 + exp(-x))
        case .relu6: min(max(x, 0), 6)
        case .hardSigmoid: min(max(x + 3, 0), 6) / 6
        case .hardSwish: x * min(max(x + 3, 0), 6) / 6
        }
    }

    static func softmax(_ row: [Double]) -> [Double] {
        let largest = row.max() ?? 0
        let powers = row.map { exp($0 - largest) }
        let total = powers.reduce(0, +)
        return powers.map { $0 / total }
    }

    static func layerNorm(
        _ row: [Double], gamma: [Double], beta: [Double], epsilon: Double
    ) -> [Double] {
        let mean = mean(row)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        let deviation = (variance + epsilon).squareRoot()
        return row.indices.map { (row[$0] - mean) / deviation * gamma[$0] + beta[$0] }
    }

    /// The mean, exact to the last digit: what rounding took from each addition is added at the end
    /// (Neumaier's summation).
    static func mean(_ row: [Double]) -> Double {
        var (sum, lost) = (0.0, 0.0)
        for number in row {
            let next = sum + number
            lost += abs(sum) >= abs(number) ? (sum - next) + number : (number - next) + sum
            sum = next
        }
        return (sum + lost) / Double(row.count)
    }

    /// Self-attention of every head over one segment `[length, heads · width]`: the output, and the
    /// logarithm of each row's denominator. `multiplier` is what the probability of (head, row,
    /// column) is multiplied with.
    static func attention(
        query: [Double], key: [Double], value: [Double], length: Int, heads: Int, width: Int,
        multiplier: (_ head: Int, _ row: Int, _ column: Int) -> Double = { _, _, _ in 1 }
    ) -> (output: [Double], logSums: [Double]) {
        let stride = heads * width
        var output = [Double](repeating: 0, count: length * stride)
        var logSums = [Double](repeating: 0, count: length * heads)
        for head in 0..<heads {
            for row in 0..<length {
                let scores = (0..<length).map { column in
                    (0..<width).reduce(0.0) {
                        $0 + query[row * stride + head * width + $1]
                            * key[column * stride + head * width + $1]
                    } / Double(width).squareRoot()
                }
                let largest = scores.max() ?? 0
                logSums[row * heads + head] =
                    largest + log(scores.reduce(0) { $0 + exp($1 - largest) })
                for (column, probability) in softmax(scores).enumerated() {
                    let share = probability * multiplier(head, row, column)
                    for index in 0..<width {
                        output[row * stride + head * width + index] +=
                            share * value[column * stride + head * width + index]
                    }
                }
            }
        }
        return (output, logSums)
    }

    /// Philox4x32-10 (Salmon et al., SC 2011, section 4), from the paper's description.
    static func philox(counter: [UInt32], key: [UInt32]) -> [UInt32] {
        var (words, key) = (counter, key)
        for round in 0..<10 {
            if round > 0 {
                key[0] &+= 0x9E37_79B9
                key[1] &+= 0xBB67_AE85
            }
            let first = UInt64(words[0]) * 0xD251_1F53
            let second = UInt64(words[2]) * 0xCD9E_8D57
            words = [
                UInt32(second >> 32) ^ words[1] ^ key[0], UInt32(truncatingIfNeeded: second),
                UInt32(first >> 32) ^ words[3] ^ key[1], UInt32(truncatingIfNeeded: first),
            ]
        }
        return words
    }

    /// Element `position` of a dropout mask: 0, or `1 / (1 − rate)`. The layout of the counters is
    /// that of kernels/random.h.
    static func multiplier(_ mask: DropoutMask, at position: Int) -> Double {
        let (group, within) = (position / 64, position % 64)
        let block = UInt64(group) * 16 + UInt64(within % 16)
        let words = philox(
            counter: [
                UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32),
                mask.layer, mask.step,
            ],
            key: [
                UInt32(truncatingIfNeeded: mask.seed), UInt32(truncatingIfNeeded: mask.seed >> 32),
            ])
        return Double(words[within / 16]) < (mask.rate * 0x1p32).rounded(.down)
            ? 0 : 1 / (1 - mask.rate)
    }
}

/// The types that compute.
let computableTypes: [Tensor.DType] = [.float32, .float64]
