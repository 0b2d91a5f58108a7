import Foundation
import Tensor
import TestSupport
import Testing

/// The steps of AdamW and SGD against the formulas of their papers.
@Suite struct OptimizerTests {
    static let counts = [1, 7, 16, 33, 16385]

    @Test(arguments: computableTypes, counts)
    func adamW(_ dtype: Tensor.DType, _ count: Int) {
        var parameter = Samples.normal([count], seed: 1, dtype: dtype)
        var (moment1, moment2) = (
            Tensor(zeros: [count], dtype: dtype), Tensor(zeros: [count], dtype: dtype)
        )
        var (w, m, v) = (doubles(parameter), doubles(moment1), doubles(moment2))
        let (rate, beta1, beta2, epsilon, decay, scale) = (0.01, 0.9, 0.999, 1e-8, 0.1, 0.5)
        for step in 1...5 {
            let gradient = Samples.normal([count], seed: 10 + UInt64(step), dtype: dtype)
            parameter.apply(
                Tensor.AdamWStep(
                    learningRate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                    weightDecay: decay, step: step, gradientScale: scale),
                gradient: gradient, moment1: &moment1, moment2: &moment2)
            for (index, raw) in doubles(gradient).enumerated() {
                let g = raw * scale
                m[index] = beta1 * m[index] + (1 - beta1) * g
                v[index] = beta2 * v[index] + (1 - beta2) * g * g
                let corrected1 = m[index] / (1 - pow(beta1, Double(step)))
                let corrected2 = v[index] / (1 - pow(beta2, Double(step)))
                w[index] -=
                    rate * (corrected1 / (corrected2.squareRoot() + epsilon) + decay * w[index])
            }
        }
        // Five steps of a few roundings each; a step is of size `rate` whatever the gradient.
        let u = Reference.roundoff(dtype)
        let tolerance = Tolerance(absolute: 40 * u, relative: 40 * u)
        #expect(mismatch(moment1, m, within: tolerance) == nil)
        #expect(mismatch(moment2, v, within: Tolerance(relative: 60 * u)) == nil)
        #expect(mismatch(parameter, w, within: tolerance) == nil)
    }

    /// The first step without decay moves every element by the rate, whatever its gradient.
    @Test(arguments: computableTypes)
    func firstAdamWStepHasTheSizeOfTheRate(_ dtype: Tensor.DType) {
        var parameter = Tensor(zeros: [3], dtype: dtype)
        var (moment1, moment2) = (parameter, parameter)
        parameter.apply(
            Tensor.AdamWStep(
                learningRate: 0.25, beta1: 0.9, beta2: 0.999, epsilon: 0, weightDecay: 0, step: 1,
                gradientScale: 1),
            gradient: Tensor([1e-3, -5, 1e3]).converted(to: dtype), moment1: &moment1,
            moment2: &moment2)
        let u = Reference.roundoff(dtype)
        #expect(
            mismatch(parameter, [-0.25, 0.25, -0.25], within: Tolerance(relative: 10 * u)) == nil)
    }

    @Test(arguments: computableTypes, counts)
    func sgdWithMomentum(_ dtype: Tensor.DType, _ count: Int) {
        var parameter = Samples.normal([count], seed: 1, dtype: dtype)
        var velocity = Tensor(repeating: .nan, shape: [count], dtype: dtype)
        var w = doubles(parameter)
        var b = [Double](repeating: 0, count: count)
        let (rate, momentum, decay, scale) = (0.1, 0.9, 0.05, 0.5)
        for step in 1...5 {
            let gradient = Samples.normal([count], seed: 10 + UInt64(step), dtype: dtype)
            parameter.apply(
                Tensor.SGDStep(
                    learningRate: rate, momentum: momentum, weightDecay: decay, isFirst: step == 1,
                    gradientScale: scale),
                gradient: Samples.strided(gradient), velocity: &velocity)
            for (index, g) in doubles(gradient).enumerated() {
                b[index] = momentum * b[index] + scale * g
                w[index] -= rate * (b[index] + decay * w[index])
            }
        }
        let u = Reference.roundoff(dtype)
        let tolerance = Tolerance(absolute: 40 * u, relative: 40 * u)
        #expect(mismatch(velocity, b, within: tolerance) == nil)
        #expect(mismatch(parameter, w, within: tolerance) == nil)
    }

    /// A parameter that lies in shared or strided memory gets its own before it is written.
    @Test func stepsLeaveCopiesAlone() {
        let original = Samples.normal([4, 6])
        let before = doubles(original)
        for view in [original, original.transposed(), Samples.strided(original)] {
            var parameter = view
            var velocity = Tensor(zeros: view.shape, dtype: .float64)
            parameter.apply(
                Tensor.SGDStep(
                    learningRate: 1, momentum: 0, weightDecay: 0, isFirst: true, gradientScale: 1),
                gradient: view, velocity: &velocity)
            #expect(doubles(parameter).allSatisfy { $0 == 0 })
            #expect(doubles(original) == before)
        }
    }
}
