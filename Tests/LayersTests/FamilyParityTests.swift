import Autograd
import Checkpoint
import Layers
import Tensor
import TestSupport
import Testing

/// Every activation and every gradient of tiny models against what Transformers and PyTorch computed
/// with the same weights: see `Fixtures/families/generate.py`.
@Suite struct FamilyParityTests {
    typealias Family = TransformerConfiguration.Family

    /// How close a precision must come.
    struct Precision: Sendable, CustomTestStringConvertible {
        let dtype: Tensor.DType
        let forward: Tolerance
        /// Beside a gradient's own norm.
        let gradient: Double
        var testDescription: String { dtype.rawValue }

        /// PyTorch's own float32 results differ from its float64 ones by about 1e-6.
        static let single = Precision(
            dtype: .float32, forward: Tolerance(absolute: 1e-5, relative: 1e-5), gradient: 1e-4)
        static let double = Precision(
            dtype: .float64, forward: Tolerance(absolute: 1e-10, relative: 1e-10), gradient: 1e-10)

        var expected: String { dtype == .float32 ? "expected" : "expected64" }
    }

    @Test(arguments: Family.allCases, [Precision.single, .double])
    func agreesWithTransformers(_ family: Family, _ precision: Precision) throws {
        let expected = try fixture(
            "families/\(family.rawValue)/\(precision.expected).safetensors")
        try check(Classifier(fixture: family, dtype: precision.dtype), expected, precision)
    }

    /// The classifier reads the first token of the last layer: its logits and every gradient are the
    /// same if that layer computes no other.
    @Test(arguments: Family.allCases, [Precision.single, .double])
    func agreesWithFirstTokensAlone(_ family: Family, _ precision: Precision) throws {
        let expected = try fixture(
            "families/\(family.rawValue)/\(precision.expected).safetensors")
        let classifier = try Classifier(
            fixture: family, dtype: precision.dtype, keepsFirstTokens: true)
        #expect(classifier.stages.map(\.keepsFirstTokens) == [false, false, true, false])
        try check(classifier, expected, precision)
    }

    @Test(arguments: [("gelu_new", Activation.geluTanh), ("relu", .relu)])
    func agreesWithOtherActivations(_ name: String, _ activation: Activation) throws {
        let expected = try fixture("families/bert/expected64.\(name).safetensors")
        try check(
            Classifier(fixture: .bert, dtype: .float64, activation: activation), expected,
            .double)
    }

    private func check(
        _ classifier: Classifier, _ expected: SafetensorsFile, _ precision: Precision
    ) throws {
        let batch = try FixtureBatch(expected, dtype: precision.dtype)
        for parameter in classifier.source.parameters { parameter.isTrainable = true }
        let pass = Pass.training(seed: 1, step: 1).withoutDropout
        let (features, logits) = classifier(batch.features, in: pass)
        let loss =
            logits.softmaxCrossEntropy(targets: batch.targets)
            * (1 / Double(batch.targets.shape[0]))

        for (index, stage) in features.dropLast().enumerated() {
            var wanted = try expected.required("hidden.\(index)")
            if classifier.stages[index].keepsFirstTokens {
                wanted = Variable(wanted).segmentStarts(batch.features.segments).value
            }
            #expect(
                mismatch(stage.value.value, wanted, within: precision.forward) == nil,
                "hidden.\(index)")
        }
        let pooled = try #require(features.last).value.value
        #expect(
            mismatch(pooled, try expected.required("pooled"), within: precision.forward) == nil)
        #expect(
            mismatch(logits.value, try expected.required("logits"), within: precision.forward)
                == nil)
        #expect(
            mismatch(loss.value, try expected.required("loss"), within: precision.forward) == nil)

        loss.backward()
        try checkGradients(classifier.source.parameters, expected, precision)
    }

    private func checkGradients(
        _ parameters: [Parameter], _ expected: SafetensorsFile, _ precision: Precision
    ) throws {
        let names = expected.names.filter { $0.hasPrefix("gradient.") }
        #expect(names.count >= 20)
        let wanted = try names.map { try expected.required($0) }
        let norm = wanted.reduce(0) { $0 + $1.sumOfSquares() }.squareRoot()
        // The gradient of a key's bias is 0 but for rounding, which is beside the other gradients.
        let rounding = norm * (precision.dtype == .float32 ? 1e-6 : 1e-15)
        for (name, gradient) in zip(names, wanted) {
            let path = String(name.dropFirst("gradient.".count))
            let parameter = try #require(
                parameters.first { $0.path == path }, "the model has no '\(path)'")
            let received = try #require(parameter.gradient, "'\(path)' has no gradient")
            #expect(
                normMismatch(
                    received, gradient, relative: precision.gradient, absolute: rounding) == nil,
                "\(path)")
        }
    }

    @Test(arguments: Family.allCases)
    func everyTensorOfTheFileIsLoadedOnce(_ family: Family) throws {
        let file = try fixture("families/\(family.rawValue)/model.safetensors")
        let classifier = try Classifier(family, from: ParameterSource(file))
        let paths = classifier.source.parameters.map(\.path)
        #expect(Set(paths).count == paths.count)
        #expect(Set(paths) == Set(file.names))
        #expect(classifier.source.initializedPaths.isEmpty)
        let inStages = classifier.stages.flatMap(\.parameters) + classifier.output.parameters
        #expect(inStages.map(\.path) == paths, "the order of loading is that of the stages")
    }

    /// A frozen weight in its own precision is read in the file's pages.
    @Test func weightsAreNotCopied() throws {
        let single = try Classifier(fixture: .bert, dtype: .float32)
        #expect(single.source.parameters.allSatisfy { $0.value.isMapped })
        let double = try Classifier(fixture: .bert, dtype: .float64)
        #expect(double.source.parameters.allSatisfy { !$0.value.isMapped })
    }

    /// A sequence computes what it does alone, whatever it is packed with.
    @Test(arguments: Family.allCases)
    func sequencesDoNotSeeEachOther(_ family: Family) throws {
        let classifier = try Classifier(fixture: family, dtype: .float64)
        let file = try fixture("families/\(family.rawValue)/expected64.safetensors")
        let batch = try FixtureBatch(file, dtype: .float64)
        let together = classifier(batch.features, in: .inference).logits.value
        let segments = batch.features.segments
        for index in 0..<segments.count {
            let alone = Features(
                Variable(batch.features.value.value.sliced(segments[index])),
                segments: Segments(lengths: [segments[index].count]))
            let logits = classifier(alone, in: .inference).logits.value
            #expect(
                mismatch(
                    logits, together.sliced(index..<(index + 1)),
                    within: Tolerance(absolute: 1e-12)) == nil)
        }
    }
}
