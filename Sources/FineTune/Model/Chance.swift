/// What random changes of an example, or of a batch, are a function of: the same numbers give the same
/// changes, on any number of threads and in a run that was continued.
public struct Chance: Sendable, Hashable {
    /// The seed of the run.
    public let seed: UInt64
    /// The epoch, from 1.
    public let epoch: Int
    /// The position of the example in the data, or the number of the batch in the run.
    public let number: Int

    /// The chance of an example in an epoch.
    public init(seed: UInt64, epoch: Int, number: Int) {
        (self.seed, self.epoch, self.number) = (seed, epoch, number)
    }

    /// The seed of a generator of its own.
    public var stream: UInt64 {
        var epochs = SplitMix64(seed: seed, stream: UInt64(bitPattern: Int64(epoch)))
        var numbers = SplitMix64(seed: epochs.next(), stream: UInt64(bitPattern: Int64(number)))
        return numbers.next()
    }
}

/// A batch in which each input is a mixture of two (mixup, cutmix).
///
/// The loss is that of the one target times its share, plus that of the other times the rest. For a loss
/// that is linear in its target, as cross-entropy is, this is the loss of the mixed target.
public struct BatchMixing: Sendable, Hashable {
    /// For each position of the batch the position of what is mixed into it.
    public let partners: [Int]
    /// How much of an input is its own.
    public let share: Double
    /// Where another input covers it, in pixels; nil mixes everywhere.
    public let region: Region?

    /// A rectangle of pixels.
    public struct Region: Sendable, Hashable {
        /// Its rows.
        public let rows: Range<Int>
        /// Its columns.
        public let columns: Range<Int>

        /// A rectangle of these pixels.
        public init(rows: Range<Int>, columns: Range<Int>) {
            (self.rows, self.columns) = (rows, columns)
        }
    }

    /// A mixing of each input with its partner.
    public init(partners: [Int], share: Double, region: Region? = nil) {
        (self.partners, self.share, self.region) = (partners, share, region)
    }
}
