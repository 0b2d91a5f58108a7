public import Layers

/// How good a way to train is, measured on each part of the data after training on the others.
public struct CrossValidation<Metrics: HeadMetrics>: Sendable, CustomStringConvertible {
    /// The metrics of each part that was held out.
    public let folds: [Metrics]

    /// The scores of the parts, such as their accuracies.
    public var scores: [Double] { folds.map(\.score) }
    /// The mean of the scores.
    public var mean: Double { mean { $0.score } }
    /// The standard deviation of the scores, with n − 1 in its denominator.
    public var standardDeviation: Double { standardDeviation { $0.score } }

    /// The mean of another number, such as `\.macroF1`.
    public func mean(_ value: (Metrics) -> Double) -> Double {
        folds.reduce(0) { $0 + value($1) } / Double(folds.count)
    }

    /// The standard deviation of another number, with n − 1 in its denominator.
    public func standardDeviation(_ value: (Metrics) -> Double) -> Double {
        let mean = mean(value)
        let squares = folds.reduce(0) { $0 + (value($1) - mean) * (value($1) - mean) }
        return (squares / Double(max(folds.count - 1, 1))).squareRoot()
    }

    /// Such as `accuracy 0.862 ± 0.011 over 5 folds (0.851, 0.874, 0.866, 0.848, 0.871)`.
    public var description: String {
        let all = scores.map { $0.formatted(decimals: 3) }.joined(separator: ", ")
        return "\(Metrics.scoreName) \(mean.formatted(decimals: 3)) ± "
            + "\(standardDeviation.formatted(decimals: 3)) over \(folds.count) folds (\(all))"
    }
}

/// Data that cannot be cut into the folds that were asked for.
public enum CrossValidationError: Error, Hashable, CustomStringConvertible {
    /// Fewer than two folds, or more than there are examples.
    case unusableFolds(Int, examples: Int)
    /// Fewer groups than folds.
    case tooFewGroups(Int, folds: Int)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .unusableFolds(let folds, let examples):
            "\(examples) examples cannot be cut into \(folds) folds; use from 2 to as many as there "
                + "are examples"
        case .tooFewGroups(let groups, let folds):
            "the examples form \(groups) groups, which cannot be spread over \(folds) folds; use fewer"
        }
    }
}

extension PretrainedModel {
    /// Measures a way to train by k-fold cross-validation: k times, a new head is attached, trained on
    /// all but one part of the data, and measured on that part.
    ///
    /// ```swift
    /// let head = ClassificationHead(labels: data.labels)
    /// let result = try await backbone.crossValidate(head, on: data) { model, train in
    ///     try await model.solveHead(on: train, with: .ridge())
    /// }
    /// print(result)  // such as: accuracy 0.862 ± 0.011 over 5 folds (…)
    /// ```
    ///
    /// The parts of a classification hold the same share of every class (Kohavi, IJCAI 1995). Remove
    /// duplicates first, so that no part holds what was trained on.
    ///
    /// The folds share a feature cache: what stages give that stay as they were pretrained is computed
    /// once for all folds.
    ///
    /// - Parameters:
    ///   - head: The task.
    ///   - data: All examples.
    ///   - group: Keeps examples for which it is the same in one part, such as the pictures of an
    ///     author; nil, the default, keeps none together. The parts are then of about the same size and
    ///     hold about the same share of every class, as far as whole groups allow.
    ///   - folds: How many parts: 5 (Hastie, Tibshirani and Friedman, "The Elements of Statistical
    ///     Learning", section 7.10: 5 or 10).
    ///   - pooling: How the features of an input become one vector.
    ///   - seed: Decides which examples form a part, and begins the heads.
    ///   - fit: Trains the model on the examples that it is given, in any way.
    /// - Returns: The metrics of each part.
    /// - Throws: ``CrossValidationError``, ``HeadError`` for an unknown label, and what `fit` throws.
    public nonisolated(nonsending) func crossValidate<H: Head>(
        _ head: H, on data: Dataset<P.Input, H.Target>,
        groupedBy group: ((Example<P.Input, H.Target>) -> String)? = nil, folds: Int = 5,
        pooling: Pooling? = nil, seed: UInt64 = 0,
        fitting fit:
            nonisolated(nonsending) (
                FineTunedModel<P, H>, Dataset<P.Input, H.Target>
            ) async throws -> Void
    ) async throws -> CrossValidation<H.Metrics> {
        guard folds >= 2, folds <= data.count else {
            throw CrossValidationError.unusableFolds(folds, examples: data.count)
        }
        let strata = try head.encoded(data.targets).map(head.stratum)
        let members = group.map { data.positions(groupedBy: $0) }
        guard folds <= members?.count ?? folds else {
            throw CrossValidationError.tooFewGroups(members?.count ?? 0, folds: folds)
        }
        let parts =
            members.map { Groups($0, strata: strata).folds(folds, seed: seed) }
            ?? stratifiedFolds(of: strata, count: folds, seed: seed)
        var metrics: [H.Metrics] = []
        let features = FeatureCache<P>(TrainingSettings.FeatureCaching())
        for fold in 0..<folds {
            try Task.checkCancellation()
            let model = try attaching(head, pooling: pooling, seed: seed)
            (model.sharedFeatures, features.keepsNew) = (features, true)
            defer { model.sharedFeatures = nil }
            try await fit(model, data.selecting(data.indices.filter { parts[$0] != fold }))
            // Stages that have trained must not push out what the next fold will ask for.
            let isFrozen = features.isPrepared(for: model.frozenPrefix)
            metrics.append(
                try model.evaluate(
                    on: data.selecting(data.indices.filter { parts[$0] == fold }),
                    cache: isFrozen ? features : nil))
        }
        return CrossValidation(folds: metrics)
    }
}
