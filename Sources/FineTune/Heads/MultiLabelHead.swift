public import Autograd
public import Checkpoint
public import Layers
public import Tensor

/// The labels that a model gives to an input: any number of them.
public struct MultiLabelPrediction: Sendable, Hashable, CustomStringConvertible {
    /// The labels whose probability reaches the head's threshold.
    public let labels: [String]
    /// The probability of every label, in the head's order.
    public let probabilities: [Double]

    /// The labels, joined by commas.
    public var description: String { labels.isEmpty ? "none" : labels.joined(separator: ", ") }
}

/// Gives each input any number of labels, none among them.
///
/// Its loss is the mean over the labels of the cross-entropy of a sigmoid.
public struct MultiLabelHead: Head {
    private let labels: ClassLabels
    /// The probability from which on a label is given.
    public let threshold: Double
    /// The width that the features must have; nil fits every backbone.
    public let featureSize: Int?

    /// A head for these labels.
    ///
    /// - Parameters:
    ///   - labels: Their names, in the order of the outputs.
    ///   - threshold: 0.5: more probable than not.
    ///   - featureSize: The width that the features must have; any by default.
    public init(labels: [String], threshold: Double = 0.5, featureSize: Int? = nil) {
        (self.labels, self.threshold) = (ClassLabels(labels), threshold)
        self.featureSize = featureSize
    }

    /// The labels, in the order of the outputs.
    public var labelNames: [String] { labels.names }

    /// One for each label.
    public var outputSize: Int? { labels.names.count }

    /// A dropout and a linear map to one output for each label.
    public func makeNetwork(
        featureSize: Int, dropoutRate: Double, from source: ParameterSource
    ) throws -> LinearHead {
        _ = try labels.checked(atLeast: 1)
        return try LinearHead(
            featureSize: featureSize, outputSize: labels.names.count, dropoutRate: dropoutRate,
            from: source)
    }

    /// For each target the numbers of its labels, in ascending order.
    public func encoded(_ targets: [[String]]) throws -> [[Int]] {
        try targets.enumerated().map { example, names in
            try Set(names.map { try labels.number(of: $0, example: example) }).sorted()
        }
    }

    /// Some label must occur, and be absent somewhere.
    public func checkTrainable(_ targets: [[Int]]) throws {
        if let first = targets.first, targets.allSatisfy({ $0 == first }) {
            throw HeadError.singleClass(
                first.map { labels.names[$0] }.joined(separator: ", "))
        }
    }

    /// The cross-entropy of every label's sigmoid, divided by the number of labels.
    public func loss(_ outputs: Variable, targets: [[Int]]) -> Variable {
        outputs.sigmoidCrossEntropy(targets: indicators(targets)) * (1 / Double(labels.names.count))
    }

    private func indicators(_ targets: [[Int]]) -> Tensor {
        var values = [Float](repeating: 0, count: targets.count * labels.names.count)
        for (row, numbers) in targets.enumerated() {
            for number in numbers { values[row * labels.names.count + number] = 1 }
        }
        return Tensor(values, shape: [targets.count, labels.names.count])
    }

    /// The number of targets.
    public func weight(of targets: [[Int]]) -> Double { Double(targets.count) }

    /// The labels that reach the threshold.
    public func predictions(from outputs: Tensor, rows: [Int]) -> [MultiLabelPrediction] {
        probabilities(outputs).map { row in
            MultiLabelPrediction(
                labels: row.indices.filter { row[$0] >= threshold }.map { labels.names[$0] },
                probabilities: row)
        }
    }

    private func probabilities(_ outputs: Tensor) -> [[Double]] {
        let all = outputs.activated(.sigmoid).converted(to: .float64).elements(as: Double.self)
        let classes = labels.names.count
        return (0..<outputs.shape[0]).map { Array(all[$0 * classes..<($0 + 1) * classes]) }
    }

    /// F1 over all decisions and per label, and the share of examples that are right in every label.
    public func metrics(outputs: Tensor, targets: [[Int]]) -> MultiLabelMetrics {
        MultiLabelMetrics(
            predictions: probabilities(outputs).map { row in row.map { $0 >= threshold } },
            targets: targets.map { numbers in labels.names.indices.map(numbers.contains) },
            labels: labels.names)
    }

    /// `id2label`, `label2id` and the problem type, as Transformers writes them, and the threshold,
    /// for which it has no name.
    public var configuration: [(String, JSON)] {
        labels.configuration + [
            ("problem_type", "multi_label_classification"), ("threshold", JSON(threshold)),
        ]
    }

    /// The head of a folder whose problem type is `multi_label_classification`.
    public init(configuration: JSON) throws {
        guard configuration["problem_type"]?.string == "multi_label_classification" else {
            throw HeadError.unusableConfiguration(
                "its 'problem_type' is not 'multi_label_classification'")
        }
        self.init(
            labels: try ClassLabels(configuration: configuration).names,
            threshold: configuration["threshold"]?.double ?? 0.5)
    }
}
