import Autograd
import Checkpoint
import Layers
import Tensor
import TestSupport

/// The tiny sequence classifiers of `Fixtures/families`, put together from the library's layers.
struct Classifier {
    let family: TransformerConfiguration.Family
    let source: ParameterSource
    /// The embeddings, the layers and the pooler.
    let stages: [any Stage]
    let output: Linear

    /// The sizes are those of `generate.py`.
    static func configuration(
        _ family: TransformerConfiguration.Family, activation: Activation = .gelu
    ) -> TransformerConfiguration {
        TransformerConfiguration(
            family: family, vocabularySize: 120, width: 32, layers: 2, heads: 4,
            feedForwardWidth: 64, positions: 40,
            tokenTypes: [.bert: 2, .distilBERT: 0, .roberta: 1][family] ?? 0,
            firstPosition: family == .roberta ? 2 : 0, epsilon: family == .roberta ? 1e-5 : 1e-12,
            activation: activation)
    }

    init(
        _ family: TransformerConfiguration.Family, activation: Activation = .gelu,
        keepsFirstTokens: Bool = false, from source: ParameterSource
    ) throws {
        (self.family, self.source) = (family, source)
        let encoder = try Self.configuration(family, activation: activation)
            .stages(keepsFirstTokens: keepsFirstTokens, from: source[family.rawValue])
        let names: (pooler: ParameterSource, output: ParameterSource, activation: Activation) =
            switch family {
            case .bert: (source["bert"]["pooler"]["dense"], source["classifier"], .tanh)
            case .distilBERT: (source["pre_classifier"], source["classifier"], .relu)
            case .roberta:
                (source["classifier"]["dense"], source["classifier"]["out_proj"], .tanh)
            }
        stages =
            encoder + [try Pooler(width: 32, activation: names.activation, from: names.pooler)]
        output = try Linear(inputSize: 32, outputSize: 3, from: names.output)
    }

    /// The classifier of the fixture.
    init(
        fixture family: TransformerConfiguration.Family, dtype: Tensor.DType,
        activation: Activation = .gelu, keepsFirstTokens: Bool = false
    ) throws {
        let weights = try TestSupport.fixture("families/\(family.rawValue)/model.safetensors")
        try self.init(
            family, activation: activation, keepsFirstTokens: keepsFirstTokens,
            from: ParameterSource(weights, dtype: dtype))
    }

    /// The outputs of all stages, and the logits.
    func callAsFunction(
        _ input: Features, in pass: Pass
    ) -> (features: [Features], logits: Variable) {
        var features: [Features] = []
        for stage in stages { features.append(stage(features.last ?? input, in: pass)) }
        return (features, output((features.last ?? input).value, in: pass))
    }
}

/// The batch that a fixture was computed with.
struct FixtureBatch {
    let features: Features
    /// One row per sequence, 1 at its class.
    let targets: Tensor

    init(_ file: SafetensorsFile, dtype: Tensor.DType) throws {
        let ids = try file.required("ids").elements(as: Int32.self)
        let types =
            try file.tensor(named: "types")?.elements(as: Int32.self)
            ?? [Int32](repeating: 0, count: ids.count)
        let lengths = try file.required("lengths").elements(as: Int32.self).map(Int.init)
        let labels = try file.required("labels").elements(as: Int32.self)
        let pairs = zip(ids, types).flatMap { [$0, $1] }
        features = Features(
            Variable(Tensor(pairs, shape: [ids.count, 2])), segments: Segments(lengths: lengths))
        targets = Tensor(
            labels.flatMap { label in (0..<3).map { $0 == label ? 1.0 : 0 } },
            shape: [labels.count, 3]
        ).converted(to: dtype)
    }
}
