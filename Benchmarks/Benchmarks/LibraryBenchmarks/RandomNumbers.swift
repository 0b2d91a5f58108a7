import Benchmark
import FineTune

/// Dropout, whose mask is drawn again in the backward pass, and the numbers that parameters begin
/// with.
func randomNumbers() {
    let shape: Tensor.Shape = [Size.tokens, Size.width]
    let size = "\(Size.tokens) x \(Size.width)"
    let mask = DropoutMask(rate: 0.1, seed: 0, layer: 1, step: 1)
    measure("random: dropout, \(size)") {
        numbers(shape)
    } _: { x in
        blackHole(x.dropped(mask))
    }
    measure("random: dropout and residual, \(size)") {
        (numbers(shape), numbers(shape))
    } _: { x, residual in
        blackHole(x.dropped(mask, adding: residual))
    }
    measure("random: normal numbers, \(Size.width) x \(Size.width)") {
        RandomStream(seed: 0)
    } _: { stream in
        var stream = stream
        blackHole(Tensor(normal: [Size.width, Size.width], using: &stream))
    }
}
