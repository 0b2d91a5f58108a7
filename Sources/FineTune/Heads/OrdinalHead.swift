public import Autograd
public import Checkpoint
public import Layers
public import Tensor

/// A level that a model gives to an input, such as a number of stars.
public struct OrdinalPrediction: Sendable, Hashable, CustomStringConvertible {
    /// The level.
    public let label: String
    /// Its position among the levels, from 0.
    public let rank: Int
    /// The probabilities of all levels, from the lowest.
    public let probabilities: [Double]
    /// The mean of the positions by these probabilities.
    public let expectedRank: Double

    /// Such as `4 stars (61%)`.
    public var description: String {
        "\(label) (\((probabilities[rank] * 100).rounded().formatted(decimals: 0))%)"
    }
}

/// Gives each input one of several levels that have an order.
///
/// Cumulative logits (McCullagh, "Regression Models for Ordinal Data", 1980) in the form of CORAL (Cao,
/// Mirjalili and Raschka 2020, arXiv:1901.07884): one function of the features, and for each level but
/// the lowest a bias of its own, whose sum is the logit of "at least this level". A mistake by two
/// levels so costs more than one by one.
public struct OrdinalHead: Head {
    private let labels: ClassLabels
    /// The width that the features must have; nil fits every backbone.
    public let featureSize: Int?

    /// A head for these levels.
    ///
    /// - Parameters:
    ///   - labels: Their names, from the lowest to the highest.
    ///   - featureSize: The width that the features must have; any by default.
    public init(labels: [String], featureSize: Int? = nil) {
        (self.labels, self.featureSize) = (ClassLabels(labels), featureSize)
    }

    /// The levels, from the lowest to the highest.
    public var labelNames: [String] { labels.names }

    /// One for each level but the lowest.
    public var outputSize: Int? { thresholds }

    private var thresholds: Int { labels.names.count - 1 }

    /// A dropout, a linear map to one number, and the biases.
    public func makeNetwork(
        featureSize: Int, dropoutRate: Double, from source: ParameterSource
    ) throws -> OrdinalNetwork {
        _ = try labels.checked(atLeast: 2)
        return try OrdinalNetwork(
            featureSize: featureSize, thresholds: thresholds, dropoutRate: dropoutRate, from: source
        )
    }

    /// The positions of the levels.
    public func encoded(_ targets: [String]) throws -> [Int] {
        try targets.enumerated().map { try labels.number(of: $0.element, example: $0.offset) }
    }

    /// At least two levels must occur.
    public func checkTrainable(_ targets: [Int]) throws {
        if let first = targets.first, targets.allSatisfy({ $0 == first }) {
            throw HeadError.singleClass(labels.names[first])
        }
    }

    /// The level.
    public func stratum(of target: Int) -> Int { target }

    /// `− Σ over levels k above the lowest of [y ≥ k] log σ(o(k)) + [y < k] log(1 − σ(o(k)))` (CORAL,
    /// equation 4, all levels counting the same).
    public func loss(_ outputs: Variable, targets: [Int]) -> Variable {
        let reached = targets.flatMap { target in
            (0..<thresholds).map { target > $0 ? Float(1) : 0 }
        }
        return outputs.sigmoidCrossEntropy(
            targets: Tensor(reached, shape: [targets.count, thresholds]))
    }

    /// The number of targets.
    public func weight(of targets: [Int]) -> Double { Double(targets.count) }

    /// The highest level that is more probably reached than not. Where the probability of reaching a
    /// level exceeds that of a lower one, which training makes rare, it is cut to that.
    public func predictions(from outputs: Tensor, rows: [Int]) -> [OrdinalPrediction] {
        let values = outputs.activated(.sigmoid).converted(to: .float64).elements(as: Double.self)
        return (0..<outputs.shape[0]).map { row in
            var reached = [1.0]
            for probability in values[row * thresholds..<(row + 1) * thresholds] {
                reached.append(min(probability, reached[reached.count - 1]))
            }
            let probabilities = reached.indices.map {
                reached[$0] - ($0 + 1 < reached.count ? reached[$0 + 1] : 0)
            }
            let rank = reached.dropFirst().count { $0 > 0.5 }
            return OrdinalPrediction(
                label: labels.names[rank], rank: rank, probabilities: probabilities,
                expectedRank: reached.dropFirst().reduce(0, +))
        }
    }

    /// How far levels are off, and how often they are right.
    public func metrics(outputs: Tensor, targets: [Int]) -> OrdinalMetrics {
        OrdinalMetrics(
            predictions: predictions(from: outputs).map(\.rank), targets: targets,
            labels: labels.names)
    }

    /// `id2label` and `label2id`, as Transformers writes them, and the problem type, for which it has
    /// no name.
    public var configuration: [(String, JSON)] {
        labels.configuration + [("problem_type", "ordinal_regression")]
    }

    /// The head of a folder whose problem type is `ordinal_regression`.
    public init(configuration: JSON) throws {
        guard configuration["problem_type"]?.string == "ordinal_regression" else {
            throw HeadError.unusableConfiguration("its 'problem_type' is not 'ordinal_regression'")
        }
        self.init(labels: try ClassLabels(configuration: configuration).names)
    }
}

/// `o = x wᵀ + b` with one row of weights and several biases: the layers of an ``OrdinalHead``.
public final class OrdinalNetwork: HeadNetwork {
    private let dropout: Dropout
    /// Shape `[1, features]`.
    public let weight: Parameter
    /// Shape `[levels − 1]`.
    public let bias: Parameter

    /// Loads weight and biases from their place. Biases that are not there begin in equal steps from 1
    /// downwards, so that levels are in order from the start.
    public init(
        featureSize: Int, thresholds: Int, dropoutRate: Double, from source: ParameterSource
    ) throws {
        dropout = Dropout(rate: dropoutRate, path: source.path)
        weight = try source.parameter(
            "weight", shape: [1, featureSize], kind: .weight,
            initial: .normal(standardDeviation: 0.02))
        bias = try source.parameter("bias", shape: [thresholds], kind: .bias) { dtype, _ in
            Tensor((0..<thresholds).map { 1 - Double($0) / Double(thresholds) })
                .converted(to: dtype)
        }
    }

    /// From features `[rows, features]` to outputs `[rows, levels − 1]`.
    public func callAsFunction(_ features: Variable, in pass: Pass) -> Variable {
        features.dropped(dropout.mask(pass)).linear(weight: weight.variable(in: pass), bias: nil)
            + bias.variable(in: pass)
    }

    /// The weight and the biases.
    public var parameters: [Parameter] { [weight, bias] }
}
