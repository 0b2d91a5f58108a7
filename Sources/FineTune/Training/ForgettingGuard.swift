import Checkpoint
import Layers
import Tensor

/// What a model should go on doing while it learns something else, and how much of it may be lost.
///
/// ```swift
/// trainer.forgettingGuard = try ForgettingGuard(similaritiesOf: texts, in: backbone, limit: 0.1)
/// let report = try await trainer.fit(on: train, validating: test)
/// print(report.epochs.map(\.forgotten), report.stopReason)
/// ```
///
/// After every epoch the references go through the layers as they are then, and through what stood on
/// top of these layers before: a pooling, or a pooling and a head. Where they are compared with is
/// measured when the guard is made.
public struct ForgettingGuard<P: Preparation>: Sendable {
    /// What may be forgotten; beyond it a run stops. Nil only measures.
    public var limit: Double?
    /// The width of the features that the references were measured with.
    let featureSize: Int
    /// Stands for the references and what is kept of them.
    private let fingerprint: Fingerprint
    private let items: [P.Item]
    /// From what the layers give for items to rows of numbers.
    private let top: @Sendable ([P.Item], Features) -> Tensor
    /// How much is forgotten if the references have these rows now.
    private let loss: @Sendable (Tensor) -> Double

    /// Keeps which inputs the backbone finds alike.
    ///
    /// What is forgotten is 1 − the correlation of the cosines of all pairs of embeddings, before and
    /// now: 0 if nothing is, 1 if nothing is left, at most 2 (representational similarity analysis:
    /// Kriegeskorte, Mur and Bandettini, Frontiers in Systems Neuroscience 2008). Labels are not
    /// needed. Its cost grows with the square of the references; a few hundred are enough.
    ///
    /// - Parameters:
    ///   - inputs: The references, at least three.
    ///   - backbone: What they are embedded with, in its own way.
    ///   - limit: What may be forgotten; nil only measures.
    /// - Throws: ``ForgettingError/tooFewReferences(_:)``, and what is wrong with an input.
    public init(
        similaritiesOf inputs: [P.Input], in backbone: PretrainedModel<P>, limit: Double? = nil
    ) throws {
        let preparation = backbone.preparation
        items = try preparation.prepared(inputs, for: backbone.stages)
        fingerprint = Fingerprint(
            of: [Fingerprint("similarities"), Fingerprint(backbone.stages.flatMap(\.parameters))]
                + inputs.map { preparation.fingerprint(of: $0) })
        let before = UnitRows(try backbone.embed(inputs), width: backbone.architecture.featureSize)
        guard before.count >= 3 else { throw ForgettingError.tooFewReferences(before.count) }
        featureSize = backbone.architecture.featureSize
        top = { backbone.pooled($1, of: $0) }
        loss = { now in
            1 - before.similarityCorrelation(with: UnitRows(now))
        }
        self.limit = limit
    }

    /// Keeps how well an earlier model does its task.
    ///
    /// What is forgotten is its score on the references less that of its head on the layers as they
    /// are now; below 0 if they suit it better. The model that is trained should begin with the layers
    /// of the earlier one, as it does if both come from one backbone of which the earlier trained the
    /// head alone, or if the earlier was saved and its folder opened as a backbone. To keep answers
    /// instead of a score, give the earlier model's own predictions as the references' targets.
    ///
    /// - Parameters:
    ///   - previous: The earlier model. It must not be trained any more.
    ///   - references: What it is measured on.
    ///   - limit: What may be forgotten, in its score; nil only measures.
    /// - Throws: ``DataError`` if there are no references, ``HeadError`` for a target that the earlier
    ///   head does not know.
    public init<Previous: Head>(
        keeping previous: FineTunedModel<P, Previous>,
        on references: Dataset<P.Input, Previous.Target>, limit: Double? = nil
    ) throws {
        let before = try previous.evaluate(on: references).score
        let targets = try previous.head.encoded(references.targets)
        let preparation = previous.preparation
        items = try preparation.prepared(references.inputs, for: previous.stages)
        fingerprint = Fingerprint(
            of: [
                Fingerprint("answers"), Fingerprint(describing: previous.head),
                previous.lock.reading { Fingerprint(previous.parameters) },
            ]
                + references.flatMap {
                    [preparation.fingerprint(of: $0.input), Fingerprint(describing: $0.target)]
                })
        featureSize = previous.architecture.featureSize
        top = { previous.topOutputs($1, of: $0) }
        loss = { now in before - previous.head.metrics(outputs: now, targets: targets).score }
        self.limit = limit
    }

    /// What makes it the guard that it is: the references and the weights that they were measured with. What
    /// was measured is not part of it: it follows from these, and its last bits are a matter of the CPU.
    var identity: JSON {
        ["limit": limit.map { JSON($0) } ?? .null, "references": JSON(fingerprint.description)]
    }

    /// How much a model has forgotten.
    ///
    /// - Throws: ``ForgettingError/otherBackbone(expected:found:)`` if its features have another width,
    ///   and what is wrong with a reference that has to be read again.
    public func forgotten<H: Head>(by model: FineTunedModel<P, H>) throws -> Double {
        guard model.architecture.featureSize == featureSize else {
            throw ForgettingError.otherBackbone(
                expected: featureSize, found: model.architecture.featureSize)
        }
        // As what it is compared with, whatever the precision of the run.
        return try Tensor.Precision.float32.applied { loss(try model.rows(of: items, top)) }
    }
}

extension Fingerprint {
    fileprivate init(_ parameters: [Parameter]) {
        self.init(of: parameters.map { Fingerprint(name: $0.path, $0.value) })
    }
}

/// References that nothing can be measured by.
public enum ForgettingError: Error, Hashable, CustomStringConvertible {
    /// Fewer than three embeddings, whose similarities are a single number.
    case tooFewReferences(Int)
    /// The model has features of another width than what the references were measured with.
    case otherBackbone(expected: Int, found: Int)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .tooFewReferences(let count):
            "\(count) references have no pattern of similarities; give at least three, better a few "
                + "hundred"
        case .otherBackbone(let expected, let found):
            "the references were measured with features of width \(expected), but the model's have "
                + "\(found); make the guard from the backbone that the model is attached to"
        }
    }
}

extension PretrainedModel {
    /// What the backbone's own pooling makes of what layers give.
    fileprivate func pooled(_ features: Features, of items: [P.Item]) -> Tensor {
        preparation.labelledFeatures(
            stages[stages.count - 1](features, in: .inference), of: items
        ).value
    }
}

extension FineTunedModel {
    /// What the model's pooling and head make of what other layers give. Nobody trains them.
    fileprivate func topOutputs(_ features: Features, of items: [P.Item]) -> Tensor {
        let pooled = stages[stages.count - 1](features, in: .inference)
        return network(preparation.labelledFeatures(pooled, of: items), in: .inference).value
    }

    /// What `top` makes of what the layers give for items, shape `[rows, width]`. It may read other
    /// tokens than the model's own pooler does.
    fileprivate func rows(
        of items: [P.Item], _ top: ([P.Item], Features) -> Tensor
    ) throws -> Tensor {
        let rows = try lock.reading {
            try forEachBatch(of: items, preparation: preparation) { batch in
                top(
                    batch,
                    features(
                        try preparation.loadedBatch(batch), through: 0..<stages.count - 1,
                        in: .inference.keepingAllTokens))
            }
        }
        return joined(rows, of: items, preparation: preparation)
    }
}

/// Vectors scaled to length 1.
struct UnitRows: Sendable {
    /// Shape `[rows, width]`.
    private let rows: Tensor

    /// - Parameter rows: Shape `[rows, width]`.
    init(_ rows: Tensor) {
        let rows = rows.converted(to: .float64)
        // A row of zeros stays one.
        let lengths = (rows.squared().sum(axis: 1) + 1e-24).squareRoot()
        self.rows = rows / lengths.reshaped([rows.shape[0], 1])
    }

    /// - Parameters:
    ///   - vectors: Some rows each, one after the other.
    ///   - width: The length of a row.
    init(_ vectors: [[Float]], width: Int) {
        let values = vectors.flatMap { $0 }
        self.init(Tensor(values, shape: [values.count / width, width]))
    }

    var count: Int { rows.shape[0] }

    /// Pearson's correlation of the cosines of all pairs here and there. Similarities that are all the
    /// same correlate with nothing, but for themselves.
    func similarityCorrelation(with other: UnitRows) -> Double {
        var sums = CorrelationSums()
        // A block at a time, so that memory does not grow with the square of the rows.
        for start in stride(from: 0, to: count, by: 256) {
            let block = start..<min(start + 256, count)
            let (a, b) = (cosines(of: block), other.cosines(of: block))
            for row in block {
                for place in (row - start) * count + row + 1..<(row - start + 1) * count {
                    sums.add(a[place], b[place])
                }
            }
        }
        return sums.correlation
    }

    /// The cosines of some rows with all, row after row.
    private func cosines(of block: Range<Int>) -> [Double] {
        Tensor.matmul(rows.sliced(block), rows, transposingB: true).elements(as: Double.self)
    }
}

/// Sums from which the correlation of two series follows. Cosines are small numbers of the same size, so
/// that no mean has to be known before.
private struct CorrelationSums {
    private var count = 0.0
    private var (a, b, aa, bb, ab) = (0.0, 0.0, 0.0, 0.0, 0.0)
    private var areEqual = true

    mutating func add(_ x: Double, _ y: Double) {
        count += 1
        (a, b) = (a + x, b + y)
        (aa, bb, ab) = (aa + x * x, bb + y * y, ab + x * y)
        areEqual = areEqual && x == y
    }

    var correlation: Double {
        if areEqual { return 1 }
        let (varianceA, varianceB) = (aa - a * a / count, bb - b * b / count)
        // Rounding leaves this much of a variance of 0.
        let smallest = 1e-14 * count
        guard varianceA > smallest, varianceB > smallest else { return 0 }
        return (ab - a * b / count) / (varianceA * varianceB).squareRoot()
    }
}
