import Tensor

/// How pictures are changed by chance for training, so that a network meets each in many forms.
///
/// What is drawn depends on the seed of the run, the epoch and the example alone.
public struct Augmentation: Sendable, Hashable {
    /// Takes a part of the picture, of a random size and shape, and stretches it to the network's
    /// size (Szegedy et al. 2015, arXiv:1409.4842, section 6).
    public struct Crop: Sendable, Hashable {
        /// The part of the area that is kept.
        public var area: ClosedRange<Double>
        /// Width over height.
        public var ratio: ClosedRange<Double>

        /// A crop. torchvision's default for `area` begins at 0.08; small data sets lose too much by
        /// that, hence 0.35.
        public init(
            area: ClosedRange<Double> = 0.35...1, ratio: ClosedRange<Double> = 3.0 / 4...4.0 / 3
        ) {
            (self.area, self.ratio) = (area, ratio)
        }
    }

    /// Changes the colours: each factor is drawn from `1 − x ... 1 + x`, and the three are applied
    /// in a random order, as in torchvision's `ColorJitter`.
    public struct Jitter: Sendable, Hashable {
        /// How far each may go.
        public var brightness: Double, contrast: Double, saturation: Double

        /// A jitter; none by default.
        public init(brightness: Double = 0, contrast: Double = 0, saturation: Double = 0) {
            (self.brightness, self.contrast, self.saturation) = (brightness, contrast, saturation)
        }
    }

    /// Fills a rectangle with the mean colour (Zhong et al. 2017, arXiv:1708.04896).
    public struct Erasing: Sendable, Hashable {
        /// How often.
        public var probability: Double
        /// The part of the area.
        public var area: ClosedRange<Double>
        /// Width over height.
        public var ratio: ClosedRange<Double>

        /// An erasing with the paper's sizes.
        public init(
            probability: Double = 0.5, area: ClosedRange<Double> = 0.02...0.4,
            ratio: ClosedRange<Double> = 0.3...1 / 0.3
        ) {
            (self.probability, self.area, self.ratio) = (probability, area, ratio)
        }
    }

    /// Joins each picture of a batch with another one; the loss is that of both answers, by their
    /// shares.
    public enum Mixing: Sendable, Hashable {
        /// A weighted mean of the two (Zhang et al. 2018, arXiv:1710.09412); the share is drawn from
        /// Beta(α, α).
        case mixup(alpha: Double)
        /// A rectangle of one in the other (Yun et al. 2019, arXiv:1905.04899); its area is drawn
        /// from Beta(α, α).
        case cutmix(alpha: Double)

        /// α; 0 joins none.
        var alpha: Double {
            switch self {
            case .mixup(let alpha), .cutmix(let alpha): alpha
            }
        }
    }

    /// Whether a part is taken instead of the whole; nil takes what is measured on, too.
    public var crop: Crop? { didSet { check() } }
    /// Whether every second picture is mirrored.
    public var flips: Bool
    /// How colours change; nil leaves them.
    public var jitter: Jitter? { didSet { check() } }
    /// Whether a part is covered; nil covers none.
    public var erasing: Erasing? { didSet { check() } }
    /// Whether pictures are joined; nil, or an α of 0, joins none.
    public var mixing: Mixing? { didSet { check() } }
    /// How many different forms of a picture there are: from the epoch of this number on they
    /// return in turn, and what frozen stages make of them is kept. Nil, the default, or 0 makes a
    /// new one in every epoch. Mixing has no use for it.
    public var variants: Int? { didSet { check() } }

    /// The changes that are named; none by default.
    ///
    /// - Precondition: Ranges and numbers make sense, also those that are set later: areas in
    ///   0 ... 1, shapes positive, α and variants not negative.
    public init(
        crop: Crop? = nil, flips: Bool = false, jitter: Jitter? = nil, erasing: Erasing? = nil,
        mixing: Mixing? = nil, variants: Int? = nil
    ) {
        (self.crop, self.flips, self.jitter) = (crop, flips, jitter)
        (self.erasing, self.mixing, self.variants) = (erasing, mixing, variants)
        check()
    }

    /// Every picture as it is.
    public static let none = Augmentation()

    /// What most recipes for fine-tuning have in common: parts, mirrored or not.
    public static let standard = Augmentation(crop: Crop(), flips: true)

    /// Whether single pictures change.
    var changesPictures: Bool { crop != nil || flips || jitter != nil || erasing != nil }

    /// The number of forms that return; nil if none does.
    var returningForms: Int? { variants.flatMap { $0 > 0 ? $0 : nil } }

    private func check() {
        for area in [crop?.area, erasing?.area].compactMap({ $0 }) {
            require(
                area.lowerBound > 0 && area.upperBound <= 1, "no part has an area in \(area)")
        }
        for ratio in [crop?.ratio, erasing?.ratio].compactMap({ $0 }) {
            require(
                ratio.lowerBound > 0 && ratio.upperBound.isFinite, "no part has a shape in \(ratio)"
            )
        }
        for reach in [jitter?.brightness, jitter?.contrast, jitter?.saturation] {
            require(
                (0...1).contains(reach ?? 0), "a jitter of \(reach ?? 0) is not in 0 ... 1")
        }
        if let erasing {
            require(
                (0...1).contains(erasing.probability),
                "\(erasing.probability) is no probability")
        }
        let alpha = mixing?.alpha ?? 0
        require(alpha >= 0 && alpha.isFinite, "Beta(\(alpha), \(alpha)) is no distribution")
        require((variants ?? 0) >= 0, "a picture cannot have \(variants ?? 0) forms")
    }
}
