#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How the learning rate moves over the steps of a run: a factor for each step.
public struct Schedule: Sendable, Hashable {
    /// What the rate does after the warm-up.
    public enum Decay: String, Sendable, Hashable, CaseIterable {
        /// It stays.
        case constant
        /// It falls in a straight line to 0 at the end of the run.
        case linear
        /// It falls to 0 along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983, without
        /// restarts).
        case cosine
    }

    /// How long the rate rises from 0.
    public enum Warmup: Sendable, Hashable {
        /// A share of the run's steps, in `0 ... 1`.
        case share(Double)
        /// A number of steps.
        case steps(Int)
    }

    /// What the rate does after the warm-up.
    public let decay: Decay
    /// How long the rate rises from 0.
    public let warmup: Warmup

    /// A schedule.
    ///
    /// - Parameters:
    ///   - decay: Linear, as BERT is fine-tuned (arXiv:1810.04805, appendix A.2).
    ///   - warmup: The first 10% of the steps, which steadies fine-tuning (Mosbach et al. 2021,
    ///     arXiv:2006.04884, section 6).
    public init(_ decay: Decay = .linear, warmup: Warmup = .share(0.1)) {
        (self.decay, self.warmup) = (decay, warmup)
    }

    /// The rate stays from the first step to the last.
    public static let constant = Schedule(.constant, warmup: .steps(0))

    /// What the rate is multiplied with at step `step` of `steps`, counted from 0.
    ///
    /// As in Transformers, the first step of a warm-up has the factor 0, and the step after the last
    /// would have 0 again.
    public func factor(step: Int, of steps: Int) -> Double {
        let rising =
            switch warmup {
            case .share(let share): Int((Double(steps) * min(max(share, 0), 1)).rounded(.up))
            case .steps(let count): max(0, count)
            }
        if step < rising { return Double(step) / Double(max(1, rising)) }
        let progress = Double(step - rising) / Double(max(1, steps - rising))
        return switch decay {
        case .constant: 1
        case .linear: max(0, 1 - progress)
        case .cosine: max(0, (1 + cos(.pi * progress)) / 2)
        }
    }
}
