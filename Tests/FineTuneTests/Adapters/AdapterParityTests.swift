@testable import FineTune
import TestSupport
import Testing

/// What PEFT saved loads here, and computes, learns and steps as in PEFT.
@Suite struct AdapterParityTests {
    /// PyTorch's own float32 logits are up to 4e-7 away from its float64.
    private let tolerance = Tolerance(absolute: 5e-6)

    @Test(arguments: AdapterFixture.all)
    func givesTheLogitsOfPEFT(_ fixture: AdapterFixture) throws {
        let (model, expected) = (try fixture.model(), try fixture.expected())
        #expect(model.adapter?.method == fixture.method)
        let items = try expected.tokenizedTexts()
        let logits = try expected.doubles("logits")
        #expect(try mismatch(model.outputs(for: items), logits, within: tolerance) == nil)
        // Nothing of this comes from the base alone.
        let plain = try TextClassifier(contentsOf: TinyModel.folder(fixture.family).path)
        #expect(
            try mismatch(plain.outputs(for: items), logits, within: Tolerance(absolute: 0.05))
                != nil)
    }

    /// PEFT's own conversion of PiSSA to a LoRA of twice the rank.
    @Test func theConvertedPiSSAIsThePiSSA() throws {
        let path = fixturePath("adapters/pissa_plain")
        let model = try TextClassifier(
            adapter: path, on: TinyModel.backbone(), head: AdapterFixture.head)
        #expect(model.adapter?.method == .lora && model.adapter?.rank == 8)
        let expected = try SafetensorsFile(path: path + "/expected.safetensors")
        let logits = try model.outputs(for: expected.tokenizedTexts())
        // The conversion subtracts products in another order than the residual weight did.
        #expect(
            mismatch(logits, try expected.doubles("logits"), within: Tolerance(absolute: 2e-5))
                == nil)
    }

    @Test func givesTheLogitsOfPEFTForWords() throws {
        let path = fixturePath("adapters/words")
        let folder = try TinyModel.folder()
        let model = try WordTagger(
            adapter: path, on: .words(contentsOf: folder.path),
            head: TokenClassificationHead(labels: ["O", "B-A", "I-A"]))
        let expected = try SafetensorsFile(path: path + "/expected.safetensors")
        let items = try expected.tokenizedTexts().map {
            WordPreparation.Item(text: $0, firstTokens: Array($0.ids.indices))
        }
        #expect(
            try mismatch(model.outputs(for: items), expected.doubles("logits"), within: tolerance)
                == nil)
    }

    /// Gradients of every trained tensor, and the tensors after one step of AdamW.
    @Test(arguments: AdapterFixture.all)
    func learnsAsPEFT(_ fixture: AdapterFixture) throws {
        let (model, expected) = (try fixture.model(), try fixture.expected())
        let adaptation = try #require(model.adaptation)
        let trained = adaptation.places.flatMap(\.adapter.parameters) + model.taskParameters
        for parameter in trained { parameter.isTrainable = true }
        let labels = try expected.integers("labels").map(Int.init)
        let pass = Pass.training(seed: 0, step: 0).withoutDropout
        let outputs = model.network(
            try model.headFeatures(expected.tokenizedTexts(), in: pass), in: pass)
        let loss = model.head.loss(outputs, targets: labels) * (1 / Double(labels.count))
        #expect(
            mismatch(loss.value.scalar, try expected.doubles("loss")[0], within: tolerance) == nil)
        loss.backward()

        let names = expected.names.filter { $0.hasPrefix("gradient.") }
        #expect(names.count == trained.count)
        let optimizer = OptimizerState(.adamW(epsilon: 0.01))
        for parameter in trained {
            let name = model.adapterName(of: parameter.path)
            let gradient = try #require(parameter.gradient, "\(name)")
            #expect(
                normMismatch(
                    gradient, try expected.required("gradient.\(name)"), relative: 1e-4) == nil,
                "\(name)")
            optimizer.update(parameter, learningRate: 0.01, gradientScale: 1)
            #expect(
                mismatch(
                    parameter.value, try expected.required("stepped.\(name)"),
                    within: Tolerance(absolute: 2e-6)) == nil, "\(name)")
        }
        for (parameter, value) in adaptation.base {
            #expect(parameter.gradient == nil && sameBits(parameter.value, value))
        }
    }
}
