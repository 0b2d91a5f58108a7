import Autograd
import Layers
import Tensor
import TestSupport
import Testing

/// Where products round their operands to bfloat16, adapters keep what they have learned.
@Suite(.enabled(if: Tensor.Precision.bfloat16.isSupported, "the CPU has no bfloat16 products"))
struct AdapterPrecisionTests {
    /// An update of a thousandth of the weight, which bfloat16's 8 bits would not see in the sum.
    @Test(arguments: [Adapter.lora(rank: 3), .doRA(rank: 3)])
    func aSmallUpdateIsNotLost(_ adapter: Adapter) throws {
        let source = ParameterSource(initializing: .float32, seed: 3)
        let map = try Linear(
            inputSize: 64, outputSize: 48, initial: .normal(standardDeviation: 1),
            from: source["map"])
        let made = try #require(
            try adapter.makeLinearAdapter(for: map, role: .query, from: source) as? LowRankAdapter)
        made.up.value = Samples.normal([48, 3], dtype: .float32, deviation: 5e-4)
        let x = Samples.normal([40, 64], seed: 5, dtype: .float32)

        let merged = made.merged(weight: map.weight.value, bias: nil)
        let expected = x.linear(weight: merged.weight - map.weight.value).output
        for parameter in made.parameters { parameter.isTrainable = true }
        let pass = Pass.training(seed: 0, step: 0)
        let (found, gradients) = Tensor.Precision.bfloat16.applied {
            let plain = map(Variable(x), in: pass).value
            map.adapter = made
            let output = map(Variable(x), in: pass)
            output.backward(seed: x.sliced(0..<48, axis: 1))
            return (output.value - plain, made.parameters.map(\.gradient))
        }
        #expect(normMismatch(found, expected, relative: 0.05) == nil)
        for parameter in made.parameters { parameter.clearGradient() }
        map(Variable(x), in: pass).backward(seed: x.sliced(0..<48, axis: 1))
        for (parameter, rounded) in zip(made.parameters, gradients) {
            #expect(
                normMismatch(
                    try #require(rounded), try #require(parameter.gradient), relative: 0.02) == nil)
        }
    }
}
