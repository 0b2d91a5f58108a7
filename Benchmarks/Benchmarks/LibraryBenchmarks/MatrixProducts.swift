import Benchmark
import FineTune

/// The products of a layer, forward and backward, in the sizes of a full and of a small batch.
func matrixProducts() {
    let maps = [
        ("attention in", Size.width, 3 * Size.width), ("attention out", Size.width, Size.width),
        ("feed forward in", Size.width, Size.inner), ("feed forward out", Size.inner, Size.width),
    ]
    for tokens in [Size.tokens, 16] {
        for (name, inputs, outputs) in maps {
            let size = "\(tokens) x \(inputs) x \(outputs)"
            measure("products: \(name), x Wᵀ, \(size)") {
                (numbers([tokens, inputs]), numbers([outputs, inputs]))
            } _: { x, weight in
                blackHole(Tensor.matmul(x, weight, transposingB: true))
            }
            measure("products: \(name), dy W, \(size)") {
                (numbers([tokens, outputs]), numbers([outputs, inputs]))
            } _: { dy, weight in
                blackHole(Tensor.matmul(dy, weight))
            }
            measure("products: \(name), dyᵀ x, \(size)") {
                (numbers([tokens, outputs]), numbers([tokens, inputs]))
            } _: { dy, x in
                blackHole(Tensor.matmul(dy, x, transposingA: true))
            }
        }
    }
    measure("products: linear with bias and GELU, \(Size.tokens) x \(Size.width) x \(Size.inner)") {
        (
            x: numbers([Size.tokens, Size.width]), weight: numbers([Size.inner, Size.width]),
            bias: numbers([Size.inner])
        )
    } _: { operands in
        blackHole(
            operands.x.linear(
                weight: operands.weight, bias: operands.bias, activation: .gelu,
                keepingInput: true))
    }
}
