import Checkpoint
public import Layers

extension PretrainedModel where P == ImagePreparation {
    /// A network for images from a folder with `config.json` and weights: ViT, DeiT or ResNet of
    /// Transformers, or what timm or torchvision call by a name.
    ///
    /// The weights are mapped, not read.
    ///
    /// - Parameters:
    ///   - path: The folder. Its `preprocessor_config.json`, or timm's `pretrained_cfg`, says what is
    ///     done to pictures; without one it is what the publisher does.
    ///   - dropoutRate: The dropout before a classifier; by default the publisher's.
    /// - Returns: The backbone, to embed with or to attach heads to.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``: what is missing or does
    ///   not fit, and what to do.
    public static func image(
        contentsOf path: String, dropoutRate: Double? = nil
    ) throws -> PretrainedModel {
        let folder = try PretrainedFolder(path: path)
        let architecture = try ImageArchitecture(folder, dropoutRate: dropoutRate)
        return try PretrainedModel(
            preparation: ImagePreparation(folder, network: architecture.network),
            architecture: architecture, pooling: .pooler, normalizesEmbeddings: false)
    }

    /// A network for images from a file of weights alone.
    ///
    /// - Parameters:
    ///   - path: A file of safetensors or PyTorch, with the publisher's names.
    ///   - network: What the weights are of, such as ``ImageNetwork/efficientNetLite0``. Whose names
    ///     they have, and the sizes of a vision transformer, are taken from the file.
    ///   - specification: What is done to pictures; by default what the publisher does.
    ///   - dropoutRate: The dropout before a classifier; by default the publisher's.
    /// - Returns: The backbone, to embed with or to attach heads to.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``: what is missing or does
    ///   not fit, and what to do.
    public static func image(
        contentsOf path: String, network: ImageNetwork, specification: ImageSpecification? = nil,
        dropoutRate: Double? = nil
    ) throws -> PretrainedModel {
        let architecture = try ImageArchitecture(
            network, tensors: openWeights(path), dropoutRate: dropoutRate)
        let network = architecture.network
        return try PretrainedModel(
            preparation: ImagePreparation(
                (specification ?? network.specification).checked(for: network)),
            architecture: architecture, pooling: .pooler, normalizesEmbeddings: false)
    }

    /// A network for images that nothing has trained yet, to see what pretraining is worth.
    ///
    /// - Parameters:
    ///   - network: The network.
    ///   - seed: Decides the weights.
    ///   - specification: What is done to pictures; by default what the publisher does.
    ///   - dropoutRate: The dropout before a classifier; by default the publisher's.
    /// - Returns: A backbone of random weights.
    /// - Throws: ``ModelError`` for a dropout rate outside `0 ..< 1`, ``PretrainedFolderError`` for a
    ///   specification of another size than a vision transformer's, or one that no file can hold;
    ///   nothing else that a network of possible sizes would cause.
    public static func image(
        initializing network: ImageNetwork, seed: UInt64, specification: ImageSpecification? = nil,
        dropoutRate: Double? = nil
    ) throws -> PretrainedModel {
        try PretrainedModel(
            preparation: ImagePreparation(
                (specification ?? network.specification).checked(for: network)),
            architecture: ImageArchitecture(
                initializing: network, seed: seed, dropoutRate: dropoutRate),
            pooling: .pooler, normalizesEmbeddings: false)
    }

    /// What the network takes.
    public var specification: ImageSpecification { preparation.specification }
}

extension ImageSpecification {
    /// Itself, if the network takes such pictures and a saved model's file can say so.
    fileprivate func checked(for network: ImageNetwork) throws -> ImageSpecification {
        if case .visionTransformer(let network) = network,
            height != network.imageSize || width != network.imageSize
        {
            throw PretrainedFolderError.unreadable(
                "the specification makes pictures of \(height) by \(width), but the network takes "
                    + "\(network.imageSize) by \(network.imageSize); give one of that size")
        }
        try checkSaving("specification")
        return self
    }

    /// Checks that what a saved model will say of pictures can be read again.
    ///
    /// - Parameter path: Where it is from, for messages.
    /// - Throws: ``PretrainedFolderError`` that names the setting.
    fileprivate func checkSaving(_ path: String) throws {
        guard Self.sides.contains(height), Self.sides.contains(width),
            Self.cropFractions.contains(cropFraction), mean.count == 3,
            standardDeviation.count == 3
        else {
            throw PretrainedFolderError.unreadable(
                "'\(path)' makes pictures of \(height) by \(width), \(cropFraction) of what they were "
                    + "resized to, with \(mean.count) means and \(standardDeviation.count) deviations; "
                    + "give sides from 1 to \(Self.sides.upperBound), a part from 0.01 to 1, and three each"
            )
        }
        _ = try ImageSpecification(processor: .object(processorSettings), path: path)
    }
}

extension ImagePreparation {
    /// What a folder says of pictures, or else the publisher of its network does.
    fileprivate init(_ folder: PretrainedFolder, network: ImageNetwork) throws {
        let name = "preprocessor_config.json"
        let path = "\(folder.path)/\(name)"
        let base = network.specification
        var (specification, published) = (base, try folder.json(name))
        if let published {
            specification = try ImageSpecification(processor: published, path: path)
        } else if let settings = folder.configuration["pretrained_cfg"] {
            let path = "\(folder.path)/config.json"
            specification = try ImageSpecification(timm: settings, path: path, otherwise: base)
            try specification.checkSaving(path)
        }
        if case .visionTransformer(let network) = network,
            specification.height != network.imageSize || specification.width != network.imageSize
        {
            guard published == nil else {
                throw PretrainedFolderError.unreadable(
                    "'\(path)' makes pictures of \(specification.height) by "
                        + "\(specification.width), but the network takes \(network.imageSize) by "
                        + "\(network.imageSize); the files belong to different models")
            }
            (specification.height, specification.width) = (network.imageSize, network.imageSize)
            published = nil
        }
        self.init(specification, published: published)
    }
}

extension FineTunedModel {
    /// A model for images that was saved here, or by Transformers as a `…ForImageClassification`.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - preparing: Makes the model's preparation of that for pictures of the network's size.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``, ``HeadError``: what is
    ///   missing or does not fit.
    public convenience init(
        images path: String, preparing: (ImagePreparation) throws -> P
    ) throws {
        let folder = try PretrainedFolder(path: path)
        let architecture = try ImageArchitecture(folder)
        let headPath = architecture.headPath(for: .pooler)
        let preparation = try ImagePreparation(folder, network: architecture.network)
        do {
            try self.init(
                preparation: preparing(preparation), architecture: architecture, pooling: .pooler,
                head: H(configuration: folder.configuration),
                headSource: ParameterSource(architecture.headTensors(of: folder)), seed: 0)
        } catch ParameterError.missing(let name, _) where name.hasPrefix(headPath + ".") {
            throw ModelError.noHead(path, reason: "its weights have no '\(name)'")
        }
    }
}

extension FineTunedModel where P == ImagePreparation {
    /// A model for images that was saved here, or by Transformers as a `…ForImageClassification`.
    ///
    /// - Parameter path: The folder.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``, ``HeadError``: what is
    ///   missing or does not fit.
    public convenience init(contentsOf path: String) throws {
        try self.init(images: path) { $0 }
    }
}
