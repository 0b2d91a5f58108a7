import Layers
import Tensor

extension FineTunedModel {
    /// A model between the pretrained backbone and this one, which keeps more of what the backbone can
    /// do (Wortsman et al. 2022, WiSE-FT, arXiv:2109.01903): every weight is α of this model's and
    /// 1 − α of the backbone's.
    ///
    /// The head, and what else had no pretrained value, stays this model's. An adapter is merged into
    /// the weights first. This model stays as it is.
    ///
    /// - Parameters:
    ///   - backbone: What this model was attached to.
    ///   - alpha: 0 gives the backbone's weights, 1 this model's.
    /// - Returns: A model of its own, without an adapter.
    /// - Throws: ``ModelError/notInterpolable(_:)`` if the weights do not correspond.
    /// - Precondition: `alpha` lies in `0...1`.
    public func interpolated(
        with backbone: PretrainedModel<P>, _ alpha: Double
    ) throws -> FineTunedModel {
        try interpolated(alpha, with: pretrainedValues(of: backbone))
    }

    /// A model between another one of the same backbone and head, and this one: every weight is α of
    /// this model's and 1 − α of the other's, the head's too. For example between one whose head was
    /// computed, and one that was fine-tuned from there.
    ///
    /// - Parameters:
    ///   - other: The other model.
    ///   - alpha: 0 gives the other's weights, 1 this model's.
    /// - Returns: A model of its own, without an adapter.
    /// - Throws: ``ModelError/notInterpolable(_:)`` if the weights do not correspond.
    /// - Precondition: `alpha` lies in `0...1`.
    public func interpolated(
        with other: FineTunedModel, _ alpha: Double
    ) throws -> FineTunedModel {
        guard pooling == other.pooling, headDescription == other.headDescription else {
            throw ModelError.notInterpolable("their heads or poolings differ")
        }
        return try interpolated(alpha, with: other.mergedValues)
    }

    /// The backbone's values for this model's parameters; where it has none, this model's.
    private func pretrainedValues(
        of backbone: PretrainedModel<P>
    ) throws -> [(parameter: Parameter, value: Tensor)] {
        let model = try backbone.attaching(head, pooling: pooling)
        let pretrained = model.stages.flatMap(\.parameters)
            .filter { !model.initializedPaths.contains($0.path) }
        let values = Dictionary(
            pretrained.map { ($0.path, $0.value) }, uniquingKeysWith: { first, _ in first })
        return mergedValues.map { ($0.parameter, values[$0.parameter.path] ?? $0.value) }
    }

    private func interpolated(
        _ alpha: Double, with others: [(parameter: Parameter, value: Tensor)]
    ) throws -> FineTunedModel {
        require((0...1).contains(alpha), "an α of \(alpha) does not lie in 0...1")
        let own = mergedValues
        guard own.map(\.parameter.path) == others.map(\.parameter.path),
            zip(own, others).allSatisfy({ $0.value.shape == $1.value.shape })
        else { throw ModelError.notInterpolable("their weights have different names or shapes") }
        let model = try FineTunedModel(
            preparation: preparation, architecture: architecture, pooling: pooling, head: head,
            headSource: ParameterSource(initializing: .float32, seed: 0), seed: 0,
            sharing: Dictionary(
                others.map { ($0.parameter.path, $0.value) },
                uniquingKeysWith: { first, _ in first }))
        for (parameter, (own, other)) in zip(model.parameters, zip(own, others)) {
            // Nothing is computed where nothing has changed, so that memory stays shared, and nothing
            // lies between two counts.
            parameter.value =
                alpha == 0 || own.value.isIdentical(to: other.value)
                ? other.value
                : alpha == 1 || !own.value.dtype.isComputable
                    ? own.value : own.value * alpha + other.value * (1 - alpha)
        }
        return model
    }
}

/// How good a model is on its task and how much it has forgotten, at one point between the pretrained
/// backbone and the fine-tuned model.
public struct InterpolationPoint<Metrics: HeadMetrics>: Sendable {
    /// The part of the fine-tuned model's weights.
    public let alpha: Double
    /// How good the model is on the task.
    public let metrics: Metrics
    /// What it has forgotten; nil without a ``ForgettingGuard``.
    public let forgotten: Double?
}

/// How the task and what was learned before compare between the pretrained backbone and a fine-tuned
/// model.
public struct InterpolationSweep<Metrics: HeadMetrics>: Sendable, CustomStringConvertible {
    /// The points, in the order in which they were asked for.
    public let points: [InterpolationPoint<Metrics>]

    /// The best trade-off: the highest score less what is forgotten. With a guard that measures a score
    /// too, that is the best mean of both, as in WiSE-FT. Of equals the one nearest to the fine-tuned
    /// model.
    public var best: InterpolationPoint<Metrics> { best { $0.metrics.score - ($0.forgotten ?? 0) } }

    /// The point of the highest score of those that forget no more than `limit`; nil if there is none.
    public func best(forgettingAtMost limit: Double) -> InterpolationPoint<Metrics>? {
        let allowed = points.filter { ($0.forgotten ?? 0) <= limit }
        guard !allowed.isEmpty else { return nil }
        return InterpolationSweep(points: allowed).best { $0.metrics.score }
    }

    private func best(
        by value: (InterpolationPoint<Metrics>) -> Double
    ) -> InterpolationPoint<Metrics> {
        points.dropFirst().reduce(points[0]) { best, point in
            (value(best), best.alpha) < (value(point), point.alpha) ? point : best
        }
    }

    /// A table of the points; the best trade-off is marked.
    public var description: String {
        let best = best.alpha
        var table = TextTable(header: ["α", Metrics.scoreName, "forgotten", ""])
        for point in points {
            table.append([
                point.alpha.formatted(decimals: 2), point.metrics.score.formatted(decimals: 4),
                point.forgotten.map { $0.formatted(decimals: 4) } ?? "",
                point.alpha == best ? "← best" : "",
            ])
        }
        return table.lines.joined(separator: "\n")
    }
}

extension FineTunedModel {
    /// Measures the models between the pretrained backbone and this one.
    ///
    /// ```swift
    /// let sweep = try await model.interpolationSweep(
    ///     with: backbone, on: validation, guarding: .init(keeping: previous, on: references))
    /// let chosen = try model.interpolated(with: backbone, sweep.best.alpha)
    /// ```
    ///
    /// Choose by examples that the result is not judged by.
    ///
    /// - Parameters:
    ///   - backbone: What this model was attached to.
    ///   - alphas: The points, at least one, in `0...1`: eleven in steps of 0.1, as in the paper.
    ///   - data: What the task is measured on.
    ///   - guarding: What should not be forgotten; nil measures the task alone.
    /// - Returns: How good each point is.
    /// - Throws: ``ModelError/notInterpolable(_:)``, ``ForgettingError``, ``DataError``, ``HeadError``,
    ///   `CancellationError`.
    public nonisolated(nonsending) func interpolationSweep(
        with backbone: PretrainedModel<P>, alphas: [Double] = (0...10).map { Double($0) / 10 },
        on data: Dataset<P.Input, H.Target>, guarding: ForgettingGuard<P>? = nil
    ) async throws -> InterpolationSweep<H.Metrics> {
        require(!alphas.isEmpty, "a sweep needs at least one α")
        let others = try pretrainedValues(of: backbone)
        var points: [InterpolationPoint<H.Metrics>] = []
        for alpha in alphas {
            try Task.checkCancellation()
            let model = try interpolated(alpha, with: others)
            points.append(
                InterpolationPoint(
                    alpha: alpha, metrics: try model.evaluate(on: data),
                    forgotten: try guarding?.forgotten(by: model)))
            await Task.yield()
        }
        return InterpolationSweep(points: points)
    }
}
