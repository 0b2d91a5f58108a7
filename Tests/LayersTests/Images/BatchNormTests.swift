import Autograd
import Layers
import Tensor
import TestSupport
import Testing

/// When a normalisation uses which statistics, and how they are loaded.
@Suite struct BatchNormTests {
    /// Some tensors of a normalisation of two channels.
    private struct Checkpoint: ParameterProvider {
        var tensors: [String: Tensor] = [
            "weight": Tensor([Double(1), 2]), "bias": Tensor([Double(0), 1]),
            "running_mean": Tensor([Double(3), -1]), "running_var": Tensor([Double(4), 1]),
        ]

        func tensor(named name: String) throws -> Tensor? { tensors[name] }
    }

    private func layer(_ checkpoint: Checkpoint = Checkpoint()) throws -> BatchNorm {
        try BatchNorm(
            channels: 2, epsilon: 0, momentum: 0.25,
            from: ParameterSource(checkpoint, dtype: .float64))
    }

    private let x = Tensor([Double(1), 2, 3, 6], shape: [2, 2])

    /// Mean 2 and 4, the population's variance 1 and 4, the sample's 2 and 8.
    @Test(arguments: [[0, 1], [0], [1]])
    func trainsWithTheStatisticsOfTheBatch(_ trained: [Int]) throws {
        let norm = try layer()
        for index in trained { norm.parameters[index].isTrainable = true }
        let y = norm(Variable(x), in: .training(seed: 1, step: 1)).value
        #expect(doubles(y) == [-1, -1, 1, 3])
        #expect(doubles(norm.runningMean.value) == [0.75 * 3 + 0.25 * 2, -0.75 + 0.25 * 4])
        #expect(doubles(norm.runningVariance.value) == [3 + 0.5, 0.75 + 2])
        #expect(norm.batchCount.value.elements(as: Int64.self) == [1])
        // A prediction between two steps.
        let before = norm.runningMean.value
        _ = norm(Variable(x), in: .inference)
        #expect(norm.runningMean.value.isIdentical(to: before))
    }

    /// One row has no variance: with a positive epsilon the result is the bias, its input moves
    /// nothing, and the running variance falls, where PyTorch refuses to train.
    @Test func aBatchOfOneIsDefined() throws {
        let norm = try BatchNorm(
            channels: 2, epsilon: 1e-3, momentum: 0.25,
            from: ParameterSource(Checkpoint(), dtype: .float64))
        for parameter in norm.parameters { parameter.isTrainable = true }
        let received = ReceivedGradient()
        let y = norm(
            Variable(Tensor([Double(5), -7], shape: [1, 2]), gradientTo: received),
            in: .training(seed: 1, step: 1))
        #expect(doubles(y.value) == [0, 1])
        y.backward(seed: Tensor([Double(1), 2], shape: [1, 2]))
        #expect(try doubles(#require(received.gradient)) == [0, 0])
        #expect(try doubles(#require(norm.bias.gradient)) == [1, 2])
        #expect(try doubles(#require(norm.weight.gradient)) == [0, 0])
        #expect(doubles(norm.runningMean.value) == [0.75 * 3 + 0.25 * 5, -0.75 - 0.25 * 7])
        #expect(doubles(norm.runningVariance.value) == [3, 0.75])
    }

    @Test(arguments: [Pass.inference, .training(seed: 1, step: 1)])
    func isFrozenWithItsParameters(_ pass: Pass) throws {
        let norm = try layer()
        // A statistic never trains.
        norm.runningMean.isTrainable = true
        #expect(!norm.runningMean.isTrainable)
        let y = norm(Variable(x), in: pass).value
        #expect(doubles(y) == [-1, 7, 0, 15])
        #expect(doubles(norm.runningMean.value) == [3, -1])
        #expect(norm.batchCount.value.elements(as: Int64.self) == [0])
    }

    /// What is held back counts when it is said so, and as if it had counted at once.
    @Test func measurementsCanBeHeldBack() throws {
        let (norm, other) = (try layer(), try layer())
        var pass = Pass.training(seed: 1, step: 1)
        let measurements = PassMeasurements()
        for norm in [norm, other] { norm.bias.isTrainable = true }
        let batches = [x, Tensor([Double(-3), 0, 5, 1], shape: [2, 2])]
        for batch in batches { _ = other(Variable(batch), in: pass) }
        pass.measurements = measurements
        for batch in batches { _ = norm(Variable(batch), in: pass) }
        #expect(doubles(norm.runningMean.value) == [3, -1])
        #expect(norm.batchCount.value.elements(as: Int64.self) == [0])
        for _ in 0..<2 {
            measurements.commit()
            #expect(sameBits(norm.runningMean.value, other.runningMean.value))
            #expect(sameBits(norm.runningVariance.value, other.runningVariance.value))
            #expect(norm.batchCount.value.elements(as: Int64.self) == [2])
        }
    }

    @Test func itsShiftIsAdded() throws {
        #expect(
            try layer().parameters.map(\.kind) == [
                .normalization, .normalizationShift, .statistic, .statistic, .statistic,
            ])
    }

    @Test func aFileMayHaveCountedAnything() throws {
        var checkpoint = Checkpoint()
        checkpoint.tensors["num_batches_tracked"] = Tensor(Int64.max)
        let norm = try layer(checkpoint)
        norm.weight.isTrainable = true
        _ = norm(Variable(x), in: .training(seed: 1, step: 1))
        #expect(norm.runningMean.value.isFinite)
    }

    @Test func oldCheckpointsHaveNoCount() throws {
        let source = ParameterSource(Checkpoint())
        let norm = try BatchNorm(channels: 2, from: source)
        #expect(source.initializedPaths.isEmpty)
        #expect(norm.batchCount.value.elements(as: Int64.self) == [0])
        var checkpoint = Checkpoint()
        checkpoint.tensors["num_batches_tracked"] = Tensor(Int64(7))
        #expect(try layer(checkpoint).batchCount.value.elements(as: Int64.self) == [7])
        checkpoint.tensors["num_batches_tracked"] = Tensor([Int64(7), 8])
        #expect(throws: ParameterError.self) { try layer(checkpoint) }
        checkpoint.tensors["running_var"] = nil
        #expect(throws: ParameterError.self) { try layer(checkpoint) }
    }
}
