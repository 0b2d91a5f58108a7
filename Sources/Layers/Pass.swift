public import Tensor

/// What a layer needs to know of the pass that it takes part in.
public struct Pass: Sendable {
    /// Whether gradients will be asked for: whether trainable parameters are leaves of the tape.
    public var recordsGradients: Bool
    /// Whether dropout is active. A frozen stage always runs without.
    public var drops: Bool
    /// The seed of the run.
    public var seed: UInt64
    /// Counts the forward passes of the run, so that each draws masks of its own.
    public var step: UInt32
    /// Whether a layer of which only the first tokens are read (``Stage/keepsFirstTokens``) gives all
    /// the same: for who reads its output without the model's pooler.
    public var keepsAllTokens = false
    /// Holds back what layers measure, for whoever knows only after the pass whether it counts: nil, the
    /// default, lets it count at once.
    public var measurements: PassMeasurements?

    /// A pass that trains.
    public static func training(seed: UInt64, step: UInt32) -> Pass {
        Pass(recordsGradients: true, drops: true, seed: seed, step: step)
    }

    /// A pass that predicts.
    public static let inference = Pass(recordsGradients: false, drops: false, seed: 0, step: 0)

    /// The same pass without dropout.
    public var withoutDropout: Pass {
        var pass = self
        pass.drops = false
        return pass
    }

    /// The same pass, in which every layer gives all tokens.
    public var keepingAllTokens: Pass {
        var pass = self
        pass.keepsAllTokens = true
        return pass
    }
}

/// What layers have measured in passes and not made their own yet, such as the statistics of a batch.
///
/// A step that is left out forgets them, and a model that is asked meanwhile does not see half of them.
public final class PassMeasurements: @unchecked Sendable {
    // Only of the thread that computes the passes.
    private var changes: [() -> Void] = []

    /// No measurements.
    public init() {}

    func add(_ change: @escaping () -> Void) { changes.append(change) }

    /// Makes them the layers' own, in the order in which they were measured.
    public func commit() {
        for change in changes { change() }
        changes = []
    }
}

/// Sets elements to 0 with a given probability while training, and scales the others up
/// (Srivastava et al., JMLR 2014).
public struct Dropout: Sendable {
    /// The probability of an element to become 0.
    public let rate: Double
    private let layer: UInt32

    /// Dropout at `rate`.
    ///
    /// - Parameters:
    ///   - rate: The probability of an element to become 0, in `0 ..< 1`.
    ///   - path: A name of its own in the model: its masks are a function of it.
    public init(rate: Double, path: String) {
        self.rate = rate
        layer = UInt32(truncatingIfNeeded: stableHash(path))
    }

    /// The mask of this pass; nil if nothing is dropped.
    public func mask(_ pass: Pass) -> DropoutMask? {
        pass.drops && rate > 0
            ? DropoutMask(rate: rate, seed: pass.seed, layer: layer, step: pass.step) : nil
    }
}
