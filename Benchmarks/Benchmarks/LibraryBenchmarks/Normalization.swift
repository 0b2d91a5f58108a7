import Benchmark
import FineTune

/// Layer normalisation and softmax.
func normalization() {
    let shape: Tensor.Shape = [Size.tokens, Size.width]
    let size = "\(Size.tokens) x \(Size.width)"
    let makeAffine = { (gamma: numbers([Size.width]), beta: numbers([Size.width])) }
    measure("normalization: layer norm, \(size)") {
        (x: numbers(shape), affine: makeAffine())
    } _: { x, affine in
        blackHole(x.layerNormalized(gamma: affine.gamma, beta: affine.beta, epsilon: 1e-12))
    }
    measure("normalization: gradient of layer norm, \(size)") {
        let (x, affine) = (numbers(shape), makeAffine())
        let statistics = x.layerNormalized(
            gamma: affine.gamma, beta: affine.beta, epsilon: 1e-12
        ).statistics
        return (dy: numbers(shape), x: x, statistics: statistics, gamma: affine.gamma)
    } _: { operands in
        blackHole(
            operands.dy.layerNormGradient(
                input: operands.x, statistics: operands.statistics, gamma: operands.gamma))
    }
    measure("normalization: softmax, \(size)") {
        numbers(shape)
    } _: { x in
        blackHole(x.softmax())
    }
    measure("normalization: gradient of softmax, \(size)") {
        (numbers(shape), numbers(shape).softmax())
    } _: { dy, output in
        blackHole(dy.softmaxGradient(output: output))
    }
}
