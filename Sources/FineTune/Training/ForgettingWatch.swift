import Layers
import Tensor

/// A guard during a run: what was forgotten after each epoch, and the weights to go back to.
struct ForgettingWatch<P: Preparation, H: Head> {
    private let guarding: ForgettingGuard<P>
    private let model: FineTunedModel<P, H>
    /// Whether the weights to go back to are the best within the limit, or else the last.
    private let keepsBest: Bool
    private var amounts: [Double] = []
    private var kept: (weights: [(Parameter, Tensor)], score: Double?, epoch: Int)

    /// - Throws: ``ForgettingError`` if the guard is not for this model.
    init(
        _ guarding: ForgettingGuard<P>, of model: FineTunedModel<P, H>, keepsBest: Bool
    ) throws(ForgettingError) {
        guard guarding.featureSize == model.architecture.featureSize else {
            throw .otherBackbone(
                expected: guarding.featureSize, found: model.architecture.featureSize)
        }
        (self.guarding, self.model, self.keepsBest) = (guarding, model, keepsBest)
        kept = (model.currentWeights, nil, 0)
    }

    /// Whether the run has to stop.
    var exceedsLimit: Bool { stop != nil }

    private var stop: StopReason? {
        guard let limit = guarding.limit, let amount = amounts.last, !(amount <= limit) else {
            return nil
        }
        return .forgetting(amount, limit: limit, restoredEpoch: kept.epoch)
    }

    /// What it has seen so far, for the state of a run. A run changes no other parameters than `changing`.
    func state(of changing: [Parameter]) -> TrainingState.Forgetting {
        let isChanging = Set(changing.map { ObjectIdentifier($0) })
        let weights = kept.weights.filter { isChanging.contains(ObjectIdentifier($0.0)) }
        return TrainingState.Forgetting(
            amounts: amounts, epoch: kept.epoch, score: kept.score,
            weights: Dictionary(weights.map { ($0.0.path, $0.1) }, uniquingKeysWith: { $1 }))
    }

    /// Goes on from what an earlier run had seen.
    ///
    /// - Throws: ``TrainingError/unsuitableState(_:)`` if its weights are not those of the model.
    mutating func restore(
        _ state: TrainingState.Forgetting?, of changing: [Parameter]
    ) throws(TrainingError) {
        guard let state else { return }
        var weights = model.currentWeights
        let isChanging = Set(changing.map { ObjectIdentifier($0) })
        for index in weights.indices {
            let parameter = weights[index].0
            guard isChanging.contains(ObjectIdentifier(parameter)) else { continue }
            guard let value = state.weights[parameter.path], value.shape == parameter.shape,
                value.dtype == weights[index].1.dtype
            else {
                throw .unsuitableState("what the guard keeps of '\(parameter.path)' is not in it")
            }
            weights[index].1 = value
        }
        (amounts, kept) = (state.amounts, (weights, state.score, state.epoch))
    }

    /// Measures the model after an epoch, and says so in its summary.
    mutating func measure(after summary: inout EpochSummary<H.Metrics>) throws {
        let amount = try guarding.forgotten(by: model)
        amounts.append(amount)
        summary.forgotten = amount
        guard stop == nil else { return }
        let score = summary.metrics?.score
        let isBetter = score.map { $0 > kept.score ?? -.infinity } ?? true
        if !keepsBest || isBetter { kept = (model.currentWeights, score, summary.epoch) }
    }

    /// Adds to the report what was forgotten. If too much was, the model gets the last weights within
    /// the limit back, or with early stopping the best of them.
    func complete(
        _ report: inout TrainingReport<H.Metrics>, validation: Dataset<P.Input, H.Target>?
    ) throws {
        for (index, amount) in zip(report.epochs.indices.suffix(amounts.count), amounts) {
            report.epochs[index].forgotten = amount
        }
        guard let stop else { return }
        model.lock.writing {
            for (parameter, value) in kept.weights { parameter.value = value }
        }
        report.forgettingStop = stop
        report.metrics = try validation.map { try model.evaluate(on: $0) }
    }
}

extension FineTunedModel {
    /// All weights as they are; they cost memory only where training changes them afterwards.
    var currentWeights: [(Parameter, Tensor)] {
        lock.reading { parameters.map { ($0, $0.value) } }
    }
}

/// Why a run ended before its plan did.
public enum StopReason: Sendable, Hashable, CustomStringConvertible {
    /// The score on the validation examples no longer became better.
    case noImprovement
    /// More was forgotten than the guard allows. The model has the weights of the end of that epoch,
    /// or, for 0, those of before the run.
    case forgetting(Double, limit: Double, restoredEpoch: Int)

    /// What happened.
    public var description: String {
        switch self {
        case .noImprovement: "the score no longer became better"
        case .forgetting(let amount, let limit, let epoch):
            "\(amount.formatted(decimals: 4)) was forgotten, more than the limit of "
                + "\(limit.formatted(decimals: 4)); the model has the weights of "
                + (epoch > 0 ? "the end of epoch \(epoch)" : "before the run")
        }
    }
}
