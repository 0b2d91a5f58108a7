import Autograd
import Checkpoint
import Layers
import Tensor

/// A backbone with a head: what is trained, asked and saved.
///
/// Predicting is safe from any number of threads, also while a ``Trainer`` trains the model: an
/// answer is given by the weights as they are between two steps.
public final class FineTunedModel<P: Preparation, H: Head>: @unchecked Sendable {
    // Unchecked, because stages and parameters are classes: `lock` keeps readers and the trainer's
    // updates apart.
    /// What prepares the inputs.
    public let preparation: P
    /// The task.
    public let head: H
    /// How the features of an input become one vector.
    public let pooling: Pooling
    let architecture: any Architecture
    /// The backbone, from the input to the features.
    let stages: [any Stage]
    let network: H.Network
    /// The numbers of the stages that have parameters without pretrained values.
    let initializedStages: Set<Int>
    /// The parameters of the stages that have no pretrained values, by path.
    let initializedPaths: Set<String>
    /// What makes it an adapted model; set before it is handed out.
    var adaptation: Adaptation?
    /// A feature cache that models of the same backbone use one after the other, in place of one of
    /// each trainer's own.
    var sharedFeatures: FeatureCache<P>?
    let lock = ReadWriteLock()

    init(
        preparation: P, architecture: any Architecture, pooling: Pooling, head: H,
        headSource: ParameterSource, seed: UInt64, sharing shared: [String: Tensor] = [:]
    ) throws {
        if let expected = head.featureSize, expected != architecture.featureSize {
            throw HeadError.featureSize(expected: expected, found: architecture.featureSize)
        }
        guard head.rowKind == preparation.rowKind, (head.rowKind == .word) == (pooling == .tokens)
        else {
            throw ModelError.unsuitableRows(
                head: head.rowKind, preparation: preparation.rowKind, pooling: pooling)
        }
        let (stages, report) = try architecture.makeStages(pooling, seed: seed, sharing: shared)
        let missing = Set(report.missing.map(\.path))
        self.preparation = preparation
        self.architecture = architecture
        self.pooling = pooling
        self.head = head
        self.stages = stages
        initializedPaths = missing
        initializedStages = Set(
            stages.indices.filter { index in
                stages[index].parameters.contains { missing.contains($0.path) }
            })
        network = try head.makeNetwork(
            featureSize: architecture.featureSize,
            dropoutRate: architecture.headDropout(for: pooling),
            from: headSource[architecture.headPath(for: pooling)])
    }

    /// All parameters, from the bottom to the top.
    var parameters: [Parameter] { stages.flatMap(\.parameters) + network.parameters }

    /// The number of weights.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.value.elementCount } }

    // MARK: Computing

    /// What the stages of these numbers make of a batch. Stages in which nothing trains run without
    /// dropout.
    func features(_ batch: Features, through range: Range<Int>, in pass: Pass) -> Features {
        var features = batch
        for stage in stages[range] {
            let trains = stage.parameters.contains { $0.isTrainable }
            features = stage(features, in: trains ? pass : pass.withoutDropout)
        }
        return features
    }

    /// The outputs for prepared items, shape `[rows, outputs]`, in their order. A trainer, which will
    /// ask again, keeps what frozen stages give in `cache`.
    func outputs(for items: [P.Item], cache: FeatureCache<P>? = nil) throws -> Tensor {
        let rows = try lock.reading {
            try forEachBatch(of: items, preparation: preparation) {
                try network(headFeatures($0, in: .inference, cache: cache), in: .inference).value
            }
        }
        return joined(rows, of: items, preparation: preparation)
    }

    /// The same, to answer or to measure with: what is infinite or not a number says nothing. But −∞ does,
    /// of a class that a head leaves out.
    ///
    /// - Throws: ``HeadError/nonFiniteOutputs(input:)``.
    func finiteOutputs(for items: [P.Item], cache: FeatureCache<P>? = nil) throws -> Tensor {
        let outputs = try outputs(for: items, cache: cache)
        guard !outputs.isFinite else { return outputs }
        let numbers = outputs.elements(as: Float.self)
        guard let place = numbers.firstIndex(where: { $0.isNaN || $0 == .infinity }) else {
            return outputs
        }
        let row = place / outputs.shape[1]
        var end = 0
        let input = items.firstIndex { item in
            end += preparation.rowCount(of: item)
            return row < end
        }
        throw HeadError.nonFiniteOutputs(input: input ?? 0)
    }

    /// The answer to one input.
    public func predict(_ input: P.Input) throws -> H.Prediction { try predict([input])[0] }

    /// The answers to many inputs, in their order.
    ///
    /// - Throws: What is wrong with an input; ``HeadError/nonFiniteOutputs(input:)`` if the model
    ///   computes no numbers of it.
    public func predict(_ inputs: [P.Input]) throws -> [H.Prediction] {
        guard !inputs.isEmpty else { return [] }
        let items = try preparation.prepared(inputs, for: stages)
        return head.predictions(
            from: try finiteOutputs(for: items),
            rows: items.map { preparation.rowCount(of: $0) })
    }

    /// The raw outputs of the head, before softmax or sigmoid, for each input: one row, or where the
    /// head answers for several parts of an input, their rows one after the other. They are given as
    /// they are, also where they are no numbers.
    public func outputs(for inputs: [P.Input]) throws -> [[Float]] {
        let items = try preparation.prepared(inputs, for: stages)
        return try lock.reading {
            try forEachBatch(of: items, preparation: preparation) {
                try network(headFeatures($0, in: .inference), in: .inference).value
            }
        }
    }

    /// The features that the head gets for one input.
    public func embed(_ input: P.Input) throws -> [Float] { try embed([input])[0] }

    /// The features that the head gets for each input: one vector, or where the head answers for
    /// several parts of an input, their vectors one after the other.
    public func embed(_ inputs: [P.Input]) throws -> [[Float]] {
        let items = try preparation.prepared(inputs, for: stages)
        return try lock.reading {
            try forEachBatch(of: items, preparation: preparation) {
                try headFeatures($0, in: .inference).value
            }
        }
    }

    /// How good the model is on these examples.
    ///
    /// - Throws: ``DataError`` if there is none, ``HeadError`` for a target that the head does not
    ///   know, and for outputs that are no numbers.
    public func evaluate(on data: Dataset<P.Input, H.Target>) throws -> H.Metrics {
        try evaluate(on: data, cache: nil)
    }

    func evaluate(
        on data: Dataset<P.Input, H.Target>, cache: FeatureCache<P>?
    ) throws -> H.Metrics {
        guard !data.isEmpty else { throw DataError(.noExamples) }
        let targets = try head.encoded(data.targets)
        let items = try preparation.prepared(data.inputs, for: stages)
        try checkRows(of: items, targets)
        return head.metrics(
            outputs: try finiteOutputs(for: items, cache: cache), targets: targets)
    }

    /// Checks that the head's targets are for as many rows as the items have.
    func checkRows(of items: [P.Item], _ targets: [H.EncodedTarget]) throws {
        for (position, (item, target)) in zip(items, targets).enumerated() {
            let (rows, wanted) = (preparation.rowCount(of: item), head.rowCount(of: target))
            guard rows == wanted else {
                throw ModelError.rowCount(
                    example: position, rows: rows, of: head.rowKind, targets: wanted)
            }
        }
    }
}
