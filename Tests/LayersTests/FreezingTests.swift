import Autograd
import Layers
import Tensor
import TestSupport
import Testing

/// What is frozen records no tape and receives no gradient.
@Suite struct FreezingTests {
    typealias Family = TransformerConfiguration.Family

    private static func batch(_ family: Family) throws -> FixtureBatch {
        try FixtureBatch(
            fixture("families/\(family.rawValue)/expected.safetensors"), dtype: .float32)
    }

    private static func loss(
        _ classifier: Classifier, _ batch: FixtureBatch, in pass: Pass
    ) -> Variable {
        classifier(batch.features, in: pass).logits.softmaxCrossEntropy(targets: batch.targets)
    }

    @Test(arguments: Family.allCases)
    func frozenModelNeedsNoGradient(_ family: Family) throws {
        let classifier = try Classifier(fixture: family, dtype: .float32)
        let loss = try Self.loss(
            classifier, Self.batch(family), in: .training(seed: 1, step: 1))
        #expect(!loss.needsGradient)
        #expect(classifier.source.parameters.allSatisfy { $0.gradient == nil })
    }

    @Test(arguments: Family.allCases)
    func inferenceNeedsNoGradient(_ family: Family) throws {
        let classifier = try Classifier(fixture: family, dtype: .float32)
        for parameter in classifier.source.parameters { parameter.isTrainable = true }
        let loss = try Self.loss(classifier, Self.batch(family), in: .inference)
        #expect(!loss.needsGradient)
    }

    /// From every boundary on: stages below it hand on constants, and exactly the parameters above
    /// it receive gradients, the same as if everything were trained.
    @Test(arguments: Family.allCases)
    func stagesBelowTheBoundaryAreConstants(_ family: Family) throws {
        let batch = try Self.batch(family)
        let pass = Pass.training(seed: 1, step: 1)
        let whole = try Classifier(fixture: family, dtype: .float32)
        for parameter in whole.source.parameters { parameter.isTrainable = true }
        Self.loss(whole, batch, in: pass).backward()
        for boundary in 0...whole.stages.count {
            let classifier = try Classifier(fixture: family, dtype: .float32)
            let trained =
                classifier.stages[boundary...].flatMap(\.parameters)
                + classifier.output.parameters
            for parameter in trained { parameter.isTrainable = true }
            let (features, logits) = classifier(batch.features, in: pass)
            for (index, stage) in features.enumerated() {
                #expect(stage.value.needsGradient == (index >= boundary))
            }
            logits.softmaxCrossEntropy(targets: batch.targets).backward()
            let paths = Set(trained.map(\.path))
            for (one, other) in zip(classifier.source.parameters, whole.source.parameters) {
                #expect((one.gradient != nil) == paths.contains(one.path))
                if let one = one.gradient, let other = other.gradient {
                    #expect(sameBits(one, other))
                }
            }
        }
    }

    /// Entries are counted for the whole process, so this one has a process of its own.
    @Test func headAloneRecordsItsOwnEntries() async {
        await #expect(processExitsWith: .success) {
            let classifier = try Classifier(fixture: .bert, dtype: .float32)
            let batch = try FreezingTests.batch(.bert)
            for parameter in classifier.output.parameters { parameter.isTrainable = true }
            let loss = FreezingTests.loss(classifier, batch, in: .training(seed: 1, step: 1))
            // Weight, bias, the linear map and the loss.
            #expect(Variable.tapeEntryCount == 4)
            loss.backward()
            #expect(classifier.stages.flatMap(\.parameters).allSatisfy { $0.gradient == nil })
            #expect(classifier.stages.flatMap(\.parameters).allSatisfy { $0.value.isMapped })
        }
    }

    @Test func gradientsAddUpUntilTheyAreCleared() throws {
        let classifier = try Classifier(fixture: .bert, dtype: .float32)
        let batch = try Self.batch(.bert)
        let bias = try #require(classifier.output.bias)
        bias.isTrainable = true
        Self.loss(classifier, batch, in: .training(seed: 1, step: 1)).backward()
        let once = try #require(bias.gradient)
        Self.loss(classifier, batch, in: .training(seed: 1, step: 1)).backward()
        #expect(bias.gradient.map { sameBits($0, once * 2) } == true)
        bias.clearGradient()
        #expect(bias.gradient == nil)
    }
}
