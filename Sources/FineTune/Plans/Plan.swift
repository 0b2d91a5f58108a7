/// What a run trains, in which order and at which rates: a list of phases.
///
/// A plan speaks of the stages of a backbone, counted from the top: the head is always trained, and
/// so is a stage that has no pretrained weights.
public struct Plan: Sendable, Hashable {
    /// Some epochs in which the same stages train at the same rates.
    public struct Phase: Sendable, Hashable {
        /// Which stages of the backbone train beside the head.
        public enum Stages: Sendable, Hashable {
            /// None.
            case none
            /// So many, counted from the top.
            case top(Int)
            /// This share of all, counted from the top and rounded up.
            case topShare(Double)
            /// All.
            case all

            func count(of stages: Int) -> Int {
                switch self {
                case .none: 0
                case .top(let count): max(0, min(count, stages))
                case .topShare(let share):
                    // A share that is no number is none; a trainer refuses it.
                    Int(((share > 0 ? min(share, 1) : 0) * Double(stages)).rounded(.up))
                case .all: stages
                }
            }
        }

        /// Which stages of the backbone train beside the head.
        public var stages: Stages
        /// How often the training data is gone through.
        public var epochs: Int
        /// The rate of the head.
        public var headRate: Double
        /// The rate of the topmost stage.
        public var stageRate: Double
        /// What the rate is multiplied with from each stage to the one below it.
        public var decay: Double
        /// The rate of the model's adapter; nil keeps it as it is.
        public var adapterRate: Double?

        /// A phase.
        public init(
            stages: Stages, epochs: Int, headRate: Double, stageRate: Double, decay: Double = 1,
            adapterRate: Double? = nil
        ) {
            self.stages = stages
            self.epochs = epochs
            self.headRate = headRate
            self.stageRate = stageRate
            self.decay = decay
            self.adapterRate = adapterRate
        }

        /// The rate of each stage, from the bottom to the top; nil for a frozen one.
        public func rates(stages count: Int) -> [Double?] {
            let trained = stages.count(of: count)
            return (0..<count).map { index in
                let fromTop = count - 1 - index
                return fromTop < trained ? stageRate * power(decay, fromTop) : nil
            }
        }
    }

    /// What the plan is called in reports.
    public let name: String
    /// The phases, in order.
    public let phases: [Phase]

    /// A plan of these phases.
    public init(name: String, phases: [Phase]) { (self.name, self.phases) = (name, phases) }

    /// How often the training data is gone through in all.
    public var epochs: Int { phases.reduce(0) { $0 + $1.epochs } }

    /// Trains the head alone; the backbone stays as it is.
    ///
    /// - Parameters:
    ///   - epochs: 10.
    ///   - learningRate: 1e-3, Adam's own (arXiv:1412.6980): nothing pretrained can be harmed.
    /// - Returns: A plan of one phase.
    public static func headOnly(epochs: Int = 10, learningRate: Double = 1e-3) -> Plan {
        Plan(
            name: "head",
            phases: [
                Phase(stages: .none, epochs: epochs, headRate: learningRate, stageRate: 0)
            ])
    }

    /// Trains the model's adapter and the head; the backbone stays as it is.
    ///
    /// - Parameters:
    ///   - epochs: 10. The papers train longer than fully fine-tuned models: on GLUE 25 to 80 epochs
    ///     (LoRA, arXiv:2106.09685, table 9).
    ///   - learningRate: 5e-4 (same: 4e-4 to 5e-4), ten times that of full fine-tuning.
    ///   - headRate: By default the adapter's, as PEFT trains both.
    /// - Returns: A plan of one phase.
    public static func adapter(
        epochs: Int = 10, learningRate: Double = 5e-4, headRate: Double? = nil
    ) -> Plan {
        Plan(
            name: "adapter",
            phases: [
                Phase(
                    stages: .none, epochs: epochs, headRate: headRate ?? learningRate, stageRate: 0,
                    adapterRate: learningRate)
            ])
    }

    /// Trains everything.
    ///
    /// - Parameters:
    ///   - epochs: 3 (BERT, arXiv:1810.04805, appendix A.3: 2 to 4).
    ///   - learningRate: 5e-5, the largest of BERT's (same). Smaller models take more: 1e-4 for
    ///     MiniLM.
    ///   - decay: The rate of each stage over that of the one above; 1 gives all the same.
    /// - Returns: A plan of one phase.
    public static func full(
        epochs: Int = 3, learningRate: Double = 5e-5, decay: Double = 1
    ) -> Plan {
        Plan(
            name: "full",
            phases: [
                Phase(
                    stages: .all, epochs: epochs, headRate: learningRate, stageRate: learningRate,
                    decay: decay)
            ])
    }

    /// Trains the head and the topmost stages.
    ///
    /// - Parameters:
    ///   - count: How many stages.
    ///   - epochs: 3, as for ``full(epochs:learningRate:decay:)``.
    ///   - learningRate: 1e-4: fewer stages bear a larger rate.
    ///   - decay: The rate of each stage over that of the one above; 1 gives all the same.
    /// - Returns: A plan of one phase.
    public static func top(
        _ count: Int, epochs: Int = 3, learningRate: Double = 1e-4, decay: Double = 1
    ) -> Plan {
        Plan(
            name: "top\(count)",
            phases: [
                Phase(
                    stages: .top(count), epochs: epochs, headRate: learningRate,
                    stageRate: learningRate, decay: decay)
            ])
    }

    /// Gradual unfreezing with discriminative rates (Howard and Ruder 2018, ULMFiT,
    /// arXiv:1801.06146, sections 3.2 and 3.3): the head first, then from epoch to epoch more
    /// stages from the top, all of them in the last.
    ///
    /// - Parameters:
    ///   - epochs: How many in all; with a single one everything trains at once.
    ///   - learningRate: The rate of the head and of the topmost stage.
    ///   - decay: The rate of each stage over that of the one above. The paper's 1 / 2.6 is for four
    ///     stages; 0.9 suits the many of a transformer (Clark et al. 2020, ELECTRA,
    ///     arXiv:2003.10555, appendix B: 0.8 to 0.9).
    /// - Returns: A plan of one phase for each epoch.
    public static func gradualUnfreezing(
        epochs: Int = 3, learningRate: Double = 1e-4, decay: Double = 0.9
    ) -> Plan {
        let phases = (0..<max(1, epochs)).map { epoch in
            let share = epochs <= 1 ? 1 : Double(epoch) / Double(epochs - 1)
            return Phase(
                stages: share == 0 ? .none : share == 1 ? .all : .topShare(share), epochs: 1,
                headRate: learningRate, stageRate: learningRate, decay: decay)
        }
        return Plan(name: "gradual", phases: phases)
    }
}

private func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
}
