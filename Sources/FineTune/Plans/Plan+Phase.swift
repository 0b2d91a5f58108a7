public import Layers

extension Plan {
    /// A part of a run in which the same parameters train at the same rates.
    public struct Phase: Sendable, Hashable {
        /// Which stages of the backbone train beside the head.
        public enum Stages: Sendable, Hashable {
            /// None.
            case none
            /// So many, counted from the top.
            case top(Int)
            /// This share of all, counted from the top and rounded up.
            case topShare(Double)
            /// These, counted from the bottom: 0 is the embeddings.
            case range(Range<Int>)
            /// All.
            case all

            /// The stages of `count` that train, counted from the bottom.
            func indices(of count: Int) -> Range<Int> {
                switch self {
                case .none: count..<count
                case .top(let wanted): (count - max(0, min(wanted, count)))..<count
                case .topShare(let share):
                    // A share that is no number is none; a trainer refuses it.
                    (count - Int(((share > 0 ? min(share, 1) : 0) * Double(count)).rounded(.up)))..<count
                case .range(let range): range.clamped(to: 0..<count)
                case .all: 0..<count
                }
            }

            func count(of stages: Int) -> Int { indices(of: stages).count }
        }

        /// Which parameters of the stages train. Those of the head, of stages without pretrained
        /// weights and of the adapter are not chosen by it.
        public enum Parameters: Sendable, Hashable {
            /// All.
            case all
            /// Those of these kinds, told by what they are in their layer and not by their names.
            case kinds(Set<Parameter.Kind>)
            /// Those of these names: the publisher's, such as `encoder.layer.0.output.dense.bias`.
            case names(Set<String>)

            /// Everything that is added to something, shifts of normalisations included.
            public static let biases = Parameters.kinds([.bias, .normalizationShift])
            /// The scales and shifts of the normalisations.
            public static let normalizations = Parameters.kinds([
                .normalization, .normalizationShift,
            ])

            func contains(_ parameter: Parameter) -> Bool {
                switch self {
                case .all: true
                case .kinds(let kinds): kinds.contains(parameter.kind)
                case .names(let names): names.contains(parameter.path)
                }
            }
        }

        /// How long a phase lasts.
        public enum Length: Sendable, Hashable {
            /// So many passes over the training data.
            case epochs(Int)
            /// So many steps of the optimizer. An epoch that they end in the middle of ends there.
            case steps(Int)
            /// Until so many epochs in a row have not brought a better score on the validation
            /// examples than the phase had before, and at most so many epochs. The next phase goes on
            /// from the weights as they are then.
            case untilStalled(patience: Int = 2, minimumImprovement: Double = 0, atMost: Int)
        }

        /// What the phase is called in tables and progress; empty for the plan's name.
        public var name: String
        /// Which stages of the backbone train beside the head.
        public var stages: Stages
        /// Which of their parameters.
        public var parameters: Parameters
        /// How long it lasts.
        public var length: Length
        /// The rate of the head.
        public var headRate: Double
        /// The rate of the topmost stage.
        public var stageRate: Double
        /// What the rate is multiplied with from each stage to the one below it.
        public var decay: Double
        /// Rates of single stages in place of ``stageRate`` and ``decay``: the first is the topmost
        /// stage's, the second that of the one below, and so on.
        public var stageRates: [Double]
        /// The rate of the model's adapter; nil keeps it as it is.
        public var adapterRate: Double?
        /// How the rate moves over the steps of this phase alone. Nil follows the run's schedule
        /// (``TrainingSettings/schedule``), which goes over all phases as if each were as long as it
        /// can be.
        public var schedule: Schedule?
        /// The decoupled weight decay in place of the optimizer's; nil keeps that.
        public var weightDecay: Double?
        /// A pull back to where the run began; nil has none.
        public var startingPointPenalty: StartingPointPenalty?
        /// How many of the topmost stages begin the phase with new random weights, the pooler with
        /// them. See ``Plan/reinitializingTop(_:epochs:learningRate:decay:)``.
        public var reinitializedStages: Int

        /// A phase of any length.
        public init(
            name: String = "", stages: Stages, parameters: Parameters = .all, length: Length,
            headRate: Double, stageRate: Double, decay: Double = 1, stageRates: [Double] = [],
            adapterRate: Double? = nil, schedule: Schedule? = nil, weightDecay: Double? = nil,
            startingPointPenalty: StartingPointPenalty? = nil, reinitializedStages: Int = 0
        ) {
            self.name = name
            self.stages = stages
            self.parameters = parameters
            self.length = length
            self.headRate = headRate
            self.stageRate = stageRate
            self.decay = decay
            self.stageRates = stageRates
            self.adapterRate = adapterRate
            self.schedule = schedule
            self.weightDecay = weightDecay
            self.startingPointPenalty = startingPointPenalty
            self.reinitializedStages = reinitializedStages
        }

        /// A phase of so many epochs in which the stages train whole.
        public init(
            stages: Stages, epochs: Int, headRate: Double, stageRate: Double, decay: Double = 1,
            adapterRate: Double? = nil
        ) {
            self.init(
                stages: stages, length: .epochs(epochs), headRate: headRate, stageRate: stageRate,
                decay: decay, adapterRate: adapterRate)
        }

        /// How often the training data is gone through at most; 0 if the length is in steps. To set it
        /// makes it the ``length``.
        public var epochs: Int {
            get {
                switch length {
                case .epochs(let count), .untilStalled(_, _, atMost: let count): count
                case .steps: 0
                }
            }
            set { length = .epochs(newValue) }
        }

        /// The rate of each stage, from the bottom to the top; nil for a frozen one.
        public func rates(stages count: Int) -> [Double?] {
            let trained = stages.indices(of: count)
            return (0..<count).map { index in
                guard trained.contains(index) else { return nil }
                let fromTop = count - 1 - index
                return stageRates.indices.contains(fromTop)
                    ? stageRates[fromTop] : stageRate * power(decay, fromTop)
            }
        }
    }

    /// L2-SP: a penalty on the distance from the weights that the run began with, in place of one on
    /// their size (Li, Grandvalet and Davoine 2018, arXiv:1802.01483, equation 4):
    /// `α/2 ‖w − w₀‖² + β/2 ‖v‖²`, with w for what is pretrained and v for what is new.
    ///
    /// Its gradient, `α (w − w₀)` and `β v`, is added to that of the loss before clipping, so that an
    /// optimizer treats both alike; the loss that is reported is without it. The biases of v are
    /// spared, as by weight decay. A parameter that is frozen has none. The run keeps a copy of the
    /// weights that it began with.
    public struct StartingPointPenalty: Sendable, Hashable {
        /// α, the strength for pretrained parameters.
        public var alpha: Double
        /// β, the strength for the weights of the head and of stages that began at random.
        public var beta: Double

        /// A penalty.
        ///
        /// - Parameters:
        ///   - alpha: 0.1. The paper chooses between 1 and 0.001 by validation (section 4.2).
        ///   - beta: 0.01 (same).
        public init(alpha: Double = 0.1, beta: Double = 0.01) {
            (self.alpha, self.beta) = (alpha, beta)
        }
    }
}

private func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
}
