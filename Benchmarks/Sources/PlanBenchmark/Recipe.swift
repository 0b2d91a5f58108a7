import ArgumentParser
import FineTune

/// A way to fine-tune: its plan, its adapter and the pooling that suits it.
enum Recipe: String, ExpressibleByArgument, CaseIterable {
    case full
    case closedForm = "closed-form"
    case ridge = "closed-form-ridge"
    case discriminant = "closed-form-lda"
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

    /// How the head is computed before anything trains; nil if it is not.
    var solver: ClassificationSolver? {
        switch self {
        case .closedForm, .closedFormThenFull: .logisticRegression()
        case .ridge: .ridge()
        case .discriminant: .linearDiscriminant()
        default: nil
        }
    }

    /// A frozen sentence-transformers model is better by the mean of its tokens.
    var pooling: Pooling {
        switch self {
        case .closedForm, .ridge, .discriminant, .head: .mean
        default: .pooler
        }
    }

    /// The rate that serves MiniLM, whose width of 384 takes larger ones than the papers' models: the
    /// best of those tried on questions that nothing is reported of.
    var usualRate: Double {
        switch self {
        case .head, .biases, .normalizations: 1e-3
        case .lora, .rsLoRA: 2e-3
        case .doRA, .piSSA: 1e-3
        case .gradual: 4e-4
        case .linearProbe, .layerwiseDecay: 2e-4
        default: 1e-4
        }
    }

    /// How often the training data is gone through.
    var usualEpochs: Int {
        switch self {
        case .head, .biases, .normalizations: 10
        case .lora, .rsLoRA, .doRA, .piSSA: 6
        case .gradual, .linearProbe: 4
        default: 3
        }
    }

    /// Rank 8 on all linear maps (Dettmers et al. 2023, QLoRA, arXiv:2305.14314, section 4: it takes
    /// them all to match full fine-tuning).
    var adapter: Adapter? {
        switch self {
        case .lora: .lora(rank: 8, layers: .allLinear)
        case .rsLoRA: .rsLoRA(rank: 8, layers: .allLinear)
        case .doRA: .doRA(rank: 8, layers: .allLinear)
        case .piSSA: .piSSA(rank: 8, layers: .allLinear)
        default: nil
        }
    }

    /// Nil if nothing trains.
    func plan(epochs: Int, rate: Double) -> Plan? {
        switch self {
        case .closedForm, .ridge, .discriminant: nil
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
