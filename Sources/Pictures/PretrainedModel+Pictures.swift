public import FineTune

/// An image classifier that takes pictures from files:
/// `backbone.pictures().attaching(ClassificationHead(…))`.
public typealias PictureClassifier = FineTunedModel<PicturePreparation, ClassificationHead>

/// Pictures that belong to one class each.
public typealias LabeledPictures = Dataset<Picture, String>

extension PretrainedModel where P == ImagePreparation {
    /// The same network for pictures in files, of any size.
    ///
    /// - Parameter augmentation: How they are changed for training; not at all by default, so that a
    ///   frozen network sees each once.
    /// - Returns: The backbone, to embed with or to attach heads to.
    /// - Throws: ``ParameterError`` if the weights cannot be read any more.
    public func pictures(
        augmentation: Augmentation = .none
    ) throws -> PretrainedModel<PicturePreparation> {
        try prepared(by: PicturePreparation(preparation, augmentation: augmentation))
    }
}

extension FineTunedModel where P == PicturePreparation {
    /// A model of pictures that was saved here, or by its publisher.
    ///
    /// - Parameter path: The folder.
    /// - Throws: ``PretrainedFolderError``, ``ParameterError``, ``ModelError``, ``HeadError``: what is
    ///   missing or does not fit.
    public convenience init(contentsOf path: String) throws {
        try self.init(images: path) { PicturePreparation($0) }
    }
}
