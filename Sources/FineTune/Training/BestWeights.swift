import Layers
import Tensor

/// The weights that a run goes back to: the best that were found sound.
///
/// They cost memory only where training has changed them since.
struct BestWeights {
    /// The weights of a moment.
    struct Snapshot {
        var weights: [(parameter: Parameter, value: Tensor)]
        var score: Double?
        var name: String
    }

    /// What is gone back to.
    private(set) var best: Snapshot
    /// What will be the best once a loss has shown that it is sound.
    private(set) var candidate: Snapshot?

    /// The weights of before the run.
    init(_ parameters: [Parameter]) {
        best = Snapshot(
            weights: parameters.map { ($0, $0.value) }, score: nil,
            name: "its weights of before the run")
    }

    /// Those of a run that goes on.
    init(best: Snapshot, candidate: Snapshot?) { (self.best, self.candidate) = (best, candidate) }

    /// Whether a score is better than all before. The first is, also one that is not a number, than which
    /// every number is better.
    func isBetter(_ score: Double, by improvement: Double) -> Bool {
        guard let known = best.score else { return true }
        return known.isNaN ? !score.isNaN : score > known + improvement
    }

    /// Takes the weights of the end of an epoch for the best.
    mutating func consider(score: Double?, epoch: Int) {
        candidate = Snapshot(
            weights: best.weights.map { ($0.parameter, $0.parameter.value) }, score: score,
            name: "the weights of the end of epoch \(epoch)")
    }

    /// Weights count as good when the model has a finite loss with them, not before: a step that
    /// was too large shows only in the next pass.
    mutating func confirm() {
        if let candidate { best = candidate }
        candidate = nil
    }

    /// Gives the model its best weights back. The caller holds the model's lock.
    func restore() {
        for (parameter, value) in best.weights { parameter.value = value }
    }

    /// Forgets a candidate that turned out to be none.
    mutating func dropCandidate() { candidate = nil }
}
