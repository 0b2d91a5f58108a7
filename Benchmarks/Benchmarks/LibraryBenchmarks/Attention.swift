import Benchmark
import FineTune

/// Attention over the same number of tokens in segments of different lengths.
func attention() {
    for length in [16, 128, 512] {
        for rate in [0, 0.1] {
            let suffix = "\(Size.tokens / length) x \(length), dropout \(rate)"
            measure("attention: forward, \(suffix)") {
                AttentionOperands(length: length, dropoutRate: rate)
            } _: { operands in
                blackHole(operands.attend())
            }
            measure("attention: gradient, \(suffix)") {
                let operands = AttentionOperands(length: length, dropoutRate: rate)
                return (operands: operands, logSums: operands.attend().logSums)
            } _: { operands, logSums in
                blackHole(
                    operands.dy.attentionGradient(
                        query: operands.query, key: operands.key, value: operands.value,
                        logSums: logSums, settings: operands.settings))
            }
        }
    }
}

private struct AttentionOperands {
    let query = numbers([Size.tokens, Size.width])
    let key = numbers([Size.tokens, Size.width])
    let value = numbers([Size.tokens, Size.width])
    let dy = numbers([Size.tokens, Size.width])
    let settings: Tensor.AttentionSettings

    init(length: Int, dropoutRate: Double) {
        settings = Tensor.AttentionSettings(
            segments: Segments(lengths: Array(repeating: length, count: Size.tokens / length)),
            heads: Size.heads,
            dropout: dropoutRate > 0
                ? DropoutMask(rate: dropoutRate, seed: 0, layer: 1, step: 1) : nil)
    }

    func attend() -> (output: Tensor, logSums: Tensor) {
        Tensor.attention(query: query, key: key, value: value, settings: settings)
    }
}
