/// What a run trains, in which order and at which rates: a list of phases.
///
/// A plan is a value: it can be compared, printed as a table (``description(for:)``) and used for
/// any number of runs. The head is trained in every phase, and so is a stage that has no pretrained
/// weights. The recipes of the literature are static functions, such as
/// ``gradualUnfreezing(epochs:learningRate:decay:)``; a plan of your own is a list of phases:
///
/// ```swift
/// let plan = Plan(
///     name: "mine",
///     phases: [
///         Plan.Phase(stages: .none, epochs: 2, headRate: 1e-3, stageRate: 0),
///         Plan.Phase(
///             stages: .top(2), parameters: .biases, length: .untilStalled(atMost: 10),
///             headRate: 1e-4, stageRate: 1e-4, decay: 0.9, schedule: Schedule(.cosine)),
///     ])
/// ```
///
/// What an optimizer remembers of a parameter, its moments and its number of steps, lasts from phase
/// to phase, also while the parameter is frozen; a parameter that trains for the first time begins
/// without.
public struct Plan: Sendable, Hashable {
    /// What the plan is called in reports.
    public let name: String
    /// The phases, in order.
    public let phases: [Phase]

    /// A plan of these phases.
    public init(name: String, phases: [Phase]) { (self.name, self.phases) = (name, phases) }

    /// How often the training data is gone through in all, at most. Phases whose length is a number
    /// of steps do not count.
    public var epochs: Int { phases.reduce(0) { $0 + $1.epochs } }
}
