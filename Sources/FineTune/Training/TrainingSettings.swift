public import Tensor

/// How a run trains, whatever its plan.
public struct TrainingSettings: Sendable, Hashable {
    /// When a run that stops improving ends.
    public struct EarlyStopping: Sendable, Hashable {
        /// How many epochs in a row may pass without a better score, at least one.
        public var patience: Int
        /// By how much a score must be better to count; not negative.
        public var minimumImprovement: Double

        /// Stops after `patience` epochs without improvement; 2 by default, one bad epoch being
        /// noise.
        public init(patience: Int = 2, minimumImprovement: Double = 0) {
            (self.patience, self.minimumImprovement) = (patience, minimumImprovement)
        }
    }

    /// Where the features of frozen stages are kept between epochs, and how many.
    ///
    /// What the frozen stages at the bottom of a model make of an example is the same in every
    /// epoch. It is computed when the example is first met and kept until the plan moves the
    /// boundary or a frozen weight changes. What finds no room is computed again; nothing else
    /// depends on it.
    public struct FeatureCaching: Sendable, Hashable {
        /// The bytes that features may take in memory. 256 MiB by default: those of 170,000 tokens
        /// of MiniLM, and a quarter of the memory that training all of it takes, so that freezing
        /// saves memory whatever the number of examples.
        public var memoryBytes: Int
        /// The bytes that features beyond that may take in a file, 8 GiB by default, and never more
        /// than the half of what is free on the disk. 0 makes no file.
        public var fileBytes: Int
        /// The folder of the file, `swift-finetune/features` in the user's cache folder
        /// (`$XDG_CACHE_HOME`, else `~/.cache`) by default. The file has no name, so that nothing
        /// is left of it when the process ends, however it ends.
        public var folder: String?

        /// Room for features.
        public init(
            memoryBytes: Int = 256 << 20, fileBytes: Int = 8 << 30, folder: String? = nil
        ) {
            (self.memoryBytes, self.fileBytes) = (memoryBytes, fileBytes)
            self.folder = folder
        }
    }

    /// What a run does about a loss or gradient that is infinite or not a number.
    public enum NonFinitePolicy: Sendable, Hashable {
        /// Ends the run with an error, and gives the model its best weights back.
        case stop
        /// Leaves the step out: nothing moves, the schedule goes on. After so many in a row, 10 by
        /// default, the run ends, since weights that are ruined give no good loss any more.
        case skip(atMost: Int = 10)
        /// Goes back to the newest snapshot that a finite loss has shown to be sound, or to the
        /// beginning, and on from there with all rates multiplied by a factor, one half by default. At
        /// most so often in a run, 3 times by default; then the run ends. Needs snapshots.
        case rollBack(rateFactor: Double = 0.5, atMost: Int = 3)
    }

    /// How gradients move parameters.
    public var optimizer: Optimizer
    /// How the rate moves over the run.
    public var schedule: Schedule
    /// How many examples make a batch: 32 (BERT, arXiv:1810.04805, appendix A.3: 16 or 32). Under a
    /// limit of tokens, the order of examples returns after 100 epochs.
    public var batch: BatchOrder.Limit
    /// How many batches make a step. The result is that of one batch of their examples together.
    public var accumulation: Int
    /// The largest length that the gradient of all parameters may have; longer ones are scaled down
    /// to it. 1, as in BERT's published code; nil clips nothing.
    public var gradientClipping: Double?
    /// When a run that stops improving ends, with its best weights restored. Nil trains to the end.
    public var earlyStopping: EarlyStopping?
    /// Decides the order of examples and the dropout masks.
    public var seed: UInt64
    /// The threads to compute on; nil is all cores that the process may use. The result does not
    /// depend on it.
    public var threads: Int?
    /// How exact the operands of matrix products are; weights, gradients, sums and the optimizer's
    /// state are `float32` either way. A CPU without bfloat16 products computes in `float32`, and
    /// the report says so.
    public var precision: Tensor.Precision
    /// Where the features of frozen stages are kept between epochs; nil computes them anew in every
    /// epoch. The result does not depend on it.
    public var featureCache: FeatureCaching?
    /// What to do about a loss or gradient that is infinite or not a number: by default the run ends.
    public var nonFinite: NonFinitePolicy

    /// The settings that the literature recommends for fine-tuning an encoder.
    public init(
        optimizer: Optimizer = .adamW(), schedule: Schedule = Schedule(),
        batch: BatchOrder.Limit = .examples(32), accumulation: Int = 1,
        gradientClipping: Double? = 1, earlyStopping: EarlyStopping? = nil, seed: UInt64 = 0,
        threads: Int? = nil, precision: Tensor.Precision = .float32,
        featureCache: FeatureCaching? = FeatureCaching(), nonFinite: NonFinitePolicy = .stop
    ) {
        self.optimizer = optimizer
        self.schedule = schedule
        self.batch = batch
        self.accumulation = accumulation
        self.gradientClipping = gradientClipping
        self.earlyStopping = earlyStopping
        self.seed = seed
        self.threads = threads
        self.precision = precision
        self.featureCache = featureCache
        self.nonFinite = nonFinite
    }
}
