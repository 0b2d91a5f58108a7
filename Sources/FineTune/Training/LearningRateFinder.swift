import Layers
import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a search for a learning rate found.
public struct LearningRateSearch: Sendable, Hashable, CustomStringConvertible {
    /// One step.
    public struct Point: Sendable, Hashable {
        /// The largest rate of the step.
        public let learningRate: Double
        /// The mean loss of the step's examples before it.
        public let loss: Double
        /// The losses up to here, smoothed.
        public let smoothedLoss: Double
    }

    /// The steps, from the smallest rate to the largest that was reached.
    public let points: [Point]
    /// Whether the loss grew so much that larger rates were not tried.
    public let diverged: Bool
    /// A tenth of the rate at which the smoothed loss was lowest, but at least the smallest that was
    /// tried: where the loss has fallen as far as it can, the rate is already too large for a whole run
    /// (Howard and Gugger, "fastai: A Layered API for Deep Learning", Information 2020, arXiv:2002.04688:
    /// `lr_find` suggests it so).
    public let suggestion: Double

    init(points: [Point], diverged: Bool) {
        (self.points, self.diverged) = (points, diverged)
        let lowest = points.min { $0.smoothedLoss < $1.smoothedLoss }?.learningRate ?? 0
        suggestion = max(lowest / 10, points.first?.learningRate ?? 0)
    }

    /// Such as `learning rate 2.1e-04 (95 steps from 1.0e-06 to 6.3e-03, where the loss diverged)`.
    public var description: String {
        let ends = [points.first, points.last].map {
            ($0?.learningRate ?? 0).formattedScientific(decimals: 1)
        }
        return
            "learning rate \(suggestion.formattedScientific(decimals: 1)) (\(points.count) steps "
            + "from \(ends[0]) to \(ends[1])\(diverged ? ", where the loss diverged" : ""))"
    }
}

extension Trainer {
    /// Searches for a learning rate: the learning-rate range test (Smith 2017, arXiv:1506.01186,
    /// section 3.3) with a rate that grows by the same factor from step to step.
    ///
    /// The last phase of the plan is tried, which in every ready-made plan trains the most; the rates of
    /// its stages keep their proportions, and the number found is the largest of them. The model is
    /// afterwards as it was.
    ///
    /// ```swift
    /// let search = try await Trainer(model).findLearningRate(on: train)
    /// let trainer = Trainer(model, plan: .full(learningRate: search.suggestion))
    /// ```
    ///
    /// - Parameters:
    ///   - data: What to learn from.
    ///   - range: The rates to try: 1e-6 to 1e-2. Below, nothing changes in an epoch; above, what was
    ///     pretrained is lost within a few steps.
    ///   - steps: How many steps: 100, at least 2 and at most 10,000,000.
    /// - Returns: The rates and losses, and what they suggest.
    /// - Throws: ``ExamplesError``, ``HeadError``, ``TrainingError`` as ``fit(on:validating:from:)`` does,
    ///   and for a range or number of steps that makes no sense; `CancellationError`.
    public nonisolated(nonsending) func findLearningRate(
        on data: Dataset<P.Input, H.Target>, in range: ClosedRange<Double> = 1e-6...1e-2,
        steps: Int = 100
    ) async throws -> LearningRateSearch {
        guard range.lowerBound > 0, range.upperBound.isFinite, steps >= 2 else {
            throw TrainingError.unusableSetting(
                "rates from \(range.lowerBound) to \(range.upperBound) cannot be searched in "
                    + "\(steps) steps; give positive rates and at least 2 steps")
        }
        let before = model.currentWeights
        let run = try searchRun(on: data, steps: steps)
        defer {
            run.freezeAll()
            model.lock.writing { for (parameter, value) in before { parameter.value = value } }
        }
        var curve = LossCurve()
        let ratio = range.upperBound / range.lowerBound
        _ = run.beginEpoch()
        let planned = run.trained
        let largest = planned.reduce(0) { max($0, $1.rate) }
        guard largest > 0 else {
            throw TrainingError.unusableSetting(
                "the last phase of the plan '\(plan.name)' has no rate above 0")
        }
        for step in 0..<steps {
            try Task.checkCancellation()
            if !run.hasStep { _ = run.beginEpoch() }
            let rate = range.lowerBound * pow(ratio, Double(step) / Double(steps - 1))
            run.trained = planned.map { ($0.parameter, $0.rate / largest * rate) }
            try await run.loadStep()
            do {
                curve.add(try limited { try run.takeStep() }.loss, at: rate)
            } catch TrainingError.nonFiniteLoss {
                curve.diverged = true
            }
            if curve.diverged { break }
            await Task.yield()
        }
        return LearningRateSearch(points: curve.points, diverged: curve.diverged)
    }

    /// A run of the plan's last phase that is long enough, at rates that stay.
    private func searchRun(
        on data: Dataset<P.Input, H.Target>, steps: Int
    ) throws -> TrainingRun<P, H> {
        try settings.check()
        guard var phase = plan.phases.last else { throw TrainingError.emptyPlan }
        (phase.length, phase.schedule) = (.steps(steps), nil)
        let plan = Plan(name: plan.name, phases: [phase])
        try plan.check()
        var settings = settings
        (settings.schedule, settings.earlyStopping) = (.constant, nil)
        settings.nonFinite = .stop
        return try TrainingRun(
            model: model, plan: plan, settings: settings, data: data, validation: nil)
    }
}

/// The losses of a search, smoothed by an exponential mean that is corrected for its beginning at 0
/// (as Adam's, arXiv:1412.6980, section 3).
private struct LossCurve {
    private static let smoothing = 0.9
    /// A loss so many times the lowest has diverged, as in fastai.
    private static let divergence = 4.0

    var points: [LearningRateSearch.Point] = []
    var diverged = false
    private var (mean, weight) = (0.0, 1.0)

    mutating func add(_ loss: Double, at learningRate: Double) {
        mean = Self.smoothing * mean + (1 - Self.smoothing) * loss
        weight *= Self.smoothing
        let smoothed = mean / (1 - weight)
        points.append(
            LearningRateSearch.Point(
                learningRate: learningRate, loss: loss, smoothedLoss: smoothed))
        let lowest = points.reduce(Double.infinity) { min($0, $1.smoothedLoss) }
        diverged = smoothed > Self.divergence * lowest
    }
}
