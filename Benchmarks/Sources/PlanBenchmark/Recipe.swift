import ArgumentParser
import FineTune

/// A way to fine-tune: its plan, its adapter and the pooling that suits it.
enum Recipe: String, ExpressibleByArgument, CaseIterable {
    case full
    case closedForm = "closed-form"
    case head
    case lora
    case rsLoRA = "rslora"
    case doRA = "dora"
    case piSSA = "pissa"
    case gradual
    case linearProbe = "lp-ft"
    case closedFormThenFull = "closed-form-ft"
    case layerwiseDecay = "layer-wise-decay"
    case biases = "bitfit"
    case normalizations = "norms"
    case top2
    case reinitialized = "reinit-top1"
    case l2SP = "l2-sp"

    /// Whether the head is computed before anything trains.
    var beginsWithComputedHead: Bool { self == .closedForm || self == .closedFormThenFull }

    /// A frozen sentence-transformers model is better by the mean of its tokens.
    var pooling: Pooling { self == .closedForm || self == .head ? .mean : .pooler }

    /// The rate that serves MiniLM, whose width of 384 takes larger ones than the papers' models.
    var usualRate: Double {
        switch self {
        case .head, .biases, .normalizations: 1e-3
        case .lora, .rsLoRA, .doRA, .piSSA: 1e-3
        default: 1e-4
        }
    }

    /// How often the training data is gone through.
    var usualEpochs: Int {
        switch self {
        case .head, .lora, .rsLoRA, .doRA, .piSSA, .biases, .normalizations: 10
        default: 3
        }
    }

    /// Rank 8 on query and value, as the papers begin.
    var adapter: Adapter? {
        switch self {
        case .lora: .lora(rank: 8)
        case .rsLoRA: .rsLoRA(rank: 8)
        case .doRA: .doRA(rank: 8)
        case .piSSA: .piSSA(rank: 8)
        default: nil
        }
    }

    /// Nil if nothing trains.
    func plan(epochs: Int, rate: Double) -> Plan? {
        switch self {
        case .closedForm: nil
        case .full, .closedFormThenFull: .full(epochs: epochs, learningRate: rate)
        case .head: .headOnly(epochs: epochs, learningRate: rate)
        case .lora, .rsLoRA, .doRA, .piSSA: .adapter(epochs: epochs, learningRate: rate)
        case .gradual: .gradualUnfreezing(epochs: epochs, learningRate: rate)
        case .linearProbe: .linearProbeThenFineTune(epochs: epochs, learningRate: rate)
        case .layerwiseDecay:
            .layerwiseDecay(epochs: epochs, learningRate: rate, decay: 0.9)
        case .biases: .biasesOnly(epochs: epochs, learningRate: rate)
        case .normalizations: .normalizationsOnly(epochs: epochs, learningRate: rate)
        case .top2: .top(2, epochs: epochs, learningRate: rate)
        case .reinitialized: .reinitializingTop(1, epochs: epochs, learningRate: rate)
        case .l2SP: .l2SP(epochs: epochs, learningRate: rate)
        }
    }
}
