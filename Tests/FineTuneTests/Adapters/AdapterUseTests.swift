@testable import FineTune
import TestSupport
import Testing

/// Adapters at work: merged, side by side on one base, combined.
@Suite struct AdapterUseTests {
    private let texts = TinyModel.examples(15).inputs

    /// A model whose adapter and head have numbers of their own.
    private func trained(
        _ adapter: Adapter, on backbone: PretrainedModel<TextPreparation>, seed: UInt64,
        head: ClassificationHead = ClassificationHead(labels: TinyModel.labels)
    ) throws -> TextClassifier {
        let model = try backbone.attaching(head, adapter: adapter, seed: seed)
        let adaptation = try #require(model.adaptation)
        let parameters = adaptation.places.flatMap(\.adapter.parameters) + model.taskParameters
        for (index, parameter) in parameters.enumerated() {
            let noise = Samples.normal(
                parameter.value.shape, seed: seed * 1000 + UInt64(index), dtype: .float32,
                deviation: 0.2)
            parameter.value =
                parameter.kind == .scale ? parameter.value * (noise + 1) : parameter.value + noise
        }
        return model
    }

    private func distance(_ a: [[Float]], _ b: [[Float]]) -> Float {
        zip(a.joined(), b.joined()).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    // MARK: Merging

    @Test(arguments: Adapter.samples)
    func mergingChangesNoAnswerAndUnmergingNoBit(_ adapter: Adapter) throws {
        let model = try trained(adapter, on: TinyModel.backbone(), seed: 1)
        let before = try model.outputs(for: texts)
        let weights = model.weights()
        try model.mergeAdapter()
        #expect(model.isMerged)
        #expect(model.parameters.allSatisfy { !$0.kind.isAdapter })
        #expect(model.weights() != weights.filter { model.weights().keys.contains($0.key) })
        #expect(distance(try model.outputs(for: texts), before) < 1e-5)
        try model.mergeAdapter()
        try model.unmergeAdapter()
        #expect(!model.isMerged)
        #expect(model.weights() == weights)
        #expect(try model.outputs(for: texts) == before)
        try model.unmergeAdapter()
        #expect(model.weights() == weights)
    }

    @Test func aModelWithoutAnAdapterCannotMerge() throws {
        let model = try TinyModel.classifier()
        #expect(model.adapter == nil && !model.isMerged)
        #expect(throws: AdapterError.noAdapter) { try model.mergeAdapter() }
        #expect(throws: AdapterError.noAdapter) { try model.unmergeAdapter() }
        #expect(throws: AdapterError.noAdapter) { try model.saveAdapter(to: "/nowhere") }
    }

    /// A whole model is saved with the adapter in its weights, for Transformers and for those who
    /// know no adapters.
    @Test(arguments: TinyModel.families, Adapter.samples)
    func savingTheModelMergesTheAdapter(_ family: String, _ adapter: Adapter) throws {
        let model = try trained(adapter, on: TinyModel.backbone(family), seed: 2)
        let target = try TemporaryFolder()
        try model.save(to: target.path)
        #expect(!model.isMerged)
        let original = try SafetensorsFile(path: TinyModel.fixture(family) + "/model.safetensors")
        let saved = try SafetensorsFile(path: target.path + "/model.safetensors")
        #expect(Set(saved.names) == Set(original.names))
        let restored = try TextClassifier(contentsOf: target.path)
        #expect(restored.adapter == nil)
        #expect(
            distance(try restored.outputs(for: texts), try model.outputs(for: texts)) < 1e-5)
    }

    // MARK: Several on one base

    /// Models of one backbone are asked in turn, and share every byte of its weights: those that are
    /// mapped, and those that had to be converted.
    @Test(arguments: [Tensor.DType.float32, .float16])
    func modelsShareTheirBase(_ dtype: Tensor.DType) throws {
        let folder = try TinyModel.folder()
        if dtype != .float32 {
            let path = folder.path + "/model.safetensors"
            let file = try SafetensorsFile(path: path)
            let tensors = try file.names.map {
                (name: $0, tensor: try file.required($0).converted(to: dtype))
            }
            try SafetensorsFile.write(tensors, to: path)
        }
        let backbone = try PretrainedModel.text(contentsOf: folder.path)
        let known = backbone.weights
        let labels = [["a", "b", "c"], ["x", "y"], ["a", "b", "c"]]
        let models = try zip(labels, [Adapter.lora(), .ia3(), .doRA()]).enumerated().map {
            try trained(
                $0.element.1, on: backbone, seed: UInt64($0.offset),
                head: ClassificationHead(labels: $0.element.0))
        }
        let alone = try models.map { try $0.outputs(for: texts) }
        for _ in 0..<2 {
            for (model, expected) in zip(models, alone) {
                #expect(try model.outputs(for: texts) == expected)
            }
        }
        #expect(distance(alone[0], alone[2]) > 0.01)
        #expect(alone[1][0].count == 2)
        for model in models {
            for (parameter, value) in try #require(model.adaptation).base {
                guard let shared = known[parameter.path] else {
                    #expect(parameter.path.hasPrefix("pooler"))
                    continue
                }
                #expect(address(value) == address(shared), "\(parameter.path)")
                #expect(address(parameter.value) == address(shared), "\(parameter.path)")
            }
        }
    }

    private func address(_ tensor: Tensor) -> UnsafeRawPointer? {
        tensor.withUnsafeBytes { $0.baseAddress }
    }

    // MARK: Combining

    static let combinable: [[Adapter]] = [
        [.lora(rank: 4), .lora(rank: 2, alpha: 6)], [.rsLoRA(rank: 4), .piSSA(rank: 3)],
        [.doRA(rank: 4), .doRA(rank: 2, alpha: 4)],
        [.doRA(rank: 4), .lora(rank: 2), .lora(rank: 1, layers: [.key, .query])],
        [.ia3(), .ia3(layers: [.key, .output])],
        [.lora(rank: 2, layers: .allLinear), .lora(rank: 3)],
    ]

    /// Every weight moves by the weighted sum of what the parts move it by.
    @Test(arguments: combinable, [[0.7, 0.3, 0.5], [1, -0.4, 0.2]])
    func aCombinationIsTheWeightedSum(_ adapters: [Adapter], _ weights: [Double]) throws {
        let backbone = try TinyModel.backbone()
        let parts = try adapters.enumerated().map {
            (
                model: try trained($0.element, on: backbone, seed: UInt64($0.offset) + 1),
                weight: weights[$0.offset]
            )
        }
        let combined = try TextClassifier(combining: parts)
        let total = parts.reduce(0) { $0 + $1.weight }
        for place in try #require(combined.adaptation).places {
            let base = place.map.weight.value
            let bias = try #require(place.map.bias?.value)
            var expected = (weight: base, bias: bias)
            for part in parts {
                guard
                    let other = part.model.adaptation?.places.first(where: {
                        $0.map.path == place.map.path
                    })
                else { continue }
                let merged = other.adapter.merged(weight: base, bias: bias)
                expected.weight = expected.weight + (merged.weight - base) * part.weight
                if let moved = merged.bias {
                    expected.bias = expected.bias + (moved - bias) * part.weight
                }
            }
            let found = place.adapter.merged(weight: base, bias: bias)
            let tolerance = Tolerance(absolute: 5e-6, relative: 1e-5)
            #expect(mismatch(found.weight, expected.weight, within: tolerance) == nil)
            #expect(
                mismatch(try #require(found.bias), expected.bias, within: tolerance) == nil)
        }
        for (index, parameter) in combined.taskParameters.enumerated() {
            let expected = parts.map {
                $0.model.taskParameters[index].value * ($0.weight / total)
            }
            let sum = expected.dropFirst().reduce(expected[0], +)
            #expect(
                mismatch(parameter.value, sum, within: Tolerance(absolute: 1e-6, relative: 1e-5))
                    == nil)
        }
        // It is a model like any other.
        let folder = try TemporaryFolder()
        try combined.saveAdapter(to: folder.path)
        let restored = try TextClassifier(adapter: folder.path, on: backbone)
        #expect(try restored.outputs(for: texts) == combined.outputs(for: texts))
    }

    @Test func oneAdapterWithWeightOneIsItself() throws {
        let backbone = try TinyModel.backbone()
        for adapter in Adapter.samples {
            let model = try trained(adapter, on: backbone, seed: 4)
            let combined = try TextClassifier(combining: [(model, 1)])
            #expect(
                distance(try combined.outputs(for: texts), try model.outputs(for: texts)) < 2e-5)
        }
    }

    @Test func whatDoesNotFitIsNotCombined() throws {
        let backbone = try TinyModel.backbone()
        let first = try trained(.lora(), on: backbone, seed: 1)
        func reason(_ other: TextClassifier, weights: (Double, Double) = (1, 1)) -> String? {
            let error = #expect(throws: AdapterError.self) {
                try TextClassifier(combining: [(first, weights.0), (other, weights.1)])
            }
            return error.map { "\($0)" }
        }
        #expect(
            reason(try trained(.ia3(), on: backbone, seed: 2))?.contains("scales activations")
                == true)
        #expect(
            reason(try trained(.lora(), on: TinyModel.backbone("roberta"), seed: 2))?
                .contains("different bases") == true)
        let others = ClassificationHead(labels: ["c", "b", "a"])
        #expect(
            reason(try trained(.lora(), on: backbone, seed: 2, head: others))?
                .contains("different labels") == true)
        let pooled = try backbone.attaching(first.head, adapter: .lora(), pooling: .mean)
        #expect(reason(pooled)?.contains("the models cannot be combined") == true)
        #expect(reason(try TinyModel.classifier())?.contains("must have an adapter") == true)
        #expect(
            reason(try trained(.lora(), on: backbone, seed: 2), weights: (1, -1))?
                .contains("the sum of the weights is 0") == true)
        #expect(throws: AdapterError.self) { try TextClassifier(combining: []) }
    }
}
