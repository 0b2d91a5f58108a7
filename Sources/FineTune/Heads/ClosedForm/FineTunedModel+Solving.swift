import Autograd
import Layers
import Tensor

extension FineTunedModel where H: SolvableHead {
    /// Computes the head's weights from the backbone's features at once: seconds instead of epochs.
    ///
    /// The backbone sees each example once and stays as it is. The result is the same head that
    /// training gives: it predicts, is saved, and can be trained on, which is how "linear probing, then
    /// fine-tuning" begins (Kumar et al. 2022, arXiv:2202.10054).
    ///
    /// Checks for cancellation and gives way after every batch. Predictions from other threads go on
    /// with the old head until the new one is there.
    ///
    /// - Parameters:
    ///   - data: What to learn from.
    ///   - solver: How.
    ///   - validation: What to measure the model on afterwards.
    ///   - precision: How exact the operands of the backbone's products are while it computes the
    ///     features to learn from, `float32` by default. The weights are solved for in `float64`, and
    ///     the model is measured in `float32`, either way. A CPU without bfloat16 products computes
    ///     in `float32`.
    /// - Returns: What came of it, to print or to read.
    /// - Throws: ``ExamplesError`` and ``HeadError`` for examples that cannot be learned from,
    ///   ``HeadSolverError`` and `LinearAlgebraError` if there is no solution,
    ///   `CancellationError`. The head is then as it was.
    @discardableResult
    public nonisolated(nonsending) func solveHead(
        on data: Dataset<P.Input, H.Target>, with solver: H.Solver,
        validating validation: Dataset<P.Input, H.Target>? = nil,
        precision: Tensor.Precision = .float32
    ) async throws -> SolverReport<H.Metrics> {
        let examples = try PreparedExamples(data, for: self, purpose: .training)
        try head.checkTrainable(examples.targets)
        let held = try validation.map {
            try PreparedExamples($0, for: self, purpose: .validation)
        }
        let start = ContinuousClock.now
        let features = try await features(for: examples.items, precision: precision)
        let featureTime = ContinuousClock.now - start
        let solution = try head.solution(
            features: features.converted(to: .float64), targets: examples.targets, solver: solver)
        lock.writing { network.linear.set(solution) }
        let solverTime = ContinuousClock.now - start - featureTime
        return SolverReport(
            solver: "\(solver)", examples: examples.items.count,
            truncatedInputs: examples.truncatedCount + (held?.truncatedCount ?? 0),
            penalty: solution.penalty, trials: solution.trials,
            metrics: try held?.metrics(of: self, cache: sharedFeatures),
            featureSeconds: featureTime.inSeconds, solverSeconds: solverTime.inSeconds)
    }

    /// The features that the head gets, shape `[rows, width]`, in the order of the items.
    nonisolated(nonsending) func features(
        for items: [P.Item], precision: Tensor.Precision = .float32
    ) async throws -> Tensor {
        let order = BatchOrder(
            sizes: items.map { preparation.size(of: $0) }, limit: .tokens(inferencePassSize),
            seed: 0)
        var rows: [[[Float]]] = []
        for batch in order.evaluationBatches {
            try Task.checkCancellation()
            let items = batch.map { items[$0] }
            rows.append(
                try precision.applied {
                    try lock.reading {
                        try forEachBatch(of: items, preparation: preparation) {
                            try headFeatures($0, in: .inference, cache: sharedFeatures).value
                        }
                    }
                })
            await Task.yield()
        }
        return joined(order.restored(rows), of: items, preparation: preparation)
    }
}

extension Linear {
    /// Takes over a computed map.
    fileprivate func set(_ solution: LinearSolution) {
        weight.value = solution.weight.converted(to: weight.value.dtype)
        if let bias { bias.value = Tensor(solution.bias).converted(to: bias.value.dtype) }
    }
}

/// What came of computing a head.
public struct SolverReport<Metrics: HeadMetrics>: Sendable, CustomStringConvertible {
    /// What the way is called.
    public let solver: String
    /// The number of examples that were learned from.
    public let examples: Int
    /// How many inputs were cut to the most that the model takes.
    public let truncatedInputs: Int
    /// The penalty or shrinkage that was used; nil if there is none, or one for each output.
    public let penalty: Double?
    /// The penalties that were compared, from the strongest to the weakest.
    public let trials: [PenaltyTrial]
    /// How good the model is on the validation examples; nil without any.
    public let metrics: Metrics?
    /// The time in which the backbone computed the features.
    public let featureSeconds: Double
    /// The time in which the weights were computed from them.
    public let solverSeconds: Double

    /// The report as a person reads it.
    public var description: String {
        let chosen = penalty.map { penalty in
            let choice = trials.isEmpty ? "" : ", the best of \(trials.count)"
            return " with the penalty \(penalty.formattedScientific(decimals: 1))\(choice)"
        }
        var lines = ["head by \(solver)\(chosen ?? "")"]
        if let metrics { lines += ["", "\(metrics)", ""] }
        lines.append(
            "\(examples) examples: features in \(featureSeconds.formattedAsSeconds), "
                + "weights in \(solverSeconds.formattedAsSeconds)")
        if truncatedInputs > 0 {
            lines.append("\(truncatedInputs) inputs were longer than the model takes and were cut")
        }
        return lines.joined(separator: "\n")
    }
}
