/// What a run will take, before it is made.
public struct TrainingEstimate: Sendable, CustomStringConvertible {
    /// What a phase will take.
    public struct Phase: Sendable, Hashable {
        /// What the phase is called: its name, or `phase 2`.
        public let name: String
        /// The weights that train.
        public let trainableParameters: Int
        /// The steps of the optimizer, at most.
        public let steps: Int
        /// Additions and multiplications of numbers in matrix products and attention, the backward
        /// passes included.
        public let operations: Double
        /// The most memory that the process holds up to the end of the phase, in bytes, as
        /// ``TrainingReport/peakMemoryBytes`` counts it.
        public let peakMemoryBytes: Int
        /// The time, validation included.
        public let seconds: Double
    }

    /// The plan's name.
    public let plan: String
    /// All weights of the model.
    public let totalParameters: Int
    /// The phases that have steps, in order.
    public let phases: [Phase]

    /// The time of all phases.
    public var seconds: Double { phases.reduce(0) { $0 + $1.seconds } }
    /// The operations of all phases.
    public var operations: Double { phases.reduce(0) { $0 + $1.operations } }
    /// The most memory that the process will hold.
    public var peakMemoryBytes: Int { phases.map(\.peakMemoryBytes).max() ?? 0 }

    /// A table with a row for each phase.
    public var description: String {
        var table = TextTable(
            header: ["phase", "trainable", "steps", "operations", "peak memory", "time"])
        for phase in phases {
            table.append([
                phase.name, phase.trainableParameters.grouped, phase.steps.grouped,
                phase.operations.formattedScientific(decimals: 1),
                phase.peakMemoryBytes.formattedAsBytes, phase.seconds.formattedAsSeconds,
            ])
        }
        let title =
            "plan \(plan): \(seconds.formattedAsSeconds), peak memory "
            + "\(peakMemoryBytes.formattedAsBytes), \(totalParameters.grouped) parameters in all"
        return ([title] + table.lines).joined(separator: "\n")
    }
}
