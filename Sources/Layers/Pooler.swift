import Autograd
public import Tensor

/// How the vectors of a sequence's tokens become one.
public enum Pooling: String, Sendable, Hashable, CaseIterable {
    /// Their mean: what sentence-transformers models are trained with.
    case mean
    /// The first token's.
    case firstToken = "cls"
    /// The first token's, through a linear map and an activation: what classification models of
    /// Transformers do.
    case pooler
    /// None: each token keeps its own, for heads that answer for words.
    case tokens
}

/// The last stage of a text model: one vector for each sequence.
public final class Pooler: Stage {
    /// What the stage is called.
    public let name = "pooler"
    /// False: it trains with the layer below it.
    public let isCounted = false
    /// How the vectors are joined.
    public let pooling: Pooling
    private let dense: Linear?
    private let activation: Activation
    private let dropout: Dropout?

    /// A pooler without parameters.
    ///
    /// - Precondition: `pooling` is not ``Pooling/pooler``.
    public init(_ pooling: Pooling) {
        require(pooling != .pooler, "a dense pooler is made from its parameters")
        (self.pooling, dense, activation, dropout) = (pooling, nil, .identity, nil)
    }

    /// A dense pooler: an optional dropout, a linear map `[width, width]` and an activation.
    public init(
        width: Int, activation: Activation, dropoutRate: Double = 0, from source: ParameterSource
    ) throws {
        pooling = .pooler
        dense = try Linear(inputSize: width, outputSize: width, from: source)
        self.activation = activation
        dropout = dropoutRate > 0 ? Dropout(rate: dropoutRate, path: source.path + ".input") : nil
    }

    /// From `[tokens, width]` to `[sequences, width]`, or as it is with ``Pooling/tokens``.
    public func callAsFunction(_ input: Features, in pass: Pass) -> Features {
        let pooled: Variable
        switch (pooling, dense) {
        case (.tokens, _): return input
        case (.mean, _): pooled = input.value.segmentMeans(input.segments)
        case (_, let dense?):
            let first = input.value.segmentStarts(input.segments).dropped(dropout?.mask(pass))
            pooled = dense(first, activation: activation, in: pass)
        case (_, nil): pooled = input.value.segmentStarts(input.segments)
        }
        let ones = [Int](repeating: 1, count: input.segments.count)
        return Features(pooled, segments: Segments(lengths: ones))
    }

    /// Its dense map, if it has one.
    public var linearMaps: [(role: LinearRole, map: Linear)] { dense.map { [(.pooler, $0)] } ?? [] }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] { dense?.parameters ?? [] }
}
