public import Autograd
public import Checkpoint
public import Layers
public import Tensor

/// The layers of a head, once the width of the features is known.
public protocol HeadNetwork: AnyObject {
    /// Its parameters, in the order of loading.
    var parameters: [Parameter] { get }
    /// From features `[rows, width]` to outputs `[rows, outputs]`.
    func callAsFunction(_ features: Variable, in pass: Pass) -> Variable
}

/// What a head's quality is measured by.
public protocol HeadMetrics: Sendable, CustomStringConvertible {
    /// One number to compare models by: the higher, the better.
    var score: Double { get }
    /// What ``score`` is called, such as `accuracy`.
    static var scoreName: String { get }
}

/// The part of a model that is made for the task: what it takes, what it learns from, how it is
/// wrong, what it answers and how that is measured.
///
/// A head is a value that describes the task. Attached to a backbone it gets its parameters.
public protocol Head: Sendable {
    /// What an example says the answer is.
    associatedtype Target: Sendable
    /// A target as the loss uses it, such as the number of a class.
    associatedtype EncodedTarget: Sendable
    /// What the model answers.
    associatedtype Prediction: Sendable
    /// How answers are measured.
    associatedtype Metrics: HeadMetrics
    /// Its layers.
    associatedtype Network: HeadNetwork

    /// The width of the features that it was made for; nil fits every backbone.
    var featureSize: Int? { get }

    /// What it answers for; ``RowKind/input`` by default.
    var rowKind: RowKind { get }

    /// The number of its outputs; nil by default, and if it depends on the features.
    var outputSize: Int? { get }

    /// How many rows of outputs a target is for: 1 by default.
    func rowCount(of target: EncodedTarget) -> Int

    /// Its layers for features of this width.
    ///
    /// - Parameters:
    ///   - featureSize: The width of the features.
    ///   - dropoutRate: What the backbone's configuration says for classifiers.
    ///   - source: The place of the head's parameters.
    /// - Returns: The layers, their parameters loaded or initialised.
    /// - Throws: ``HeadError`` if the head was described wrongly, ``ParameterError`` if a stored
    ///   parameter does not fit.
    func makeNetwork(
        featureSize: Int, dropoutRate: Double, from source: ParameterSource
    ) throws -> Network

    /// The targets as the loss uses them.
    ///
    /// - Throws: ``HeadError`` for a target that the head does not know.
    func encoded(_ targets: [Target]) throws -> [EncodedTarget]

    /// Checks that something can be learned from these targets.
    ///
    /// - Throws: ``HeadError`` if not, such as for a single class.
    func checkTrainable(_ targets: [EncodedTarget]) throws

    /// Which of several kinds of examples it belongs to, each of which every part of a
    /// cross-validation should hold: the class, where there is one. 0 by default.
    func stratum(of target: EncodedTarget) -> Int

    /// The loss, summed over the rows.
    ///
    /// - Parameters:
    ///   - outputs: Shape `[rows, outputs]`.
    ///   - targets: One for each input, in the order of its rows.
    /// - Returns: Shape `[]`.
    func loss(_ outputs: Variable, targets: [EncodedTarget]) -> Variable

    /// What the summed loss of these targets is divided by to be a mean. A batch that is split into
    /// parts is divided by the weight of the whole.
    func weight(of targets: [EncodedTarget]) -> Double

    /// The answers.
    ///
    /// - Parameters:
    ///   - outputs: Shape `[rows, outputs]`.
    ///   - rows: How many rows each input has; one where ``rowKind`` is ``RowKind/input``.
    /// - Returns: One for each input.
    func predictions(from outputs: Tensor, rows: [Int]) -> [Prediction]

    /// How good the outputs are.
    func metrics(outputs: Tensor, targets: [EncodedTarget]) -> Metrics

    /// What `config.json` says of the head, in the names that Transformers uses.
    var configuration: [(String, JSON)] { get }

    /// The head that a `config.json` describes.
    ///
    /// - Throws: ``HeadError`` if it describes none of this kind.
    init(configuration: JSON) throws
}

extension Head {
    /// A whole input.
    public var rowKind: RowKind { .input }

    /// Nil: not known before the features.
    public var outputSize: Int? { nil }

    /// One.
    public func rowCount(of target: EncodedTarget) -> Int { 1 }

    /// The answers where each row is an input of its own.
    public func predictions(from outputs: Tensor) -> [Prediction] {
        predictions(from: outputs, rows: [Int](repeating: 1, count: outputs.shape[0]))
    }

    /// 0: all examples are of one kind.
    public func stratum(of target: EncodedTarget) -> Int { 0 }
}

/// A dropout and a linear map: the layers of every ready-made head.
public final class LinearHead: HeadNetwork {
    private let dropout: Dropout
    /// Shape `[outputs, features]`.
    public let linear: Linear

    /// Loads the linear map from its place.
    public init(
        featureSize: Int, outputSize: Int, dropoutRate: Double, from source: ParameterSource
    ) throws {
        dropout = Dropout(rate: dropoutRate, path: source.path)
        linear = try Linear(inputSize: featureSize, outputSize: outputSize, from: source)
    }

    /// From features `[rows, features]` to outputs `[rows, outputs]`.
    public func callAsFunction(_ features: Variable, in pass: Pass) -> Variable {
        linear(features.dropped(dropout.mask(pass)), in: pass)
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] { linear.parameters }
}

/// A head that cannot do what it is asked to.
public enum HeadError: Error, Hashable, CustomStringConvertible {
    /// A label that the head was not made with.
    case unknownLabel(String, example: Int, known: [String])
    /// All examples have the same label: there is nothing to tell apart.
    case singleClass(String)
    /// A number that is none, or infinite.
    case nonFiniteTarget(Double, example: Int)
    /// Fewer than two labels, or the same twice.
    case unusableLabels([String])
    /// A task among several whose number of outputs is not known.
    case unknownOutputSize
    /// A task among several that no example has an answer to.
    case taskWithoutAnswers
    /// A similarity outside −1 ... 1.
    case impossibleSimilarity(Double, example: Int)
    /// A single pair, where pairs learn from each other.
    case nothingToContrast
    /// A tag that is none of the head's scheme.
    case unusableTag(String)
    /// The head was made for features of another width.
    case featureSize(expected: Int, found: Int)
    /// A `config.json` that describes no such head.
    case unusableConfiguration(String)
    /// What the model computes of an input is infinite or not a number.
    case nonFiniteOutputs(input: Int)
    /// A number of intervals of probability that nothing can be sorted into.
    case unusableBinCount(Int)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .unknownLabel(let label, let example, let known):
            "example \(example) has the label '\(label)', which the head does not know "
                + "(it knows \(listed(known))); make the head with the labels of all data, or "
                + "correct the example"
        case .singleClass(let label):
            "every training example has the label '\(label)': a classifier needs examples of at "
                + "least two classes"
        case .nonFiniteTarget(let number, let example):
            "example \(example) has the target \(number); give a finite number"
        case .unusableLabels(let labels):
            "a classifier needs at least two different labels, but was given \(listed(labels))"
        case .unknownOutputSize:
            "a head whose number of outputs is not known cannot be one of several tasks; give it an "
                + "'outputSize'"
        case .taskWithoutAnswers:
            "one of the tasks has no example with an answer to it; add some, or leave the task out"
        case .impossibleSimilarity(let number, let example):
            "example \(example) has the similarity \(number); give a number from -1 to 1"
        case .nothingToContrast:
            "there is one pair only: multiple negatives need at least two to tell apart"
        case .unusableTag(let tag):
            "the tag '\(tag)' is neither 'O' nor begins with 'B-' or 'I-'; make the head with the "
                + "plain scheme, or correct the tags"
        case .featureSize(let expected, let found):
            "the head was made for features of width \(expected), but the backbone gives \(found); "
                + "attach it to the backbone that it was trained with, or make a new head"
        case .unusableConfiguration(let reason):
            "the folder's config.json describes no head of this kind: \(reason)"
        case .nonFiniteOutputs(let input):
            "the model's outputs for input \(input) are not all finite numbers, so they say nothing; "
                + "look at the input, or go back to earlier weights"
        case .unusableBinCount(let count):
            "probabilities cannot be sorted into \(count) intervals; give 1 to 1000000"
        }
    }

    /// The same error of another example.
    func ofExample(_ example: Int) -> HeadError {
        switch self {
        case .unknownLabel(let label, _, let known):
            .unknownLabel(label, example: example, known: known)
        case .nonFiniteTarget(let number, _): .nonFiniteTarget(number, example: example)
        case .impossibleSimilarity(let number, _): .impossibleSimilarity(number, example: example)
        default: self
        }
    }

    private func listed(_ labels: [String]) -> String {
        guard !labels.isEmpty else { return "none" }
        let shown = labels.prefix(10).map { "'\($0)'" }.joined(separator: ", ")
        return labels.count > 10 ? "\(shown) and \(labels.count - 10) more" : shown
    }
}
