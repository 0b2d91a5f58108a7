import Autograd
import Checkpoint
import Layers
import Tensor
import TestSupport
import Testing

/// Networks for images against what torchvision, timm and Transformers computed with the same
/// weights, in float64: see `Fixtures/images/generate.py`.
@Suite struct ImageParityTests {
    /// Both sides compute in float64 and add in different orders: features that are 500 large and
    /// went through 50 layers agree to 1e-8 of their size.
    private static let tolerance = 1e-8

    @Test(arguments: ImageNetwork.all)
    func agreesWithTheReference(_ network: ImageNetwork) throws {
        let file = try fixture("images/\(network.name).safetensors")
        let source = ParameterSource(FormulaTensors(file), dtype: .float64)
        let stages = try network.stages(source)
        let features = network.features(stages, in: .inference).value
        #expect(
            normMismatch(features, try file.required("evaluated"), relative: Self.tolerance)
                == nil)

        for parameter in source.parameters { parameter.isTrainable = true }
        let output = network.features(stages, in: .training(seed: 1, step: 1))
        let trained = try file.tensor(named: "trained") ?? file.required("evaluated")
        #expect(normMismatch(output.value, trained, relative: Self.tolerance) == nil)
        let seed = Formula.numbers("loss", shape: output.shape)
        output.backward(seed: seed)
        try check(source.parameters, file)
    }

    private func check(_ parameters: [Parameter], _ file: SafetensorsFile) throws {
        let byPath = Dictionary(uniqueKeysWithValues: parameters.map { ($0.path, $0) })
        // In the order of the reference's list, without what does not belong to the backbone.
        let listed = FormulaTensors(file).names.compactMap { byPath[$0] }
        #expect(listed.count == parameters.count, "the reference has other names")
        let learned = listed.filter { $0.kind != .statistic }
        let gradients = learned.map { $0.gradient ?? Tensor(zeros: $0.shape, dtype: .float64) }
        try check(learned, gradients, file.required("gradients"))
        let statistics = listed.filter { $0.kind == .statistic && $0.shape.rank == 1 }
        guard !statistics.isEmpty else { return }
        try check(statistics, statistics.map(\.value), file.required("statistics"))
        for counter in listed where counter.kind == .statistic && counter.shape.rank == 0 {
            #expect(counter.value.elements(as: Int64.self) == [1])
        }
    }

    /// A projection of each tensor and its norm. What is 0 but for rounding is beside the others.
    private func check(_ parameters: [Parameter], _ values: [Tensor], _ expected: Tensor) throws {
        let wanted = expected.elements(as: Double.self)
        #expect(wanted.count == 2 * parameters.count)
        guard wanted.count == 2 * parameters.count else { return }
        let largest = wanted.reduce(0) { max($0, abs($1)) }
        for (index, parameter) in parameters.enumerated() {
            let value = values[index].contiguous()
            let found = value.dot(
                Formula.numbers("gradient.\(parameter.path)", shape: value.shape))
            let (norm, wantedNorm) = (value.sumOfSquares().squareRoot(), wanted[2 * index + 1])
            let allowed = 1e-7 * wantedNorm + 1e-12 * largest
            #expect(abs(norm - wantedNorm) <= allowed, "\(parameter.path)")
            #expect(abs(found - wanted[2 * index]) <= 10 * allowed, "\(parameter.path)")
        }
    }

    /// What is read of the last layer is the class token: it computes no other, unless it is asked to.
    @Test(arguments: ImageNetwork.transformers)
    func lastLayerComputesTheClassTokenAlone(_ network: ImageNetwork) throws {
        let file = try fixture("images/\(network.name).safetensors")
        let source = ParameterSource(FormulaTensors(file), dtype: .float64)
        let stages = try network.stages(source)
        #expect(stages.map(\.keepsFirstTokens) == [false, false, true, false])
        let layers = Array(stages.dropLast())
        let alone = network.features(layers, in: .inference)
        let all = network.features(layers, in: .inference.keepingAllTokens)
        let (width, tokens) = (alone.shape[1], all.shape[0] / 2)
        #expect(alone.shape == [2, width])
        #expect(tokens > 16 && all.shape == [2 * tokens, width])
        let first = Features(all, segments: Segments(lengths: [tokens, tokens])).firstRows
        #expect(normMismatch(alone.value, first.value.value, relative: 1e-12) == nil)
    }

    /// Only the last linear map, and what older checkpoints have beside it, is left over.
    @Test(arguments: ImageNetwork.all)
    func everyTensorOfTheBackboneIsLoadedOnce(_ network: ImageNetwork) throws {
        let file = try fixture("images/\(network.name).safetensors")
        let source = ParameterSource(FormulaTensors(file))
        let stages = try network.stages(source)
        let paths = source.parameters.map(\.path)
        #expect(stages.flatMap(\.parameters).map(\.path).sorted() == paths.sorted())
        #expect(Set(paths).count == paths.count)
        let rest = Set(FormulaTensors(file).names).subtracting(paths)
        #expect(
            rest.allSatisfy { $0.hasPrefix(network.classifierPath) || $0.hasPrefix("head_dist") })
    }

    /// The fused way of inference and the layers one by one.
    @Test(arguments: [Tensor.DType.float32, .float64])
    func frozenLayersComputeTheSameWithATape(_ dtype: Tensor.DType) throws {
        let network = try #require(ImageNetwork.all.first)
        let file = try fixture("images/\(network.name).safetensors")
        let source = ParameterSource(FormulaTensors(file), dtype: dtype)
        let stages = try network.stages(source)
        let plain = network.features(stages, dtype: dtype, in: .inference).value
        let leaf = ReceivedGradient()
        let image = network.images(dtype)
        let taped = stages.reduce(Features(images: Variable(image, gradientTo: leaf))) {
            $1($0, in: .training(seed: 1, step: 1))
        }.value
        #expect(taped.needsGradient)
        #expect(sameBits(plain, taped.value))
    }

    /// Nothing of a frozen network moves while what is above it trains, nor in parts of it.
    @Test(arguments: [0, 3, 8])
    func frozenStatisticsStay(_ boundary: Int) throws {
        let network = try #require(ImageNetwork.all.first)
        let file = try fixture("images/\(network.name).safetensors")
        let source = ParameterSource(FormulaTensors(file))
        let stages = try network.stages(source)
        for parameter in stages[boundary...].flatMap(\.parameters) { parameter.isTrainable = true }
        // A normalisation that is frozen among layers that train.
        let frozen = stages[min(boundary, 8)].parameters.filter { !$0.path.contains("conv") }
        for parameter in frozen { parameter.isTrainable = false }
        let kept = stages[..<boundary].flatMap(\.parameters) + frozen
        let before = kept.map { $0.value.copied() }
        let moving = stages[boundary...].dropFirst().flatMap(\.parameters)
            .filter { $0.kind == .statistic }
        let other = moving.map { $0.value.copied() }
        for step in 0..<100 {
            let output = network.features(
                stages, dtype: .float32, in: .training(seed: 1, step: UInt32(step)))
            if step == 0 { output.sum().backward() }
        }
        for (parameter, value) in zip(kept, before) {
            #expect(sameBits(parameter.value, value), "\(parameter.path)")
        }
        #expect(zip(moving, other).allSatisfy { !sameBits($0.value, $1) })
        #expect(kept.filter { $0.kind == .statistic }.allSatisfy { $0.gradient == nil })
    }
}
