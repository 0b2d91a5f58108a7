import Autograd
public import Checkpoint
public import Layers
import Tensor

/// Takes pictures that are decoded and have the network's size, and normalises them.
///
/// The library itself reads no picture files and resizes nothing: the product `Pictures` does.
public struct ImagePreparation: Preparation {
    /// What the network takes.
    public let specification: ImageSpecification
    /// The publisher's own file about it, kept for a saved model.
    private let published: JSON?

    /// The preparation for a network.
    ///
    /// - Parameters:
    ///   - specification: What the network takes.
    ///   - published: The publisher's `preprocessor_config.json`, if there is one; otherwise a saved
    ///     model gets one that says the same as the specification.
    public init(_ specification: ImageSpecification, published: JSON? = nil) {
        (self.specification, self.published) = (specification, published)
    }

    /// The picture itself.
    ///
    /// - Throws: ``ModelError`` if it has another size than the network takes.
    public func prepared(_ input: RGBImage) throws -> RGBImage {
        guard input.height == specification.height, input.width == specification.width else {
            throw ModelError.imageSize(
                height: input.height, width: input.width, expectedHeight: specification.height,
                expectedWidth: specification.width)
        }
        return input
    }

    /// The number of patches of 16 by 16 pixels, the last ones of a row and column counted whole: an
    /// inference pass takes 20 pictures of 224 by 224.
    public func size(of item: RGBImage) -> Int { Self.size(of: specification) }

    /// The same for any picture of a network's size.
    public static func size(of specification: ImageSpecification) -> Int {
        let patches = { (length: Int) in (length + 15) / 16 }
        return patches(specification.height) * patches(specification.width)
    }

    /// False: nothing is cut off.
    public func isTruncated(_ item: RGBImage) -> Bool { false }

    /// False: there is a pixel.
    public func isEmpty(_ item: RGBImage) -> Bool { false }

    /// Shape `[count, height, width, 3]`, normalised.
    public func batch(_ items: [RGBImage]) -> Features {
        Features(images: Variable(specification.normalized(items)))
    }

    /// Of the pixels.
    public func featureKey(of item: RGBImage) -> Fingerprint? {
        item.pixels.withUnsafeBytes { Fingerprint($0) }
    }

    /// Nothing: ``save(to:)`` writes a file of its own.
    public var configuration: [(String, JSON)] { [] }

    /// timm's `pretrained_cfg`, beside the name of an architecture: without it timm takes all settings
    /// for this one, and then overlooks those of the network.
    public func savedEntries(besides configuration: JSON.Object) -> [(String, JSON)] {
        guard configuration["architecture"] != nil, configuration["pretrained_cfg"] == nil
        else { return [] }
        return [("pretrained_cfg", .object(specification.timmSettings))]
    }

    /// Of the specification.
    public var fingerprint: Fingerprint {
        Fingerprint(JSON.object(specification.processorSettings).serialized())
    }

    /// Of the pixels.
    public func fingerprint(of input: RGBImage) -> Fingerprint { input.fingerprint }

    /// Writes `preprocessor_config.json`.
    public func save(to folder: String) throws {
        let settings = published ?? .object(specification.processorSettings)
        try AtomicFile.write(
            settings.serialized(pretty: true) + "\n", to: "\(folder)/preprocessor_config.json")
    }
}

/// An image classifier: what `backbone.attaching(ClassificationHead(…))` makes.
public typealias ImageClassifier = FineTunedModel<ImagePreparation, ClassificationHead>
