#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Tensor

/// A small addition to a pretrained model that is trained instead of it: which kind, how large, and
/// on which linear maps.
///
/// ```swift
/// let model = try backbone.attaching(
///     ClassificationHead(labels: labels), adapter: .lora(rank: 8, layers: [.query, .value]))
/// ```
public struct Adapter: Sendable, Hashable {
    /// The kinds of adapters.
    public enum Method: String, Sendable, Hashable, CaseIterable, Codable {
        /// A low-rank update (arXiv:2106.09685).
        case lora
        /// The same, with a scale that suits large ranks (arXiv:2312.03732).
        case rsLoRA
        /// A low-rank update of directions, and their lengths (arXiv:2402.09353).
        case doRA
        /// A low-rank update that begins with the weight's principal directions (arXiv:2404.02948).
        case piSSA
        /// A factor for each activation (arXiv:2205.05638).
        case ia3
    }

    /// The kind.
    public let method: Method
    /// The rank of an update; 0 for ``Method/ia3``.
    public let rank: Int
    /// What sets the ``scale``; 0 for ``Method/ia3``.
    public let alpha: Double
    /// The probability with which the update does not see an element of its input while training.
    public let dropoutRate: Double
    /// The maps that are adapted.
    public let layers: Set<LinearRole>

    /// An adapter as a file describes it; see ``lora(rank:alpha:dropoutRate:layers:)`` and the others
    /// for new ones.
    public init(
        method: Method, rank: Int, alpha: Double, dropoutRate: Double, layers: Set<LinearRole>
    ) {
        require(
            method == .ia3 || rank > 0 && alpha.isFinite,
            "an update of rank \(rank) with alpha \(alpha) changes nothing")
        require(
            dropoutRate >= 0 && dropoutRate < 1,
            "a dropout rate of \(dropoutRate) does not lie in 0 ..< 1")
        self.method = method
        (self.rank, self.alpha) = (rank, alpha)
        (self.dropoutRate, self.layers) = (dropoutRate, layers)
    }

    /// What an update is multiplied with: `alpha / rank`, and `alpha / √rank` for
    /// ``Method/rsLoRA``.
    public var scale: Double {
        switch method {
        case .rsLoRA: alpha / sqrt(Double(rank))
        case .ia3: 1
        case .lora, .doRA, .piSSA: alpha / Double(rank)
        }
    }

    /// LoRA (Hu et al. 2022, arXiv:2106.09685): each adapted weight gets `alpha / rank · B A`, where
    /// A begins at random and B at 0.
    ///
    /// - Parameters:
    ///   - rank: The rank of the update; 8 (appendix D, table 9, for GLUE).
    ///   - alpha: 8 (same). Keep it when you try other ranks (section 4.1).
    ///   - dropoutRate: None (same).
    ///   - layers: Query and value, the best use of a given number of weights (section 7.1).
    /// - Returns: The description.
    public static func lora(
        rank: Int = 8, alpha: Double = 8, dropoutRate: Double = 0,
        layers: Set<LinearRole> = [.query, .value]
    ) -> Adapter {
        Adapter(method: .lora, rank: rank, alpha: alpha, dropoutRate: dropoutRate, layers: layers)
    }

    /// Rank-stabilised LoRA (Kalajdzievski 2023, arXiv:2312.03732): `alpha / √rank · B A`, so that
    /// the gradients of large ranks do not fade.
    ///
    /// - Parameters:
    ///   - rank: 8, as for LoRA; the method is made for larger ones.
    ///   - alpha: 8, as for LoRA.
    ///   - dropoutRate: None.
    ///   - layers: Query and value, as for LoRA.
    /// - Returns: The description.
    public static func rsLoRA(
        rank: Int = 8, alpha: Double = 8, dropoutRate: Double = 0,
        layers: Set<LinearRole> = [.query, .value]
    ) -> Adapter {
        Adapter(method: .rsLoRA, rank: rank, alpha: alpha, dropoutRate: dropoutRate, layers: layers)
    }

    /// DoRA (Liu et al. 2024, arXiv:2402.09353): LoRA turns the rows of a weight, and a vector of
    /// its own sets their lengths.
    ///
    /// - Parameters:
    ///   - rank: 8, as for LoRA, whose settings the paper keeps (section 5).
    ///   - alpha: 8, as for LoRA.
    ///   - dropoutRate: None.
    ///   - layers: Query and value, as for LoRA.
    /// - Returns: The description.
    public static func doRA(
        rank: Int = 8, alpha: Double = 8, dropoutRate: Double = 0,
        layers: Set<LinearRole> = [.query, .value]
    ) -> Adapter {
        Adapter(method: .doRA, rank: rank, alpha: alpha, dropoutRate: dropoutRate, layers: layers)
    }

    /// PiSSA (Meng et al. 2024, arXiv:2404.02948): the factors begin with the largest singular values
    /// of the weight and their directions, so that training moves what matters most from the first
    /// step.
    ///
    /// The weight itself is not touched: what the factors began with is subtracted while computing.
    /// A saved adapter is a LoRA of twice the rank, which changes the same weight by the same amount.
    /// Making one takes a singular value decomposition for each adapted weight: seconds for a small
    /// encoder.
    ///
    /// - Parameters:
    ///   - rank: 8, as for LoRA. `alpha` equals it: the scale is 1 (section 5: "lora_alpha = lora_r"),
    ///     and there is no dropout (same).
    ///   - layers: Query and value, as for LoRA.
    /// - Returns: The description.
    public static func piSSA(
        rank: Int = 8, layers: Set<LinearRole> = [.query, .value]
    ) -> Adapter {
        Adapter(method: .piSSA, rank: rank, alpha: Double(rank), dropoutRate: 0, layers: layers)
    }

    /// (IA)³ (Liu et al. 2022, arXiv:2205.05638, section 3.3): every key, value and inner activation
    /// of the feed-forward network is multiplied with a learned factor, which begins at 1.
    ///
    /// The inner activation is the input of `feedForwardOut`, so there the input is scaled; everywhere
    /// else it is the output.
    ///
    /// - Parameter layers: Key, value and the feed-forward network's second map (same).
    /// - Returns: The description.
    public static func ia3(
        layers: Set<LinearRole> = [.key, .value, .feedForwardOut]
    ) -> Adapter {
        Adapter(method: .ia3, rank: 0, alpha: 0, dropoutRate: 0, layers: layers)
    }

    /// The adapter of one map: its parameters loaded from `source` or begun as the method's paper
    /// says.
    ///
    /// - Parameters:
    ///   - map: What is adapted.
    ///   - role: What it does.
    ///   - scalesInput: For (IA)³, whether the input is multiplied rather than the output; by default
    ///     for ``LinearRole/feedForwardOut``.
    ///   - source: The root of the adapters' parameters: they lie at the map's own path.
    /// - Returns: What goes into ``Linear/adapter``.
    /// - Throws: ``ParameterError`` for a stored parameter that does not fit, `LinearAlgebraError` if
    ///   the weight has no singular values (PiSSA).
    public func makeLinearAdapter(
        for map: Linear, role: LinearRole, scalesInput: Bool? = nil, from source: ParameterSource
    ) throws -> any LinearAdapter {
        switch method {
        case .lora, .rsLoRA, .doRA, .piSSA:
            try LowRankAdapter(self, for: map, from: source[map.path])
        case .ia3:
            try ScalingAdapter(
                for: map, scalesInput: scalesInput ?? (role == .feedForwardOut),
                from: source[map.path])
        }
    }
}
