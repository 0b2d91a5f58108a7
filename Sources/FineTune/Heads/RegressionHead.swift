public import Autograd
public import Checkpoint
public import Layers
public import Tensor

/// Gives each input a number.
///
/// Its loss is the squared error.
public struct RegressionHead: Head {
    /// The width that the features must have; nil fits every backbone.
    public let featureSize: Int?

    /// A head for one number.
    ///
    /// - Parameter featureSize: The width that the features must have; any by default.
    public init(featureSize: Int? = nil) { self.featureSize = featureSize }

    /// One.
    public var outputSize: Int? { 1 }

    /// A dropout and a linear map to one output.
    public func makeNetwork(
        featureSize: Int, dropoutRate: Double, from source: ParameterSource
    ) throws -> LinearHead {
        try LinearHead(
            featureSize: featureSize, outputSize: 1, dropoutRate: dropoutRate, from: source)
    }

    /// The numbers themselves, all of them finite.
    public func encoded(_ targets: [Double]) throws -> [Double] {
        for (example, target) in targets.enumerated() where !Float(target).isFinite {
            throw HeadError.nonFiniteTarget(target, example: example)
        }
        return targets
    }

    /// Any numbers can be learned from.
    public func checkTrainable(_ targets: [Double]) throws {}

    /// The sum of the squared errors.
    public func loss(_ outputs: Variable, targets: [Double]) -> Variable {
        outputs.squaredError(targets: Tensor(targets, shape: [targets.count, 1]))
    }

    /// The number of targets.
    public func weight(of targets: [Double]) -> Double { Double(targets.count) }

    /// The outputs.
    public func predictions(from outputs: Tensor, rows: [Int]) -> [Double] {
        outputs.converted(to: .float64).elements(as: Double.self)
    }

    /// Squared and absolute error and correlations.
    public func metrics(outputs: Tensor, targets: [Double]) -> RegressionMetrics {
        RegressionMetrics(predictions: predictions(from: outputs), targets: targets)
    }

    /// One label and the problem type, as Transformers writes them.
    public var configuration: [(String, JSON)] {
        [
            ("id2label", ["0": "LABEL_0"]), ("label2id", ["LABEL_0": 0]),
            ("problem_type", "regression"),
        ]
    }

    /// The head of a folder whose problem type is `regression`, or that has a single label.
    public init(configuration: JSON) throws {
        let single = configuration["id2label"]?.object?.count == 1
        guard configuration["problem_type"]?.string == "regression" || single else {
            throw HeadError.unusableConfiguration("its 'problem_type' is not 'regression'")
        }
        self.init()
    }
}
