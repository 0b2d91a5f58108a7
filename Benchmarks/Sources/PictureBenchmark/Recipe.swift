import ArgumentParser
import FineTune
import Pictures

/// A way to come to a classifier.
enum Recipe: String, ExpressibleByArgument, CaseIterable {
    /// A head that is computed.
    case closedForm = "closed-form"
    /// A head that trains on features that are computed once.
    case head
    /// From epoch to epoch more stages, from the top.
    case gradual
    /// All stages, the lower ones slower.
    case full
    /// All stages, from random weights.
    case scratch

    /// How often the training data is gone through.
    var usualEpochs: Int {
        switch self {
        case .closedForm: 0
        case .head: 10
        case .gradual: 4
        case .full, .scratch: 3
        }
    }

    /// The rate of the head and of the topmost stage.
    var usualRate: Double {
        switch self {
        case .closedForm, .head: 1e-3
        case .gradual, .full: 1e-3
        case .scratch: 2e-3
        }
    }
}

/// What is done to pictures for training.
enum Variation: String, ExpressibleByArgument, CaseIterable {
    case none, flips, mild, standard, colors

    var augmentation: Augmentation {
        switch self {
        case .none: .none
        case .flips: Augmentation(flips: true)
        case .mild: Augmentation(crop: .init(area: 0.6...1), flips: true)
        case .standard: .standard
        case .colors:
            Augmentation(
                crop: .init(), flips: true,
                jitter: .init(brightness: 0.4, contrast: 0.4, saturation: 0.8))
        }
    }
}
