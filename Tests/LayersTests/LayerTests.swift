import Autograd
import Layers
import Tensor
import TestSupport
import Testing

/// Layers that the parity of whole models does not reach.
@Suite struct LayerTests {
    /// Adds `x downᵀ upᵀ`, as LoRA does.
    private final class LowRank: LinearAdapter {
        let down: Parameter, up: Parameter

        init(from source: ParameterSource) throws {
            down = try source.parameter(
                "down", shape: [2, 4], kind: .weight, initial: .normal(standardDeviation: 1))
            up = try source.parameter(
                "up", shape: [3, 2], kind: .weight, initial: .normal(standardDeviation: 1))
        }

        var parameters: [Parameter] { [down, up] }

        func output(for x: Variable, weight: Variable, bias: Variable?, in pass: Pass) -> Variable {
            x.linear(weight: weight, bias: bias)
                + x.linear(weight: down.variable(in: pass)).linear(weight: up.variable(in: pass))
        }

        func merged(weight: Tensor, bias: Tensor?) -> (weight: Tensor, bias: Tensor?) {
            (weight + Tensor.matmul(up.value, down.value), bias)
        }
    }

    @Test(arguments: [Activation.identity, .gelu])
    func adapterTakesPartBeforeTheActivation(_ activation: Activation) throws {
        let source = ParameterSource(initializing: .float64, seed: 3)
        let linear = try Linear(inputSize: 4, outputSize: 3, from: source)
        #expect(linear.parameters.map(\.path) == ["weight", "bias"])
        let adapter = try LowRank(from: source["adapter"])
        let x = Samples.normal([5, 4])
        let pass = Pass.training(seed: 1, step: 1)
        let plain = linear(Variable(x), in: pass).value
        linear.adapter = adapter
        #expect(
            linear.parameters.map(\.path) == ["weight", "bias", "adapter.down", "adapter.up"])
        let added = Tensor.matmul(
            Tensor.matmul(x, adapter.down.value, transposingB: true), adapter.up.value,
            transposingB: true)
        let output = linear(Variable(x), activation: activation, in: pass).value
        #expect(
            mismatch(
                output, (plain + added).activated(activation), within: Tolerance(absolute: 1e-14))
                == nil)
        // Only the adapter trains: the frozen weight gets no gradient.
        for parameter in adapter.parameters { parameter.isTrainable = true }
        linear(Variable(x), activation: activation, in: pass).sum().backward()
        #expect(linear.weight.gradient == nil && linear.bias?.gradient == nil)
        #expect(adapter.down.gradient?.shape == [2, 4] && adapter.up.gradient?.shape == [3, 2])
        linear.adapter = nil
        #expect(sameBits(linear(Variable(x), in: pass).value, plain))
    }

    @Test func linearWithoutBias() throws {
        let source = ParameterSource(initializing: .float64, seed: 3)
        let linear = try Linear(inputSize: 4, outputSize: 3, hasBias: false, from: source)
        #expect(linear.bias == nil)
        #expect(source.parameters.map(\.path) == ["weight"])
        let zero = linear(Variable(Tensor(zeros: [2, 4], dtype: .float64)), in: .inference)
        #expect(doubles(zero.value).allSatisfy { $0 == 0 })
    }

    @Test func embeddingLooksRowsUp() throws {
        let source = ParameterSource(initializing: .float64, seed: 3)
        let embedding = try Embedding(count: 7, width: 5, from: source)
        let rows = embedding([6, 0, 6], in: .inference).value
        #expect(sameBits(rows[0], embedding.weight.value[6]))
        #expect(sameBits(rows[1], embedding.weight.value[0]))
        #expect(sameBits(rows[2], rows[0]))
        #expect(embedding.weight.kind == .embedding)
    }

    @Test func layerNormBeginsAsPlainNormalisation() throws {
        let source = ParameterSource(initializing: .float64, seed: 3)
        let norm = try LayerNorm(size: 6, epsilon: 1e-12, from: source)
        #expect(norm.parameters.map(\.kind) == [.normalization, .normalizationShift])
        let y = norm(Variable(Samples.normal([4, 6]) * 5 + 3), in: .inference).value
        #expect(mismatch(y.mean(axis: 1), [0, 0, 0, 0], within: Tolerance(absolute: 1e-12)) == nil)
        #expect(
            mismatch(y.squared().mean(axis: 1), [1, 1, 1, 1], within: Tolerance(absolute: 1e-9))
                == nil)
    }

    @Test func poolersJoinTheTokensOfEachSequence() throws {
        let x = Samples.normal([6, 4])
        let input = Features(Variable(x), segments: Segments(lengths: [2, 1, 3]))
        let mean = Pooler(.mean)(input, in: .inference)
        #expect(mean.value.shape == [3, 4] && mean.segments.count == 3)
        #expect(sameBits(mean.value.value[1], x[2]))
        #expect(
            mismatch(
                mean.value.value[0], ((x[0] + x[1]) * 0.5), within: Tolerance(absolute: 1e-15))
                == nil)
        let first = Pooler(.firstToken)(input, in: .inference).value.value
        for (row, token) in [0, 2, 3].enumerated() { #expect(sameBits(first[row], x[token])) }
        #expect(Pooler(.mean).parameters.isEmpty && Pooler(.firstToken).parameters.isEmpty)

        let source = ParameterSource(initializing: .float64, seed: 3)
        let dense = try Pooler(width: 4, activation: .tanh, dropoutRate: 0.5, from: source["dense"])
        let pooled = dense(input, in: .inference).value.value
        let weights = dense.parameters.map(\.value)
        let expected = first.linear(weight: weights[0], bias: weights[1], activation: .tanh).output
        #expect(sameBits(pooled, expected))
        #expect(!sameBits(dense(input, in: .training(seed: 1, step: 1)).value.value, pooled))
    }

    @Test func stagesSayWhatTheyAre() throws {
        let classifier = try Classifier(fixture: .distilBERT, dtype: .float32)
        #expect(classifier.stages.map(\.name) == ["embeddings", "layer 0", "layer 1", "pooler"])
        #expect(Classifier.configuration(.roberta).maximumLength == 38)
        #expect(Classifier.configuration(.bert).maximumLength == 40)
    }
}
