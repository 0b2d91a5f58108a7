public import Autograd
public import Tensor

/// A named tensor of a model that training may change.
///
/// It has an identity: a tied weight is one parameter under two paths.
public final class Parameter: GradientSink {
    /// What a parameter is for. Decay and some plans treat them differently.
    public enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        /// The matrix of a linear map or convolution.
        case weight
        /// What is added to the result of one.
        case bias
        /// The scale or shift of a normalisation.
        case normalization
        /// A table of vectors.
        case embedding
        /// A factor of an adapter's low-rank update.
        case lowRank
        /// An adapter's factors for rows or activations.
        case scale

        /// Whether it belongs to an adapter rather than to the model itself.
        public var isAdapter: Bool { self == .lowRank || self == .scale }
        /// Whether weight decay draws it towards 0. It spares biases and normalisations (BERT's
        /// recipe, arXiv:1810.04805, as published with its code), and factors, which begin at other
        /// values than 0.
        public var decays: Bool { self == .weight || self == .embedding || self == .lowRank }
    }

    /// Its name: the publisher's, without the prefix that some checkpoints put before all names.
    public let path: String
    /// What it is for.
    public let kind: Kind
    /// The numbers now. While it is frozen they may lie in the checkpoint's mapped file.
    public var value: Tensor
    /// What ``accumulate(_:)`` received since ``clearGradient()``.
    public private(set) var gradient: Tensor?
    /// Whether a gradient is computed for it. Frozen at first: a plan says what trains.
    public var isTrainable = false

    /// A frozen parameter.
    public init(path: String, kind: Kind, value: Tensor) {
        (self.path, self.kind, self.value) = (path, kind, value)
    }

    /// The parameter as part of a pass: a leaf if it is trainable and the pass records gradients,
    /// else a constant.
    public func variable(in pass: Pass) -> Variable {
        isTrainable && pass.recordsGradients
            ? Variable(value, gradientTo: self) : Variable(value)
    }

    /// Adds a gradient to what was received before.
    public func accumulate(_ part: Tensor) {
        require(
            part.shape == value.shape,
            "a gradient of shape \(part.shape) came for '\(path)' of shape \(value.shape)")
        guard gradient != nil else { return gradient = part }
        gradient?.accumulate(part)
    }

    /// Forgets the gradient.
    public func clearGradient() { gradient = nil }
}
