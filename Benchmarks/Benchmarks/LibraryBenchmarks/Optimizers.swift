import Benchmark
import FineTune

/// One update of as many numbers as MiniLM's embeddings of words have.
func optimizers() {
    let shape: Tensor.Shape = [30_522, Size.width]
    let size = "30522 x \(Size.width)"
    measure("optimizer: AdamW, \(size)") {
        Updated(shape)
    } _: { updated in
        updated.value.apply(
            Tensor.AdamWStep(
                learningRate: 1e-5, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01,
                step: 10, gradientScale: 0.5),
            gradient: updated.gradient, moment1: &updated.first, moment2: &updated.second)
    }
    measure("optimizer: SGD with momentum, \(size)") {
        Updated(shape)
    } _: { updated in
        updated.value.apply(
            Tensor.SGDStep(
                learningRate: 1e-5, momentum: 0.9, weightDecay: 0.01, isFirst: false,
                gradientScale: 0.5),
            gradient: updated.gradient, velocity: &updated.first)
    }
    measure("optimizer: sum of squares, \(size)") {
        numbers(shape)
    } _: { gradient in
        blackHole(gradient.sumOfSquares())
    }
    measure("optimizer: gradient of embeddings, \(Size.tokens) rows of \(size)") {
        let indices = (0..<Size.tokens).map { Int32($0 * 7919 % 30_522) }
        return (indices: indices, rows: numbers([Size.tokens, Size.width]))
    } _: { indices, rows in
        var gradient = Tensor(zeros: shape)
        gradient.scatterAdd(rows, at: indices)
        blackHole(gradient)
    }
}

private final class Updated {
    var value: Tensor
    var first: Tensor
    var second: Tensor
    let gradient: Tensor

    init(_ shape: Tensor.Shape) {
        value = numbers(shape)
        gradient = numbers(shape)
        (first, second) = (Tensor(zeros: shape), Tensor(zeros: shape))
    }
}
