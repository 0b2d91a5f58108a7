public import Tensor

/// How a run trains, whatever its plan.
public struct TrainingSettings: Sendable, Hashable {
    /// When a run that stops improving ends.
    public struct EarlyStopping: Sendable, Hashable {
        /// How many epochs in a row may pass without a better score.
        public var patience: Int
        /// By how much a score must be better to count.
        public var minimumImprovement: Double

        /// Stops after `patience` epochs without improvement; 2 by default, one bad epoch being
        /// noise.
        public init(patience: Int = 2, minimumImprovement: Double = 0) {
            (self.patience, self.minimumImprovement) = (patience, minimumImprovement)
        }
    }

    /// How gradients move parameters.
    public var optimizer: Optimizer
    /// How the rate moves over the run.
    public var schedule: Schedule
    /// How many examples make a batch: 32 (BERT, arXiv:1810.04805, appendix A.3: 16 or 32).
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

    /// The settings that the literature recommends for fine-tuning an encoder.
    public init(
        optimizer: Optimizer = .adamW(), schedule: Schedule = Schedule(),
        batch: BatchOrder.Limit = .examples(32), accumulation: Int = 1,
        gradientClipping: Double? = 1, earlyStopping: EarlyStopping? = nil, seed: UInt64 = 0,
        threads: Int? = nil, precision: Tensor.Precision = .float32
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
    }
}
