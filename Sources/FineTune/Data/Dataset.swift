/// Examples in a fixed order.
///
/// A value over one array: a copy costs nothing until it is written.
public struct Dataset<Input: Sendable, Target: Sendable>: Sendable {
    /// The examples, in order.
    public let examples: [Example<Input, Target>]
    /// What could not be used when the examples were read, if the reader leaves such things out. Every
    /// part of the dataset knows it, and a training report lists it.
    public let leftOut: [LeftOutExample]

    /// A dataset of these examples.
    ///
    /// - Parameters:
    ///   - examples: In order.
    ///   - leftOut: What could not be used; nothing by default.
    public init(
        _ examples: some Sequence<Example<Input, Target>>, leftOut: [LeftOutExample] = []
    ) {
        self.examples = Array(examples)
        self.leftOut = leftOut
    }

    /// A dataset of `inputs` and, position by position, their `targets`.
    ///
    /// - Precondition: There are as many targets as inputs.
    public init(inputs: [Input], targets: [Target]) {
        precondition(
            inputs.count == targets.count,
            "\(inputs.count) inputs do not match \(targets.count) targets")
        self.init(zip(inputs, targets).map { Example(input: $0, target: $1) })
    }

    /// The inputs alone, in order.
    public var inputs: [Input] { examples.map(\.input) }

    /// The targets alone, in order.
    public var targets: [Target] { examples.map(\.target) }

    /// The examples at `positions`, in that order.
    ///
    /// - Precondition: Every position is within the dataset.
    public func selecting(_ positions: some Sequence<Int>) -> Dataset {
        Dataset(positions.map { examples[$0] }, leftOut: leftOut)
    }
}

/// Texts that belong to one class each.
public typealias LabeledTexts = Dataset<String, String>
/// Texts that belong to any number of classes each, none among them.
public typealias MultiLabeledTexts = Dataset<String, [String]>
/// Texts with a number each.
public typealias ScoredTexts = Dataset<String, Double>

extension Dataset: RandomAccessCollection {
    /// The position of the first example: 0.
    public var startIndex: Int { examples.startIndex }

    /// The position after the last example: the number of examples.
    public var endIndex: Int { examples.endIndex }

    /// The example at `position`.
    public subscript(position: Int) -> Example<Input, Target> { examples[position] }
}

extension Dataset: Equatable where Input: Equatable, Target: Equatable {}
extension Dataset: Hashable where Input: Hashable, Target: Hashable {}
