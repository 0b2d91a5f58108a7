import Layers
import Tensor
import TestSupport
import Testing

/// Tensors by name, in memory.
struct DictionaryProvider: ParameterProvider {
    var tensors: [String: Tensor]

    func tensor(named name: String) -> Tensor? { tensors[name] }
}

/// A provider that cannot read.
private struct BrokenProvider: ParameterProvider {
    struct Failure: Error {}

    func tensor(named name: String) throws -> Tensor? { throw Failure() }
}

@Suite struct ParameterSourceTests {
    private let weight = Samples.normal([3, 4], seed: 1, dtype: .float32)
    private let bias = Samples.normal([3], seed: 2, dtype: .float32)

    private var provider: DictionaryProvider {
        DictionaryProvider(tensors: ["a.layer.2.weight": weight, "a.layer.2.bias": bias])
    }

    @Test func loadsByPath() throws {
        let source = ParameterSource(provider)
        #expect(source.path == "")
        let place = source["a"]["layer"][2]
        #expect(place.path == "a.layer.2")
        let linear = try Linear(inputSize: 4, outputSize: 3, from: place)
        #expect(linear.weight.path == "a.layer.2.weight" && linear.weight.kind == .weight)
        #expect(linear.bias?.path == "a.layer.2.bias" && linear.bias?.kind == .bias)
        #expect(sameBits(linear.weight.value, weight))
        #expect(linear.bias.map { sameBits($0.value, bias) } == true)
        #expect(!linear.weight.isTrainable, "a parameter is frozen at first")
        #expect(source.parameters.map(\.path) == ["a.layer.2.weight", "a.layer.2.bias"])
        #expect(source.initializedPaths == [])
    }

    @Test func missingParameterIsNamed() {
        let source = ParameterSource(provider)
        let error = #expect(throws: ParameterError.self) {
            try Linear(inputSize: 4, outputSize: 3, from: source["a"]["layer"][3])
        }
        #expect(error == .missing(path: "a.layer.3.weight"))
        #expect(error?.description.contains("'a.layer.3.weight'") == true)
        #expect(source.parameters.isEmpty)
    }

    @Test func misfitShowsBothShapes() {
        let source = ParameterSource(provider)
        let error = #expect(throws: ParameterError.self) {
            try Linear(inputSize: 5, outputSize: 3, from: source["a"]["layer"][2])
        }
        #expect(
            error == .shapeMismatch(path: "a.layer.2.weight", expected: [3, 5], found: [3, 4]))
        for part in ["a.layer.2.weight", "[3, 5]", "[3, 4]"] {
            #expect(error?.description.contains(part) == true)
        }
    }

    /// A checkpoint's parameter that does not fit is an error even where others may begin anew.
    @Test func misfitIsAnErrorWhereMissingIsNot() {
        let source = ParameterSource(provider).initializingMissing
        #expect(throws: ParameterError.self) {
            try Linear(inputSize: 5, outputSize: 3, from: source["a"]["layer"][2])
        }
    }

    @Test(arguments: [Tensor.DType.int32, .bool, .uint8, .int64])
    func integersAreNoWeights(_ dtype: Tensor.DType) {
        let source = ParameterSource(
            DictionaryProvider(tensors: ["weight": weight.converted(to: dtype)]))
        let error = #expect(throws: ParameterError.self) {
            try source.parameter("weight", shape: [3, 4], kind: .weight, initial: .zeros)
        }
        #expect(error == .unsuitableType(path: "weight", found: dtype))
        #expect(error?.description.contains(dtype.rawValue) == true)
    }

    @Test(
        arguments: [Tensor.DType.float16, .bfloat16, .float32, .float64],
        [Tensor.DType.float32, .float64])
    func convertsToTheTypeAskedFor(_ stored: Tensor.DType, _ dtype: Tensor.DType) throws {
        let kept = weight.converted(to: stored)
        let source = ParameterSource(DictionaryProvider(tensors: ["weight": kept]), dtype: dtype)
        let parameter = try source.parameter(
            "weight", shape: [3, 4], kind: .weight, initial: .zeros)
        #expect(parameter.value.dtype == dtype)
        #expect(sameBits(parameter.value, kept.converted(to: dtype)))
    }

    @Test func providersErrorsPassThrough() {
        #expect(throws: BrokenProvider.Failure.self) {
            try ParameterSource(BrokenProvider()).initializingMissing
                .parameter("weight", shape: [1], kind: .weight, initial: .zeros)
        }
    }

    /// A tied weight is one parameter, so its gradients add up and it is saved once.
    @Test func sameNameIsSameParameter() throws {
        let source = ParameterSource(provider)
        let one = try Linear(inputSize: 4, outputSize: 3, from: source["a"]["layer"][2])
        let two = try Linear(inputSize: 4, outputSize: 3, from: source["a.layer"]["2"])
        #expect(one.weight === two.weight && one.bias === two.bias)
        #expect(source.parameters.count == 2)
        let error = #expect(throws: ParameterError.self) {
            try Linear(inputSize: 3, outputSize: 4, from: source["a"]["layer"][2])
        }
        #expect(
            error == .shapeMismatch(path: "a.layer.2.weight", expected: [4, 3], found: [3, 4]))
    }

    @Test func initializedParametersAreListed() throws {
        let source = ParameterSource(provider)
        _ = try Linear(inputSize: 4, outputSize: 3, from: source["a"]["layer"][2])
        let head = try Linear(inputSize: 3, outputSize: 2, from: source.initializingMissing["head"])
        #expect(source.initializedPaths == ["head.weight", "head.bias"])
        #expect(
            source.parameters.map(\.path)
                == ["a.layer.2.weight", "a.layer.2.bias", "head.weight", "head.bias"])
        #expect(head.bias.map { doubles($0.value) } == [0, 0])
        #expect(doubles(head.weight.value).allSatisfy { $0 != 0 && abs($0) < 0.2 })
        // The place that was made lenient does not make the others so.
        #expect(throws: ParameterError.missing(path: "other.weight")) {
            try Linear(inputSize: 3, outputSize: 2, from: source["other"])
        }
    }

    private func initialized(_ names: [String], seed: UInt64) throws -> [String: Tensor] {
        let source = ParameterSource(initializing: .float64, seed: seed)
        var values: [String: Tensor] = [:]
        for name in names {
            values[name] = try source[name].parameter(
                "weight", shape: [20, 10], kind: .weight,
                initial: .normal(standardDeviation: 0.5)
            ).value
        }
        return values
    }

    /// What a parameter begins with is a function of its path and the seed, not of the others.
    @Test func initialValuesDependOnPathAndSeedAlone() throws {
        let one = try initialized(["a", "b", "c"], seed: 7)
        let two = try initialized(["c", "a"], seed: 7)
        for name in ["a", "c"] {
            #expect(try sameBits(#require(one[name]), #require(two[name])))
        }
        #expect(try !sameBits(#require(one["a"]), #require(one["b"])))
        let other = try initialized(["a"], seed: 8)
        #expect(try !sameBits(#require(one["a"]), #require(other["a"])))
    }

    @Test func initializersDrawWhatTheySay() throws {
        let source = ParameterSource(initializing: .float64, seed: 1)
        let draw = { (name: String, initial: Initializer) in
            doubles(
                try source.parameter(
                    name, shape: [100, 100], kind: .weight, initial: initial
                ).value)
        }
        #expect(try draw("zeros", .zeros).allSatisfy { $0 == 0 })
        #expect(try draw("ones", .ones).allSatisfy { $0 == 1 })
        let uniform = try draw("uniform", .uniform(limit: 0.25))
        #expect(uniform.allSatisfy { abs($0) <= 0.25 })
        // The deviation of 10⁴ numbers lies within 5 standard errors, 5 / √(2 · 10⁴).
        let normal = try draw("normal", .normal(standardDeviation: 0.02))
        let deviation = (normal.reduce(0) { $0 + $1 * $1 } / 1e4).squareRoot()
        #expect(abs(deviation / 0.02 - 1) < 0.036)
        let spread = (uniform.reduce(0) { $0 + $1 * $1 } / 1e4).squareRoot()
        #expect(abs(spread * 3.0.squareRoot() / 0.25 - 1) < 0.036)
    }

    /// FNV-1a of its published test vectors (draft-eastlake-fnv, appendix C).
    @Test(
        arguments: [
            ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] as [(String, UInt64)])
    func stableHashIsFNV1a(_ text: String, _ hash: UInt64) {
        #expect(stableHash(text) == hash)
    }
}
