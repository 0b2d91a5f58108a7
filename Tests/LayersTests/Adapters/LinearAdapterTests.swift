import Autograd
import Layers
import Tensor
import TestSupport
import Testing

/// Adapters on one linear map, in float64.
@Suite struct LinearAdapterTests {
    private static let (inputs, outputs) = (20, 12)
    private static let tight = Tolerance(absolute: 1e-12, relative: 1e-12)

    /// A map with an adapter whose numbers are drawn anew.
    private static func adapted(
        _ adapter: Adapter, role: LinearRole = .query, seed: UInt64 = 1, isTrained: Bool = true
    ) throws -> (map: Linear, adapter: any LinearAdapter) {
        let source = ParameterSource(initializing: .float64, seed: 3)
        let map = try Linear(
            inputSize: inputs, outputSize: outputs, initial: .normal(standardDeviation: 1),
            from: source["map"])
        map.bias?.value = Samples.normal([outputs], seed: 9)
        let made = try adapter.makeLinearAdapter(for: map, role: role, from: source)
        if isTrained {
            for (index, parameter) in made.parameters.enumerated() {
                let noise = Samples.normal(
                    parameter.value.shape, seed: seed * 10 + UInt64(index), deviation: 0.3)
                parameter.value =
                    parameter.kind == .scale
                    ? parameter.value * (noise + 1) : parameter.value + noise
            }
        }
        return (map, made)
    }

    static let kinds: [Adapter] = [
        .lora(rank: 3), .rsLoRA(rank: 3), .doRA(rank: 3), .piSSA(rank: 3), .ia3(),
    ]

    /// With few rows and with many.
    @Test(arguments: kinds, [LinearRole.query, .feedForwardOut])
    func theMergedWeightComputesTheSame(_ adapter: Adapter, _ role: LinearRole) throws {
        let (map, made) = try Self.adapted(adapter, role: role)
        let merged = made.merged(weight: map.weight.value, bias: map.bias?.value)
        for rows in [1, 3, 40] {
            let x = Samples.normal([rows, Self.inputs], seed: 5)
            map.adapter = made
            let output = map(Variable(x), activation: .gelu, in: .inference).value
            let expected = x.linear(
                weight: merged.weight, bias: merged.bias, activation: .gelu
            ).output
            #expect(mismatch(output, expected, within: Self.tight) == nil)
            map.adapter = nil
            let plain = map(Variable(x), activation: .gelu, in: .inference).value
            #expect(mismatch(plain, expected, within: Tolerance(absolute: 1e-3)) != nil)
        }
    }

    @Test(arguments: kinds)
    func aNewAdapterChangesNothing(_ adapter: Adapter) throws {
        let (map, made) = try Self.adapted(adapter, isTrained: false)
        let merged = made.merged(weight: map.weight.value, bias: map.bias?.value)
        #expect(mismatch(merged.weight, map.weight.value, within: Self.tight) == nil)
        #expect(merged.bias.map { sameBits($0, map.bias?.value ?? $0) } == true)
    }

    @Test func scalesAreThoseOfThePapers() {
        #expect(Adapter.lora(rank: 8, alpha: 16).scale == 2)
        #expect(Adapter.doRA(rank: 4, alpha: 2).scale == 0.5)
        #expect(Adapter.rsLoRA(rank: 16, alpha: 8).scale == 2)
        #expect(Adapter.piSSA(rank: 5).scale == 1)
    }

    @Test func numbersBeginAsInThePapers() throws {
        let (map, made) = try Self.adapted(.doRA(rank: 3), isTrained: false)
        let dora = try #require(made as? LowRankAdapter)
        #expect(dora.up.value.sumOfSquares() == 0)
        let limit = 1 / Double(Self.inputs).squareRoot()
        let down = doubles(dora.down.value)
        #expect(down.allSatisfy { abs($0) <= limit })
        #expect(down.contains { abs($0) > limit / 2 })
        let rows = doubles(map.weight.value)
        let lengths = (0..<Self.outputs).map { row in
            rows[row * Self.inputs..<(row + 1) * Self.inputs].reduce(0) { $0 + $1 * $1 }
                .squareRoot()
        }
        #expect(
            mismatch(try #require(dora.magnitude).value, lengths, within: Self.tight) == nil)
        #expect(dora.parameters.map(\.kind) == [.lowRank, .lowRank, .scale])
        #expect(
            dora.parameters.map(\.path) == [
                "map.lora_A.weight", "map.lora_B.weight", "map.lora_magnitude_vector",
            ])
        let (_, scaling) = try Self.adapted(.ia3(), isTrained: false)
        #expect(scaling.parameters.map(\.path) == ["map.ia3_l"])
        #expect(doubles(scaling.parameters[0].value).allSatisfy { $0 == 1 })
    }

    /// The factors hold the largest singular values; what is left of the weight has the others.
    @Test(arguments: [1, 3, 12, 15])
    func piSSABeginsWithThePrincipalDirections(_ rank: Int) throws {
        let (map, made) = try Self.adapted(.piSSA(rank: rank), isTrained: false)
        let factors = try #require(made as? LowRankAdapter)
        let product = Tensor.matmul(factors.up.value, factors.down.value)
        let all = doubles(try map.weight.value.singularValueDecomposition().singularValues)
        let kept = doubles(try product.singularValueDecomposition().singularValues)
        let left = doubles(
            try (map.weight.value - product).singularValueDecomposition().singularValues)
        for (index, value) in all.enumerated() {
            let (inside, outside) = index < rank ? (value, 0) : (0, value)
            #expect(abs(kept[index] - inside) < 1e-10)
            // In descending order: those that are left come first.
            let place = index < rank ? Self.outputs - 1 - index : index - rank
            #expect(abs(left[place] - outside) < 1e-10)
        }
        // Both factors carry half of each value.
        #expect(
            mismatch(
                factors.down.value.sumOfSquares(), factors.up.value.sumOfSquares(),
                within: Self.tight) == nil)
        #expect(factors.plainRank == 2 * rank)
        let plain = factors.plainFactors
        #expect(
            mismatch(
                Tensor.matmul(plain.up, plain.down), Tensor(zeros: product.shape, dtype: .float64),
                within: Tolerance(absolute: 1e-10)) == nil)
    }

    /// The lengths count as constants, so the gradients are those of a map whose rows are divided by
    /// what they are now.
    @Test func doRAKeepsTheLengthsConstant() throws {
        let (map, made) = try Self.adapted(.doRA(rank: 3))
        let dora = try #require(made as? LowRankAdapter)
        let magnitude = try #require(dora.magnitude)
        for parameter in dora.parameters { parameter.isTrainable = true }
        map.adapter = made
        let x = Samples.normal([40, Self.inputs], seed: 5)
        let output = map(Variable(x), in: .training(seed: 1, step: 1))
        let seed = Samples.normal(output.shape, seed: 6)
        output.backward(seed: seed)

        let sum =
            map.weight.value + Tensor.matmul(dora.up.value, dora.down.value) * dora.scale
        let lengths = sum.rowLengths.reshaped([Self.outputs, 1])
        let sinks = (0..<3).map { _ in ReceivedGradient() }
        let down = Variable(dora.down.value, gradientTo: sinks[0])
        let up = Variable(dora.up.value, gradientTo: sinks[1])
        let length = Variable(magnitude.value, gradientTo: sinks[2])
        let direction =
            (Variable(map.weight.value) + Variable.matmul(up, down) * dora.scale)
            / Variable(lengths)
        let weight = direction * length.reshaped([Self.outputs, 1])
        let expected = Variable(x).linear(
            weight: weight, bias: map.bias.map { Variable($0.value) })
        #expect(mismatch(output.value, expected.value, within: Self.tight) == nil)
        expected.backward(seed: seed)
        for (parameter, sink) in zip(dora.parameters, sinks) {
            let (found, wanted) = (
                try #require(parameter.gradient), try #require(sink.gradient)
            )
            #expect(normMismatch(found, wanted, relative: 1e-12) == nil)
        }
    }

    /// Dropout hides parts of the input from the update alone, and only while training.
    @Test(arguments: [Adapter.lora(rank: 3, dropoutRate: 0.5), .doRA(rank: 3, dropoutRate: 0.5)])
    func dropoutIsOnTheUpdate(_ adapter: Adapter) throws {
        let (map, made) = try Self.adapted(adapter)
        map.adapter = made
        let x = Variable(Samples.normal([40, Self.inputs], seed: 5))
        let still = map(x, in: .inference).value
        #expect(sameBits(map(x, in: .training(seed: 1, step: 1).withoutDropout).value, still))
        let first = map(x, in: .training(seed: 1, step: 1)).value
        #expect(sameBits(map(x, in: .training(seed: 1, step: 1)).value, first))
        #expect(!sameBits(map(x, in: .training(seed: 1, step: 2)).value, first))
        // In the mean over masks nothing changes: each is off by chance, not by a factor.
        let steps = 400
        let mean = (0..<steps).reduce(Tensor(zeros: still.shape, dtype: .float64)) {
            $0 + map(x, in: .training(seed: 2, step: UInt32($1))).value * (1 / Double(steps))
        }
        let error = (mean - still).sumOfSquares().squareRoot()
        #expect(
            error < 3 * (first - still).sumOfSquares().squareRoot() / Double(steps).squareRoot())
    }
}
