public import Tensor

/// What receives the gradient of a leaf of the computation, such as a trainable parameter.
public protocol GradientSink: AnyObject {
    /// Adds a gradient to what was received before.
    ///
    /// - Parameter gradient: Same shape and type as the leaf's value.
    func accumulate(_ gradient: Tensor)
}

/// A tensor, and how it was computed, if anything that it was computed from needs a gradient.
///
/// Operations on variables compute like those on tensors. They record an entry on the tape, and
/// keep what its gradient rule uses, only where a gradient will be asked for.
public struct Variable {
    /// The numbers.
    public let value: Tensor
    let node: Node?

    /// A constant: no gradient is computed for it or because of it.
    public init(_ value: Tensor) { (self.value, node) = (value, nil) }

    /// A leaf whose gradient goes to `sink`.
    public init(_ value: Tensor, gradientTo sink: any GradientSink) {
        self.value = value
        node = Node(sink: sink)
    }

    /// The result of an operation with a gradient rule of its own.
    ///
    /// - Parameters:
    ///   - value: The result.
    ///   - inputs: What it was computed from.
    ///   - gradient: From the gradient of the result to those of the inputs, in their order, each of
    ///     its input's shape. It may give nil for an input that needs none; see
    ///     ``needsGradient``. Recorded only if some input needs one.
    public init(
        _ value: Tensor, from inputs: [Variable], gradient: @escaping (Tensor) -> [Tensor?]
    ) {
        self.value = value
        let needed = inputs.contains { $0.needsGradient }
        node = needed ? Node(inputs: inputs.map(\.node), rule: gradient) : nil
    }

    /// Whether a gradient with respect to this will be asked for.
    public var needsGradient: Bool { node != nil }

    /// The sizes of the dimensions.
    public var shape: Tensor.Shape { value.shape }

    /// The same numbers as a constant: gradients stop here.
    public var detached: Variable { Variable(value) }

    /// Computes the gradients of this with respect to all leaves, hands them to their sinks, and
    /// frees the tape as it goes. A constant has none to compute.
    ///
    /// - Parameter seed: The gradient of this itself, 1 by default.
    /// - Precondition: Without a seed, this is a single number. No other backward pass has gone
    ///   through what this was computed from, leaves excepted: add two losses of one computation
    ///   and differentiate the sum.
    public func backward(seed: Tensor? = nil) {
        guard let node else { return }
        require(
            seed != nil || value.elementCount == 1,
            "a gradient is asked of a variable of shape \(shape) without a seed")
        let start = seed ?? Tensor(repeating: 1, shape: shape, dtype: value.dtype)
        require(start.shape == shape, "the seed's shape \(start.shape) is not \(shape)")
        node.add(start)
        Node.runBackward(from: node)
    }

    /// The entries on all tapes now: what a frozen part must not add to.
    public static var tapeEntryCount: Int { Node.livingCount }
}
