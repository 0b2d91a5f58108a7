public import Checkpoint
public import FineTune
public import Layers

/// Reads, decodes and resizes pictures for a network, and changes them for training.
///
/// Decoding happens when a picture is needed, while the step before computes: a data set takes no
/// memory for its pixels.
public struct PicturePreparation: Preparation {
    private let image: ImagePreparation
    /// How pictures are changed for training.
    public let augmentation: Augmentation

    /// The preparation for a network.
    ///
    /// - Parameters:
    ///   - image: What the network takes.
    ///   - augmentation: How pictures are changed for training; not at all by default.
    public init(_ image: ImagePreparation, augmentation: Augmentation = .none) {
        (self.image, self.augmentation) = (image, augmentation)
    }

    /// What the network takes.
    public var specification: ImageSpecification { image.specification }

    /// A picture as it is learned from or measured on.
    public struct Item: Sendable {
        /// The picture.
        public let picture: Picture
        /// What chance made of it; nil leaves it as it is.
        fileprivate(set) var stream: UInt64?
        /// Whether another picture is mixed into it.
        fileprivate(set) var isMixed = false
        /// The pixels in the network's size, once they are loaded.
        fileprivate(set) var image: RGBImage?
    }

    /// A picture, and what chance made of it.
    public struct FeatureKey: Sendable, Hashable {
        fileprivate let identity: Picture.Identity
        fileprivate let stream: UInt64?
    }

    /// The picture; nothing is read.
    public func prepared(_ input: Picture) throws -> Item { Item(picture: input) }

    /// That of any picture for the network.
    public func size(of item: Item) -> Int { ImagePreparation.size(of: specification) }

    /// False: pictures are made smaller, not cut off.
    public func isTruncated(_ item: Item) -> Bool { false }

    /// False: a picture without pixels is an error when it is read.
    public func isEmpty(_ item: Item) -> Bool { false }

    // MARK: Chance

    /// The item in one of the forms that the augmentation can give it.
    public func varied(_ item: Item, by chance: Chance) -> Item {
        guard augmentation.changesPictures else { return item }
        var epoch = chance.epoch
        if let forms = augmentation.returningForms { epoch %= forms }
        var varied = item
        varied.stream = Chance(seed: chance.seed, epoch: epoch, number: chance.number).stream
        return varied
    }

    /// The item while it has no random form, or one of a limited number.
    public func featureKey(of item: Item) -> FeatureKey? {
        guard !item.isMixed, item.stream == nil || augmentation.returningForms != nil else {
            return nil
        }
        return FeatureKey(identity: item.picture.identity, stream: item.stream)
    }

    /// What the augmentation says, with partners at random.
    public func mixing(of count: Int, by chance: Chance) -> BatchMixing? {
        guard let mixing = augmentation.mixing, mixing.alpha > 0, count > 1 else { return nil }
        // Batches and examples are numbered alike.
        var draws = AugmentationChance(stream: ~chance.stream)
        let partners = draws.order(of: count)
        switch mixing {
        case .mixup(let alpha): return BatchMixing(partners: partners, share: draws.beta(alpha))
        case .cutmix(let alpha):
            let side = (1 - draws.beta(alpha)).squareRoot()
            let (height, width) = (specification.height, specification.width)
            // The middle may lie anywhere, and the rectangle is cut off at the edge (the paper's
            // appendix A).
            let rows = draws.range(of: Double(height) * side, in: height)
            let columns = draws.range(of: Double(width) * side, in: width)
            let covered = Double(rows.count * columns.count) / Double(height * width)
            return BatchMixing(
                partners: partners, share: 1 - covered,
                region: BatchMixing.Region(rows: rows, columns: columns))
        }
    }

    /// Pictures with their partners in them.
    public func mixed(_ items: [Item], by mixing: BatchMixing) -> [Item] {
        zip(items, mixing.partners).map { item, partner in
            guard let own = item.image, let other = items[partner].image else { return item }
            var mixed = item
            mixed.isMixed = true
            mixed.image =
                if let region = mixing.region {
                    own.covered(region.rows, region.columns, by: other)
                } else {
                    own.mixed(mixing.share, with: other)
                }
            return mixed
        }
    }

    // MARK: Loading

    /// True: files are read and decoded.
    public var loadsItems: Bool { true }

    /// The item with its pixels in the network's size.
    ///
    /// - Throws: ``PictureError``.
    public func loaded(_ item: Item) throws -> Item {
        guard item.image == nil else { return item }
        let picture = try item.picture.decoded()
        var loaded = item
        loaded.image =
            if let stream = item.stream {
                augmentation.applied(to: picture, for: specification, stream: stream)
            } else {
                specification.fitted(picture)
            }
        return loaded
    }

    /// Shape `[count, height, width, 3]`, normalised.
    ///
    /// - Precondition: The items are loaded.
    public func batch(_ items: [Item]) -> Features {
        image.batch(
            items.map { item in
                guard let image = item.image else {
                    preconditionFailure("a picture came into a batch before it was loaded")
                }
                return image
            })
    }

    // MARK: Saving

    /// What the network's own preparation says. An augmentation is part of a run, not of a model.
    public var configuration: [(String, JSON)] { image.configuration }

    /// Those of the network's own preparation.
    public func savedEntries(besides configuration: JSON.Object) -> [(String, JSON)] {
        image.savedEntries(besides: configuration)
    }

    /// The same preparation with saved settings.
    public func configured(by configuration: JSON) -> PicturePreparation {
        PicturePreparation(image.configured(by: configuration), augmentation: augmentation)
    }

    /// That of the network's own preparation.
    public var fingerprint: Fingerprint { image.fingerprint }

    /// The augmentation.
    public var variation: JSON { JSON(describing: augmentation) }

    /// Of the pixels where they are known; otherwise of the path and how the file is read.
    public func fingerprint(of input: Picture) -> Fingerprint { input.identity.fingerprint }

    /// Writes what the network takes.
    public func save(to folder: String) throws { try image.save(to: folder) }
}

extension AugmentationChance {
    /// A part of `0 ..< count` that is so long, with its middle anywhere, as far as it lies inside.
    fileprivate mutating func range(of length: Double, in count: Int) -> Range<Int> {
        let middle = position(below: count)
        let half = Int(length / 2)
        return max(0, middle - half)..<min(count, middle + half)
    }
}
