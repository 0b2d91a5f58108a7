/// How a run went on after a loss or gradient that was infinite or not a number.
public enum Recovery: Sendable, Hashable, CustomStringConvertible {
    /// It left the step out.
    case skippedStep(Int, loss: Double)
    /// It went back to where it had taken so many steps, and goes on with its rates multiplied by a factor.
    case wentBack(toStep: Int, rateFactor: Double, because: TrainingError)

    /// What happened.
    public var description: String {
        switch self {
        case .skippedStep(let step, let loss): "step \(step) was left out: its loss was \(loss)"
        case .wentBack(let step, let factor, let error):
            "back to step \(step), with \(factor) times the rates: \(error)"
        }
    }
}
