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

    /// Whether only the first token of each sequence is read.
    public var readsFirstTokens: Bool { self == .firstToken || self == .pooler }
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
        switch pooling {
        case .tokens: return input
        case .mean: return Features(rows: input.value.segmentMeans(input.segments))
        case .firstToken, .pooler:
            let first = input.firstRows
            guard let dense else { return first }
            return Features(
                rows: dense(
                    first.value.dropped(dropout?.mask(pass)), activation: activation, in: pass))
        }
    }

    /// Its dense map, if it has one.
    public var linearMaps: [(role: LinearRole, map: Linear)] { dense.map { [(.pooler, $0)] } ?? [] }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] { dense?.parameters ?? [] }
}
