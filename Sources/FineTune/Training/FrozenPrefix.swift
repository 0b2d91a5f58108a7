import Autograd
import Layers
import Tensor

/// The frozen stages at the bottom of a model, as they were at some moment: what the features that
/// they give depend on beside the input.
struct FrozenPrefix {
    /// How many stages there are.
    let stageCount: Int
    /// What a stage without parameters, at the top of a wholly frozen model, depends on.
    let pooling: Pooling
    /// The values of all their parameters. They are held, so that they cannot change.
    let weights: [Tensor]

    /// Whether this is the same function, told without looking at a single number.
    func isIdentical(to other: FrozenPrefix) -> Bool {
        stageCount == other.stageCount && pooling == other.pooling
            && weights.count == other.weights.count
            && zip(weights, other.weights).allSatisfy { $0.isIdentical(to: $1) }
    }
}

extension FineTunedModel {
    /// The stages below the lowest one in which something trains; nil if there is too little work in
    /// them to keep its results: no matrix, only tables.
    var frozenPrefix: FrozenPrefix? {
        let count =
            stages.firstIndex { $0.parameters.contains { $0.isTrainable } } ?? stages.count
        let parameters = stages[..<count].flatMap(\.parameters)
        guard parameters.contains(where: { $0.kind == .weight }) else { return nil }
        return FrozenPrefix(
            stageCount: count, pooling: pooling, weights: parameters.map(\.value))
    }

    /// The head's outputs for the items of a batch, shape `[rows, outputs]`. What the frozen stages
    /// at the bottom give is taken from `cache`, if there is one, and what they lack for `upcoming`
    /// is computed along with it.
    func outputs(
        of items: [P.Item], before upcoming: (_ room: Int) -> [P.Item] = { _ in [] }, in pass: Pass,
        cache: FeatureCache<P>?
    ) -> Variable {
        let prefix = cache == nil ? nil : frozenPrefix
        cache?.prepare(for: prefix)
        guard let cache, let prefix else { return network(headFeatures(items, in: pass), in: pass) }
        let kept = cache.features(of: items, before: upcoming, preparation: preparation) {
            features(preparation.batch($0), through: 0..<prefix.stageCount, in: .inference)
        }
        let rest = prefix.stageCount..<stages.count
        return outputs(from: features(kept, through: rest, in: pass), of: items, in: pass)
    }
}
