public import Autograd
public import Checkpoint
public import Layers
public import Tensor

/// The class that a model gives to an input.
public struct Classification: Sendable, Hashable, CustomStringConvertible {
    /// The most probable label.
    public let label: String
    /// Its probability.
    public let probability: Double
    /// The probabilities of all labels, in the head's order.
    public let probabilities: [Double]

    /// Such as `NUM (97%)`.
    public var description: String {
        "\(label) (\((probability * 100).rounded().formatted(decimals: 0))%)"
    }
}

/// Gives each input one of several classes.
///
/// Its loss is the cross-entropy of the softmax. What it saves, Transformers loads as a
/// `…ForSequenceClassification`.
public struct ClassificationHead: Head {
    /// How much each class counts in the loss.
    public enum ClassWeights: Sendable, Hashable {
        /// The same for every example.
        case uniform
        /// One weight for each label, in the head's order.
        case perLabel([Double])
    }

    let labels: ClassLabels
    /// How much each class counts in the loss.
    public let classWeights: ClassWeights
    /// How much of the target is spread over all classes (Szegedy et al. 2016, arXiv:1512.00567,
    /// section 7).
    public let labelSmoothing: Double
    /// Always nil: the head fits every backbone.
    public let featureSize: Int?

    /// A head for these classes.
    ///
    /// - Parameters:
    ///   - labels: Their names, in the order of the outputs.
    ///   - classWeights: Uniform by default; see ``balancedWeights(for:labels:)``.
    ///   - labelSmoothing: In `0 ..< 1`; 0, as in BERT's recipe (arXiv:1810.04805, appendix A.3).
    ///   - featureSize: The width that the features must have; any by default.
    /// - Precondition: Labels differ, weights are one for each and not negative.
    public init(
        labels: [String], classWeights: ClassWeights = .uniform, labelSmoothing: Double = 0,
        featureSize: Int? = nil
    ) {
        precondition(
            labelSmoothing >= 0 && labelSmoothing < 1,
            "a label smoothing of \(labelSmoothing) does not lie in 0 ..< 1")
        if case .perLabel(let weights) = classWeights {
            precondition(
                weights.count == labels.count && weights.allSatisfy { $0 >= 0 && $0.isFinite },
                "\(labels.count) labels need as many weights that are not negative: \(weights)")
        }
        self.labels = ClassLabels(labels)
        self.classWeights = classWeights
        self.labelSmoothing = labelSmoothing
        self.featureSize = featureSize
    }

    /// The labels, in the order of the outputs.
    public var labelNames: [String] { labels.names }

    /// One for each label.
    public var outputSize: Int? { labels.names.count }

    /// Weights that make every class count the same: `examples / (classes · examples of the class)`
    /// (King and Zeng 2001, as scikit-learn's `balanced`). A class without examples gets 0.
    public static func balancedWeights(for targets: [String], labels: [String]) -> ClassWeights {
        let numbers = ClassLabels(labels)
        var counts = [Double](repeating: 0, count: labels.count)
        for (index, target) in targets.enumerated() {
            if let number = try? numbers.number(of: target, example: index) { counts[number] += 1 }
        }
        let total = counts.reduce(0, +)
        return .perLabel(counts.map { $0 == 0 ? 0 : total / (Double(labels.count) * $0) })
    }

    /// A dropout and a linear map to one output for each label.
    public func makeNetwork(
        featureSize: Int, dropoutRate: Double, from source: ParameterSource
    ) throws -> LinearHead {
        _ = try labels.checked(atLeast: 2)
        return try LinearHead(
            featureSize: featureSize, outputSize: labels.names.count, dropoutRate: dropoutRate,
            from: source)
    }

    /// The numbers of the labels.
    public func encoded(_ targets: [String]) throws -> [Int] {
        try targets.enumerated().map { try labels.number(of: $0.element, example: $0.offset) }
    }

    /// At least two classes must occur.
    public func checkTrainable(_ targets: [Int]) throws {
        if let first = targets.first, targets.allSatisfy({ $0 == first }) {
            throw HeadError.singleClass(labels.names[first])
        }
    }

    /// The class.
    public func stratum(of target: Int) -> Int { target }

    /// `− Σ [w(y) (1 − ε) log p(y) + ε / C Σ w(c) log p(c)]`, with class weights w and smoothing ε
    /// over C classes.
    public func loss(_ outputs: Variable, targets: [Int]) -> Variable {
        let classes = labels.names.count
        var spread = [Float](repeating: 0, count: targets.count * classes)
        for (row, target) in targets.enumerated() {
            for label in 0..<classes where labelSmoothing > 0 {
                spread[row * classes + label] = Float(
                    weight(label) * labelSmoothing / Double(classes))
            }
            spread[row * classes + target] += Float(weight(target) * (1 - labelSmoothing))
        }
        return outputs.softmaxCrossEntropy(
            targets: Tensor(spread, shape: [targets.count, classes]))
    }

    /// The sum of the targets' class weights.
    public func weight(of targets: [Int]) -> Double { targets.reduce(0) { $0 + weight($1) } }

    private func weight(_ label: Int) -> Double {
        if case .perLabel(let weights) = classWeights { weights[label] } else { 1 }
    }

    /// The most probable label of each row.
    public func predictions(from outputs: Tensor, rows: [Int]) -> [Classification] {
        let probabilities = outputs.softmax().converted(to: .float64).elements(as: Double.self)
        let classes = labels.names.count
        let best = outputs.argmax().elements(as: Int32.self).map(Int.init)
        return best.enumerated().map { row, label in
            let row = Array(probabilities[row * classes..<(row + 1) * classes])
            return Classification(
                label: labels.names[label], probability: row[label], probabilities: row)
        }
    }

    /// Accuracy, precision, recall and F1 of each class, and the confusion matrix.
    public func metrics(outputs: Tensor, targets: [Int]) -> ClassificationMetrics {
        ClassificationMetrics(
            predictions: outputs.argmax().elements(as: Int32.self).map(Int.init),
            targets: targets, labels: labels.names)
    }

    /// `id2label`, `label2id` and the problem type, as Transformers writes them.
    public var configuration: [(String, JSON)] {
        labels.configuration + [("problem_type", "single_label_classification")]
    }

    /// The head of a `…ForSequenceClassification` folder.
    public init(configuration: JSON) throws {
        if let type = configuration["problem_type"]?.string, type != "single_label_classification" {
            throw HeadError.unusableConfiguration("its 'problem_type' is '\(type)'")
        }
        self.init(labels: try ClassLabels(configuration: configuration).names)
    }
}
