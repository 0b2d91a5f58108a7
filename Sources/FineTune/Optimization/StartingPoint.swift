import Layers
import Tensor

/// The weights that a run began with, for plans that pull back to them.
struct StartingPoint {
    /// The values of what is pretrained; what is new is pulled towards 0.
    private(set) var values: [ObjectIdentifier: Tensor]

    /// The values as they are now.
    init(_ parameters: [Parameter]) {
        values = Dictionary(
            parameters.map { (ObjectIdentifier($0), $0.value) }, uniquingKeysWith: { $1 })
    }

    /// What the run began with at a parameter; nil for a new one.
    subscript(parameter: Parameter) -> Tensor? {
        get { values[ObjectIdentifier(parameter)] }
        set { values[ObjectIdentifier(parameter)] = newValue }
    }

    /// Adds the gradient of the penalty to that of the loss: `α (w − w₀)`, or `β v` for a new
    /// parameter that decays. Without a gradient of the loss there is none of the penalty.
    ///
    /// - Parameters:
    ///   - parameter: What trains.
    ///   - penalty: How strong.
    ///   - rows: The rows of a table that may have moved; nil for all.
    func pull(
        _ parameter: Parameter, by penalty: Plan.StartingPointPenalty, rows: [Int32]?
    ) {
        guard parameter.receivedGradient != nil else { return }
        guard let start = self[parameter] else {
            if parameter.kind.decays, penalty.beta > 0 {
                parameter.accumulate(parameter.value * penalty.beta)
            }
            return
        }
        guard penalty.alpha > 0 else { return }
        if let rows {
            guard !rows.isEmpty else { return }
            let moved = parameter.rows(rows, in: .inference).value
            parameter.accumulate((moved - start.gatheringRows(rows)) * penalty.alpha, at: rows)
        } else {
            parameter.accumulate((parameter.value - start) * penalty.alpha)
        }
    }
}
