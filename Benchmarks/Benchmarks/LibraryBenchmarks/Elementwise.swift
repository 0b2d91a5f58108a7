import Benchmark
import FineTune

/// Passes over one activation of a layer.
func elementwise() {
    let shape: Tensor.Shape = [Size.tokens, Size.inner]
    let size = "\(Size.tokens) x \(Size.inner)"
    measure("elementwise: add, \(size)") {
        (numbers(shape), numbers(shape))
    } _: { a, b in
        blackHole(a + b)
    }
    measure("elementwise: accumulate in place, \(size)") {
        Accumulator(numbers(shape))
    } _: { accumulator in
        accumulator.sum.accumulate(accumulator.addend)
    }
    measure("elementwise: exp, \(size)") {
        numbers(shape)
    } _: { x in
        blackHole(x.exp())
    }
    for activation in Activation.allCases where activation != .identity {
        measure("elementwise: \(activation), \(size)") {
            numbers(shape)
        } _: { x in
            blackHole(x.activated(activation))
        }
        measure("elementwise: gradient of \(activation), \(size)") {
            (numbers(shape), numbers(shape))
        } _: { dy, x in
            blackHole(dy.activationGradient(activation, input: x))
        }
    }
    measure("elementwise: sum of columns, \(size)") {
        numbers(shape)
    } _: { x in
        blackHole(x.sum(axis: 0))
    }
    measure("elementwise: float32 to bfloat16, \(size)") {
        numbers(shape)
    } _: { x in
        blackHole(x.converted(to: .bfloat16))
    }
}

private final class Accumulator {
    var sum: Tensor
    let addend: Tensor

    init(_ addend: Tensor) { (sum, self.addend) = (Tensor(zeros: addend.shape), addend) }
}
