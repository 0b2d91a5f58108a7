public import Autograd
public import Checkpoint
public import Layers
public import Tensor

/// What an example says of two tasks, or of one of them.
public struct MultiTaskTarget<First: Sendable, Second: Sendable>: Sendable {
    /// The answer to the first task; nil if the example does not say.
    public var first: First?
    /// The answer to the second task; nil if the example does not say.
    public var second: Second?

    /// Answers to both tasks, or one of them.
    public init(first: First? = nil, second: Second? = nil) {
        (self.first, self.second) = (first, second)
    }
}

extension MultiTaskTarget: Equatable where First: Equatable, Second: Equatable {}
extension MultiTaskTarget: Hashable where First: Hashable, Second: Hashable {}

/// The answers to two tasks.
public struct MultiTaskPrediction<First: Sendable, Second: Sendable>: Sendable {
    /// The answer to the first task.
    public let first: First
    /// The answer to the second task.
    public let second: Second
}

/// How well two tasks are done.
public struct MultiTaskMetrics<First: HeadMetrics, Second: HeadMetrics>: HeadMetrics {
    /// The first task; nil if no example says what its answer is.
    public let first: First?
    /// The second task; nil if no example says what its answer is.
    public let second: Second?

    /// The mean of both tasks' scores, or the one that there is.
    public var score: Double {
        let scores = [first?.score, second?.score].compactMap { $0 }
        return scores.reduce(0, +) / Double(max(scores.count, 1))
    }
    /// `mean score`
    public static var scoreName: String { "mean score" }
    /// Both tasks' measures.
    public var description: String {
        [first.map { "first task\n\($0)" }, second.map { "second task\n\($0)" }]
            .compactMap { $0 }.joined(separator: "\n\n")
    }
}

/// Two tasks on one backbone (Caruana, "Multitask Learning", Machine Learning 1997), each with layers of
/// its own. A head of more tasks is one whose first or second task is such a head again.
///
/// The loss is the weighted sum of the tasks' losses over the examples that have an answer to them,
/// divided by the weighted number of answers.
public struct MultiTaskHead<First: Head, Second: Head>: Head {
    /// The answers of an example, as the heads use them.
    public typealias EncodedTarget = MultiTaskTarget<First.EncodedTarget, Second.EncodedTarget>

    /// The first task.
    public let first: First
    /// The second task.
    public let second: Second
    /// How much an answer to each task counts.
    public let weights: (first: Double, second: Double)

    /// A head for two tasks.
    ///
    /// - Parameters:
    ///   - first: The first task.
    ///   - second: The second task.
    ///   - weights: How much an answer to each task counts; the same by default.
    /// - Precondition: Weights are positive and finite, and both heads answer for whole inputs.
    public init(
        _ first: First, _ second: Second, weights: (first: Double, second: Double) = (1, 1)
    ) {
        require(
            [weights.first, weights.second].allSatisfy { $0 > 0 && $0.isFinite },
            "the weights \(weights) are not positive")
        require(
            first.rowKind == .input && second.rowKind == .input,
            "tasks on one backbone answer for whole inputs")
        (self.first, self.second, self.weights) = (first, second, weights)
    }

    /// What one of the heads asks for.
    public var featureSize: Int? { first.featureSize ?? second.featureSize }

    /// The sum of both heads' outputs.
    public var outputSize: Int? {
        guard let first = first.outputSize, let second = second.outputSize else { return nil }
        return first + second
    }

    /// Both heads' layers, under the names `first` and `second`.
    public func makeNetwork(
        featureSize: Int, dropoutRate: Double, from source: ParameterSource
    ) throws -> MultiTaskNetwork<First.Network, Second.Network> {
        for wanted in [first.featureSize, second.featureSize] {
            if let wanted, wanted != featureSize {
                throw HeadError.featureSize(expected: wanted, found: featureSize)
            }
        }
        guard outputSize != nil else { throw HeadError.unknownOutputSize }
        return MultiTaskNetwork(
            try first.makeNetwork(
                featureSize: featureSize, dropoutRate: dropoutRate, from: source["first"]),
            try second.makeNetwork(
                featureSize: featureSize, dropoutRate: dropoutRate, from: source["second"]))
    }

    /// The answers that there are, as the heads use them.
    public func encoded(
        _ targets: [MultiTaskTarget<First.Target, Second.Target>]
    ) throws -> [EncodedTarget] {
        var result = [EncodedTarget](repeating: EncodedTarget(), count: targets.count)
        for index in targets.indices {
            // One by one, so that an error counts the example as the dataset does.
            result[index].first = try targets[index].first.map { target in
                try renumbering(index) { try first.encoded([target])[0] }
            }
            result[index].second = try targets[index].second.map { target in
                try renumbering(index) { try second.encoded([target])[0] }
            }
        }
        return result
    }

    private func renumbering<Result>(_ index: Int, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as HeadError { throw error.ofExample(index) }
    }

    /// Each task must have answers that something can be learned from.
    public func checkTrainable(_ targets: [EncodedTarget]) throws {
        let answers = (targets.compactMap(\.first), targets.compactMap(\.second))
        guard !answers.0.isEmpty, !answers.1.isEmpty else { throw HeadError.taskWithoutAnswers }
        try first.checkTrainable(answers.0)
        try second.checkTrainable(answers.1)
    }

    /// That of the first task, where there is an answer to it.
    public func stratum(of target: EncodedTarget) -> Int {
        target.first.map(first.stratum) ?? target.second.map(second.stratum) ?? 0
    }

    /// The weighted sum of both tasks' losses.
    public func loss(_ outputs: Variable, targets: [EncodedTarget]) -> Variable {
        var loss = Variable(Tensor(zeros: [], dtype: outputs.value.dtype))
        let (columns, own) = columns(of: outputs.shape)
        let rows = (answered(targets, \.first), answered(targets, \.second))
        if !rows.0.isEmpty {
            let part = outputs.gatheringRows(rows.0).sliced(columns, axis: 1)
            loss = loss + first.loss(part, targets: targets.compactMap(\.first)) * weights.first
        }
        if !rows.1.isEmpty {
            let part = outputs.gatheringRows(rows.1).sliced(own, axis: 1)
            loss = loss + second.loss(part, targets: targets.compactMap(\.second)) * weights.second
        }
        return loss
    }

    /// Which outputs belong to which task.
    private func columns(of shape: Tensor.Shape) -> (first: Range<Int>, second: Range<Int>) {
        let count = first.outputSize ?? 0
        return (0..<count, count..<shape[1])
    }

    private func answered<Target>(
        _ targets: [EncodedTarget], _ answer: (EncodedTarget) -> Target?
    ) -> [Int32] {
        targets.indices.filter { answer(targets[$0]) != nil }.map(Int32.init)
    }

    /// The weighted number of answers.
    public func weight(of targets: [EncodedTarget]) -> Double {
        weights.first * first.weight(of: targets.compactMap(\.first))
            + weights.second * second.weight(of: targets.compactMap(\.second))
    }

    /// The answers to both tasks.
    public func predictions(
        from outputs: Tensor, rows: [Int]
    ) -> [MultiTaskPrediction<First.Prediction, Second.Prediction>] {
        let columns = columns(of: outputs.shape)
        return zip(
            first.predictions(from: outputs.sliced(columns.first, axis: 1), rows: rows),
            second.predictions(from: outputs.sliced(columns.second, axis: 1), rows: rows)
        ).map { MultiTaskPrediction(first: $0, second: $1) }
    }

    /// Both tasks' measures, each over the examples that have an answer to it.
    public func metrics(
        outputs: Tensor, targets: [EncodedTarget]
    ) -> MultiTaskMetrics<First.Metrics, Second.Metrics> {
        let columns = columns(of: outputs.shape)
        let rows = (answered(targets, \.first), answered(targets, \.second))
        return MultiTaskMetrics(
            first: rows.0.isEmpty
                ? nil
                : first.metrics(
                    outputs: outputs.gatheringRows(rows.0).sliced(columns.first, axis: 1),
                    targets: targets.compactMap(\.first)),
            second: rows.1.isEmpty
                ? nil
                : second.metrics(
                    outputs: outputs.gatheringRows(rows.1).sliced(columns.second, axis: 1),
                    targets: targets.compactMap(\.second)))
    }

    /// Both heads' entries and the weights, for which Transformers has no names.
    public var configuration: [(String, JSON)] {
        func object(_ entries: [(String, JSON)]) -> JSON {
            .object(entries.reduce(into: [:] as JSON.Object) { $0[$1.0] = $1.1 })
        }
        return [
            ("problem_type", "multi_task"),
            ("tasks", [object(first.configuration), object(second.configuration)]),
            ("task_weights", [JSON(weights.first), JSON(weights.second)]),
        ]
    }

    /// The head of a folder whose problem type is `multi_task`.
    public init(configuration: JSON) throws {
        guard configuration["problem_type"]?.string == "multi_task",
            let tasks = configuration["tasks"]?.array, tasks.count == 2
        else {
            throw HeadError.unusableConfiguration(
                "its 'problem_type' is not 'multi_task', or it has not two 'tasks'")
        }
        let weights = configuration["task_weights"]?.array?.compactMap(\.double) ?? [1, 1]
        guard weights.count == 2, weights.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw HeadError.unusableConfiguration("its 'task_weights' are not two positive numbers")
        }
        self.init(
            try First(configuration: tasks[0]), try Second(configuration: tasks[1]),
            weights: (weights[0], weights[1]))
    }
}

/// The layers of two heads side by side.
public final class MultiTaskNetwork<First: HeadNetwork, Second: HeadNetwork>: HeadNetwork {
    /// The first task's.
    public let first: First
    /// The second task's.
    public let second: Second

    init(_ first: First, _ second: Second) { (self.first, self.second) = (first, second) }

    /// Both heads' parameters.
    public var parameters: [Parameter] { first.parameters + second.parameters }

    /// The outputs of both, shape `[rows, outputs of the first + outputs of the second]`.
    public func callAsFunction(_ features: Variable, in pass: Pass) -> Variable {
        let (a, b) = (first(features, in: pass), second(features, in: pass))
        let (rows, left, right) = (a.shape[0], a.shape[1], b.shape[1])
        let shape: Tensor.Shape = [rows, left + right]
        let joined =
            a.value.padded(to: shape, at: 0, axis: 1) + b.value.padded(to: shape, at: left, axis: 1)
        return Variable(joined, from: [a, b]) { dy in
            [dy.sliced(0..<left, axis: 1), dy.sliced(left..<left + right, axis: 1)]
        }
    }
}
