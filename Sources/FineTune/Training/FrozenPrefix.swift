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
    /// The precision that they computed in.
    let precision: Tensor.Precision
    /// The values of all their parameters. They are held, so that they cannot change.
    let weights: [Tensor]

    /// Whether this is the same function, told without looking at a single number.
    func isIdentical(to other: FrozenPrefix) -> Bool {
        stageCount == other.stageCount && pooling == other.pooling
            && precision == other.precision && weights.count == other.weights.count
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
            stageCount: count, pooling: pooling, precision: .current,
            weights: parameters.map(\.value))
    }

    /// The features that the head gets for the items of a batch, shape `[rows, width]`. What the
    /// frozen stages at the bottom give is taken from `cache`, if there is one, and what they lack
    /// for `upcoming` is computed along with it.
    func headFeatures(
        _ items: [P.Item], before upcoming: (_ room: Int) -> [P.Item] = { _ in [] }, in pass: Pass,
        cache: FeatureCache<P>? = nil
    ) throws -> Variable {
        let prefix = cache == nil ? nil : frozenPrefix
        cache?.prepare(for: prefix)
        var (rows, count) = (Features?.none, 0)
        if let cache, let prefix {
            count = prefix.stageCount
            rows = try cache.features(of: items, before: upcoming, preparation: preparation) {
                features(try preparation.loadedBatch($0), through: 0..<count, in: .inference)
            }
        }
        let last = features(
            try rows ?? preparation.loadedBatch(items), through: count..<stages.count, in: pass)
        return preparation.labelledFeatures(last, of: items)
    }
}
