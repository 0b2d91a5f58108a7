/// What a linear map does in its stage. Adapters are put on maps by role, so that no name of a
/// publisher has to be known.
public enum LinearRole: String, Sendable, Hashable, CaseIterable, Codable {
    /// Makes the queries of an attention.
    case query
    /// Makes the keys.
    case key
    /// Makes the values.
    case value
    /// Joins the heads: the output of an attention.
    case output
    /// The first map of a feed-forward network, from the model's width to its own.
    case feedForwardIn
    /// The second map of a feed-forward network, back to the model's width.
    case feedForwardOut
    /// The pooler of a text model.
    case pooler
}

extension Set<LinearRole> {
    /// Every linear map of every transformer layer, which is what full quality takes on large models
    /// (Dettmers et al. 2023, QLoRA, arXiv:2305.14314, section 4). The pooler is not among them.
    public static var allLinear: Set<LinearRole> {
        [.query, .key, .value, .output, .feedForwardIn, .feedForwardOut]
    }
}
