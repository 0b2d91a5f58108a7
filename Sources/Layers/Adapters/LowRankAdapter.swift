public import Autograd
public import Tensor

/// LoRA and what is made from it, on one linear map: `scale · B A` beside the weight, with a length
/// for each row in DoRA.
public final class LowRankAdapter: LinearAdapter {
    /// A, shape `[rank, inputs]`.
    public let down: Parameter
    /// B, shape `[outputs, rank]`.
    public let up: Parameter
    /// The lengths of the rows, shape `[outputs]`; nil but in DoRA.
    public let magnitude: Parameter?
    /// What the update is multiplied with.
    public let scale: Double
    /// What the factors began with, if that was not an update of 0: PiSSA.
    public let origin: LowRankUpdate.Origin?
    private let dropout: Dropout

    /// Loads the factors from their place, under PEFT's names.
    ///
    /// - Parameters:
    ///   - adapter: The kind, rank and scale.
    ///   - map: What is adapted.
    ///   - source: The place of the map in the tree of names.
    /// - Throws: ``ParameterError``; `LinearAlgebraError` for PiSSA.
    public init(_ adapter: Adapter, for map: Linear, from source: ParameterSource) throws {
        let weight = map.weight.value
        let (outputs, inputs, rank) = (weight.shape[0], weight.shape[1], adapter.rank)
        let scale = adapter.scale
        let origin =
            adapter.method == .piSSA
            ? try Self.principalFactors(of: weight, rank: rank, scale: scale) : nil
        // The published code draws A like the weight of a layer (Kaiming uniform, a = √5).
        let limit = 1 / Double(max(1, inputs)).squareRoot()
        down = try source["lora_A"].parameter(
            "weight", shape: [rank, inputs], kind: .lowRank
        ) { dtype, stream in
            if let origin { return origin.down }
            return Initializer.uniform(limit: limit).tensor(
                [rank, inputs], dtype: dtype, using: &stream)
        }
        up = try source["lora_B"].parameter(
            "weight", shape: [outputs, rank], kind: .lowRank
        ) { dtype, _ in origin?.up ?? Tensor(zeros: [outputs, rank], dtype: dtype) }
        magnitude =
            adapter.method == .doRA
            ? try source.parameter("lora_magnitude_vector", shape: [outputs], kind: .scale) {
                _, _ in weight.rowLengths
            } : nil
        (self.scale, self.origin) = (scale, origin)
        dropout = Dropout(rate: adapter.dropoutRate, path: source["lora_dropout"].path)
    }

    /// `A = √(S / scale) Vᵀ` and `B = U √(S / scale)` of the largest singular values
    /// (arXiv:2404.02948, equations 2 and 3). A rank beyond the weight's own adds zeros.
    private static func principalFactors(
        of weight: Tensor, rank: Int, scale: Double
    ) throws -> LowRankUpdate.Origin {
        let whole = try weight.singularValueDecomposition()
        let known = min(rank, whole.singularValues.elementCount)
        let part = whole.truncated(to: known)
        let roots = (part.singularValues / scale).squareRoot()
        let down = part.vTransposed * roots.reshaped([known, 1])
        let up = part.u * roots
        guard known < rank else { return LowRankUpdate.Origin(down: down, up: up) }
        return LowRankUpdate.Origin(
            down: down.padded(to: [rank, weight.shape[1]], at: 0, axis: 0),
            up: up.padded(to: [weight.shape[0], rank], at: 0, axis: 1))
    }

    /// The factors, and the lengths if there are any.
    public var parameters: [Parameter] { [down, up] + (magnitude.map { [$0] } ?? []) }

    /// `x Wᵀ + b` with the update.
    public func output(
        for x: Variable, weight: Variable, bias: Variable?, in pass: Pass
    ) -> Variable {
        let update = LowRankUpdate(
            down: down.variable(in: pass), up: up.variable(in: pass), scale: scale, origin: origin)
        guard let magnitude else {
            return x.lowRankLinear(
                weight: weight, bias: bias, update: update, dropout: dropout.mask(pass))
        }
        return x.magnitudeLinear(
            weight: weight, bias: bias, update: update, magnitude: magnitude.variable(in: pass),
            dropout: dropout.mask(pass))
    }

    /// The weight with the update; the bias as it is.
    public func merged(weight: Tensor, bias: Tensor?) -> (weight: Tensor, bias: Tensor?) {
        var sum = delta
        sum.accumulate(weight)
        return (ratio(of: sum).map { sum * $0 } ?? sum, bias)
    }

    /// `scale · (B A − B₀ A₀)`.
    private var delta: Tensor {
        LowRankUpdate(
            down: Variable(down.value), up: Variable(up.value), scale: scale, origin: origin
        ).matrix
    }

    /// What each row of `W + delta` is multiplied with in DoRA, shape `[outputs, 1]`.
    private func ratio(of sum: Tensor) -> Tensor? {
        magnitude.map { ($0.value / sum.rowLengths).reshaped([$0.value.elementCount, 1]) }
    }

    // MARK: Other forms

    /// The factors of a plain LoRA that changes the weight by the same: A over A₀, shape
    /// `[plainRank, inputs]`, and B beside −B₀, shape `[outputs, plainRank]`.
    public var plainFactors: (down: Tensor, up: Tensor) {
        guard let origin else { return (down.value, up.value) }
        return joined([(down.value, up.value), (origin.down, -origin.up)], rank: plainRank)
    }

    /// The rank of ``plainFactors``: twice that of PiSSA.
    public var plainRank: Int { down.value.shape[0] * (origin == nil ? 1 : 2) }

    /// As ``plainFactors``: PiSSA's own would need a base that is changed.
    public var savedTensors: [(path: String, tensor: Tensor)] {
        let plain = plainFactors
        return [(down.path, plain.down), (up.path, plain.up)]
            + (magnitude.map { [($0.path, $0.value)] } ?? [])
    }

    /// Makes this what moves `weight` by the weighted sum of what each of the others moves it by:
    /// `W + Σ weight · (Wᵢ − W)`.
    ///
    /// A sum of products is the product of the factors put side by side. With lengths of rows it is
    /// one too: with `dᵢ` for the ratio of each row in part i and `d = 1 + Σ weight · (dᵢ − 1)`, the
    /// sum is `d ∘ (W + Σ (weight · dᵢ / d) ∘ Uᵢ)`.
    ///
    /// - Parameters:
    ///   - parts: Adapters of the same weight, whose ranks add up to at most this one's.
    ///   - weight: The weight that all of them adapt.
    public func combine(
        _ parts: [(adapter: LowRankAdapter, weight: Double)], for weight: Tensor
    ) {
        let ratios = parts.map { part in
            var sum = part.adapter.delta
            sum.accumulate(weight)
            return part.adapter.ratio(of: sum)
        }
        let one = Tensor(repeating: 1, shape: [weight.shape[0], 1], dtype: weight.dtype)
        var total = one
        for (part, ratio) in zip(parts, ratios) {
            if let ratio { total.accumulate(ratio - one, scale: part.weight) }
        }
        // A row that the sum makes vanish cannot be divided by: it becomes very short instead.
        total = (total.squared() + 1e-12).squareRoot() * total.signs
        let factors = zip(parts, ratios).map { part, ratio in
            let plain = part.adapter.plainFactors
            let rows = magnitude == nil ? one : (ratio ?? one) / total
            return (plain.down, plain.up * (part.adapter.scale * part.weight / scale) * rows)
        }
        (down.value, up.value) = joined(factors, rank: down.value.shape[0])
        guard let magnitude else { return }
        var sum = delta
        sum.accumulate(weight)
        magnitude.value = sum.rowLengths * total.reshaped([weight.shape[0]])
    }

    /// Factors side by side, with zeros up to a rank.
    private func joined(
        _ factors: [(down: Tensor, up: Tensor)], rank: Int
    ) -> (down: Tensor, up: Tensor) {
        let (inputs, outputs) = (down.value.shape[1], up.value.shape[0])
        var result = (
            down: Tensor(zeros: [rank, inputs], dtype: down.value.dtype),
            up: Tensor(zeros: [outputs, rank], dtype: up.value.dtype)
        )
        var at = 0
        for part in factors {
            result.down.accumulate(part.down.padded(to: [rank, inputs], at: at, axis: 0))
            result.up.accumulate(part.up.padded(to: [outputs, rank], at: at, axis: 1))
            at += part.down.shape[0]
        }
        return result
    }
}

extension Tensor {
    /// 1 for elements that are not negative, else −1.
    fileprivate var signs: Tensor {
        let signs = converted(to: .float64).elements(as: Double.self).map { $0 < 0 ? -1.0 : 1 }
        return Tensor(signs, shape: shape).converted(to: dtype)
    }
}
