import Autograd
import Layers
import Tensor
import TestSupport
import Testing

@Suite struct DropoutTests {
    private let pass = Pass.training(seed: 1, step: 2)

    @Test func maskIsAFunctionOfPathSeedAndStep() {
        let dropout = Dropout(rate: 0.3, path: "encoder.0")
        let mask = dropout.mask(pass)
        #expect(mask?.rate == 0.3 && mask?.seed == 1 && mask?.step == 2)
        #expect(mask == Dropout(rate: 0.3, path: "encoder.0").mask(pass))
        #expect(mask != Dropout(rate: 0.3, path: "encoder.1").mask(pass))
        #expect(mask != dropout.mask(.training(seed: 1, step: 3)))
        #expect(mask != dropout.mask(.training(seed: 2, step: 2)))
    }

    @Test func nothingIsDroppedWhenNothingShould() {
        let dropout = Dropout(rate: 0.3, path: "a")
        #expect(dropout.mask(.inference) == nil)
        #expect(dropout.mask(pass.withoutDropout) == nil)
        #expect(Dropout(rate: 0, path: "a").mask(pass) == nil)
        #expect(!pass.withoutDropout.drops && pass.withoutDropout.recordsGradients)
        #expect(!Pass.inference.recordsGradients)
    }

    /// The layer's number is a hash of 32 bits: no two paths of a large model may share one.
    @Test func pathsOfALargeModelDoNotCollide() throws {
        let names = TransformerLayer.Names.bert
        let paths =
            ["bert.embeddings", "bert.pooler.dense.input", "classifier.input"]
            + (0..<48).flatMap { layer in
                [names.query + ".probabilities", names.attentionOutput, names.output].map {
                    "bert.encoder.layer.\(layer).\($0)"
                }
            }
        let layers = try paths.map { try #require(Dropout(rate: 0.1, path: $0).mask(pass)).layer }
        #expect(Set(layers).count == paths.count)
    }

    /// Each place in a model drops other elements, and a place the same ones whatever the model
    /// has besides.
    @Test func placesAreIndependent() throws {
        let inputs = Features(
            Variable(Samples.normal([50, 32], dtype: .float32)), segments: Segments(lengths: [50]))
        let configuration = Classifier.configuration(.bert)
        let layer = { (index: Int, before: Int) in
            let source = ParameterSource(initializing: .float32, seed: 5)["encoder"]
            for other in 0..<before {
                _ = try TransformerLayer(
                    index: other, configuration: configuration, from: source[other])
            }
            let layer = try TransformerLayer(
                index: index, configuration: configuration, from: source[index])
            return layer(inputs, in: pass).value.value
        }
        #expect(try sameBits(layer(3, 0), layer(3, 3)))
        #expect(try !sameBits(layer(3, 0), layer(2, 0)))
    }

    @Test(arguments: TransformerConfiguration.Family.allCases)
    func aModelDropsInTrainingOnly(_ family: TransformerConfiguration.Family) throws {
        let classifier = try Classifier(fixture: family, dtype: .float32)
        let batch = try FixtureBatch(
            fixture("families/\(family.rawValue)/expected.safetensors"), dtype: .float32)
        let logits = { (pass: Pass) in classifier(batch.features, in: pass).logits.value }
        #expect(sameBits(logits(pass), logits(pass)), "the same pass draws the same masks")
        #expect(!sameBits(logits(pass), logits(.training(seed: 1, step: 3))))
        #expect(!sameBits(logits(pass), logits(.inference)))
        #expect(sameBits(logits(pass.withoutDropout), logits(.inference)))
    }
}
