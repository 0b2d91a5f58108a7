import Autograd
import Tensor

/// From images `[count, height, width, 3]` to packed tokens `[count · tokens, width]`: a linear map
/// of each patch, behind the tokens that stand for no patch, and their positions.
final class VisionEmbeddings: Stage {
    let name = "embeddings"
    /// Of shape `[1, 1, width]` each.
    private let tokens: [Parameter]
    /// Shape `[1, tokens, width]`.
    private let positions: Parameter
    private let patches: Convolution
    private let configuration: VisionTransformer

    init(_ configuration: VisionTransformer, from source: ParameterSource) throws {
        self.configuration = configuration
        let (width, isTimm) = (configuration.width, configuration.publisher == .timm)
        let side = configuration.imageSize / configuration.patchSize
        let table = { (name: String, count: Int) in
            try source.parameter(
                name, shape: [1, count, width], kind: .embedding,
                initial: .normal(standardDeviation: 0.02))
        }
        var tokens = [try table("cls_token", 1)]
        if configuration.hasDistillationToken {
            tokens.append(try table(isTimm ? "dist_token" : "distillation_token", 1))
        }
        self.tokens = tokens
        positions = try table(
            isTimm ? "pos_embed" : "position_embeddings", side * side + tokens.count)
        patches = try Convolution(
            inputs: 3, outputs: width,
            window: .init(configuration.patchSize, stride: configuration.patchSize), hasBias: true,
            from: isTimm ? source["patch_embed"]["proj"] : source["patch_embeddings"]["projection"])
    }

    func callAsFunction(_ input: Features, in pass: Pass) -> Features {
        let shape = input.value.shape
        require(
            shape.rank == 4 && shape[1] == configuration.imageSize
                && shape[2] == configuration.imageSize,
            "a network for pictures of \(configuration.imageSize) by \(configuration.imageSize) "
                + "pixels got \(shape)")
        let (images, count) = (shape[0], positions.shape[1])
        let row: Tensor.Shape = [1, count, configuration.width]
        let embedded = patches(input.value, in: pass)
            .reshaped([images, count - tokens.count, configuration.width])
            .padded(to: [images, count, configuration.width], at: tokens.count, axis: 1)
        var added = positions.variable(in: pass)
        for (index, token) in tokens.enumerated() {
            added = added + token.variable(in: pass).padded(to: row, at: index, axis: 1)
        }
        let sequences = Segments(lengths: [Int](repeating: count, count: images))
        return Features(
            (embedded + added).reshaped([images * count, configuration.width]),
            segments: sequences)
    }

    var parameters: [Parameter] { tokens + [positions] + patches.parameters }
}

/// One layer: self-attention and a feed-forward network, each behind a normalisation and added to
/// what went in (pre-norm).
final class VisionTransformerLayer: Stage {
    let name: String
    let keepsFirstTokens: Bool
    private let norms: [LayerNorm]
    /// Query, key and value, or one map for all three.
    private let projections: [Linear]
    private let output: Linear
    private let intermediate: Linear
    private let contraction: Linear
    private let heads: Int

    init(index: Int, _ configuration: VisionTransformer, from source: ParameterSource) throws {
        name = "layer \(index)"
        // The pooler reads no other.
        keepsFirstTokens = index == configuration.layers - 1
        let width = configuration.width
        heads = configuration.heads
        let norm = { (name: String) in
            try LayerNorm(size: width, epsilon: configuration.epsilon, from: source[name])
        }
        let map = { (name: String, inputs: Int, outputs: Int) in
            try Linear(inputSize: inputs, outputSize: outputs, from: source[name])
        }
        let inner = configuration.feedForwardWidth
        switch configuration.publisher {
        case .timm:
            let first = try norm("norm1")
            projections = [try map("attn.qkv", width, 3 * width)]
            output = try map("attn.proj", width, width)
            norms = [first, try norm("norm2")]
            intermediate = try map("mlp.fc1", width, inner)
            contraction = try map("mlp.fc2", inner, width)
        case .huggingFace:
            projections = try ["query", "key", "value"].map {
                try map("attention.attention.\($0)", width, width)
            }
            output = try map("attention.output.dense", width, width)
            intermediate = try map("intermediate.dense", width, inner)
            contraction = try map("output.dense", inner, width)
            norms = [try norm("layernorm_before"), try norm("layernorm_after")]
        }
    }

    func callAsFunction(_ input: Features, in pass: Pass) -> Features {
        let normed = Features(norms[0](input.value, in: pass), segments: input.segments)
        let (query, key, value) = projected(normed, in: pass)
        let mixed = Variable.attention(
            query: query.value, key: key, value: value,
            settings: .init(segments: input.segments, queries: query.segments, heads: heads))
        let attended = wanted(input, in: pass).value + output(mixed, in: pass)
        let inner = intermediate(norms[1](attended, in: pass), activation: .gelu, in: pass)
        return Features(attended + contraction(inner, in: pass), segments: query.segments)
    }

    /// Queries of the rows that are wanted, keys and values of all.
    private func projected(
        _ x: Features, in pass: Pass
    ) -> (query: Features, key: Variable, value: Variable) {
        guard projections.count == 3 else {
            let joined = projections[0](x.value, in: pass)
            let width = joined.shape[1] / 3
            let parts = (0..<3).map { joined.sliced($0 * width..<($0 + 1) * width, axis: 1) }
            let query = Features(parts[0], segments: x.segments)
            return (wanted(query, in: pass), parts[1], parts[2])
        }
        let rows = wanted(x, in: pass)
        return (
            Features(projections[0](rows.value, in: pass), segments: rows.segments),
            projections[1](x.value, in: pass), projections[2](x.value, in: pass)
        )
    }

    private func wanted(_ x: Features, in pass: Pass) -> Features {
        keepsFirstTokens && !pass.keepsAllTokens ? x.firstRows : x
    }

    var linearMaps: [(role: LinearRole, map: Linear)] {
        // A map for all three has no role: what adapters know of are maps of their own.
        let roles: [LinearRole] = projections.count == 3 ? [.query, .key, .value] : []
        let inputs = zip(roles, projections).map { (role: $0, map: $1) }
        return inputs + [
            (.output, output), (.feedForwardIn, intermediate), (.feedForwardOut, contraction),
        ]
    }

    var parameters: [Parameter] {
        (projections + [output, intermediate, contraction]).flatMap(\.parameters)
            + norms.flatMap(\.parameters)
    }
}

/// The first token of each image, normalised: `[count, width]`.
final class VisionPooler: Stage {
    let name = "pooler"
    let isCounted = false
    private let norm: LayerNorm

    init(_ configuration: VisionTransformer, from source: ParameterSource) throws {
        norm = try LayerNorm(
            size: configuration.width, epsilon: configuration.epsilon, from: source)
    }

    func callAsFunction(_ input: Features, in pass: Pass) -> Features {
        Features(rows: norm(input.firstRows.value, in: pass))
    }

    var parameters: [Parameter] { norm.parameters }
}
