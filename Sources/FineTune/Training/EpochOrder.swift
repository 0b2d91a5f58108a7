/// Which examples each step of an epoch learns from.
struct EpochOrder {
    /// The batches of an epoch, which is counted from 0, each the positions of its examples.
    private let batches: (_ epoch: Int) -> [[Int]]
    private let accumulation: Int
    /// The number of batches of any epoch, if all have the same.
    private let batchCount: Int?
    /// The number of epochs after which their orders return.
    private let period: Int
    private let counted = BatchCounts()

    /// The order that a seed gives.
    init(_ order: BatchOrder, accumulation: Int) {
        batches = { order.batches(epoch: $0) }
        self.accumulation = accumulation
        if case .examples(let count) = order.limit {
            batchCount = (order.sizes.count - 1) / count + 1
            period = .max
        } else {
            // Each epoch has its own number of batches, which is known by putting it in order, and a
            // run has to know all of them before it begins.
            batchCount = nil
            period = 100
        }
    }

    /// The order that somebody gives.
    init(batches: @escaping (_ epoch: Int) -> [[Int]], accumulation: Int) {
        (self.batches, self.accumulation, batchCount) = (batches, accumulation, nil)
        period = .max
    }

    /// The batches of each step of an epoch.
    func steps(ofEpoch epoch: Int) -> [[[Int]]] {
        let batches = batches(epoch % period)
        let size = min(accumulation, max(1, batches.count))
        return stride(from: 0, to: batches.count, by: size).map {
            Array(batches[$0..<min($0 + size, batches.count)])
        }
    }

    /// The number of steps of an epoch.
    func stepCount(ofEpoch epoch: Int) -> Int {
        let count = batchCount ?? counted.count(of: epoch % period) { batches($0).count }
        return count > 0 ? (count - 1) / accumulation + 1 : 0
    }
}

/// The numbers of batches of epochs, each counted once.
private final class BatchCounts {
    private var known: [Int: Int] = [:]

    func count(of epoch: Int, counting: (Int) -> Int) -> Int {
        if let count = known[epoch] { return count }
        let count = counting(epoch)
        known[epoch] = count
        return count
    }
}

/// How long a run is at most: how many steps each epoch of each phase has.
struct RunLength {
    /// The epochs of a phase.
    struct PhaseLength {
        /// The epochs and steps of the run before it.
        let firstEpoch, firstStep: Int
        /// The number of steps of each epoch.
        let stepCounts: [Int]
        /// The number of steps of all of them.
        let stepCount: Int

        init(firstEpoch: Int, firstStep: Int, stepCounts: [Int]) {
            (self.firstEpoch, self.firstStep) = (firstEpoch, firstStep)
            self.stepCounts = stepCounts
            stepCount = stepCounts.reduce(0, +)
        }
    }

    let phases: [PhaseLength]
    /// The epochs and steps of all phases.
    let epochCount, stepCount: Int

    init(_ plan: Plan, order: EpochOrder) {
        var phases: [PhaseLength] = []
        var (epoch, step) = (0, 0)
        for phase in plan.phases {
            var counts: [Int] = []
            switch phase.length {
            case .epochs(let count), .untilStalled(_, _, atMost: let count):
                counts = (epoch..<epoch + count).map { order.stepCount(ofEpoch: $0) }
            case .steps(var rest):
                while rest > 0 {
                    counts.append(min(rest, max(1, order.stepCount(ofEpoch: epoch + counts.count))))
                    rest -= counts[counts.count - 1]
                }
            }
            phases.append(PhaseLength(firstEpoch: epoch, firstStep: step, stepCounts: counts))
            epoch += counts.count
            step += phases[phases.count - 1].stepCount
        }
        self.phases = phases
        (epochCount, stepCount) = (epoch, step)
    }

    /// Whether a run of this length can stand there.
    func contains(_ position: RunPosition) -> Bool {
        guard position.phase < phases.count else {
            return position.phase == phases.count && !position.isInEpoch
        }
        let counts = phases[position.phase].stepCounts
        let isBegun = position.phaseEpoch > 0
        return position.phaseEpoch <= counts.count && (isBegun || !position.isInEpoch)
            && (!isBegun || position.epochStep <= counts[position.phaseEpoch - 1])
            && position.phaseStep <= phases[position.phase].stepCount
    }
}
