import Autograd
import Checkpoint
import Tensor
import TestSupport
import Testing

/// Every operation against PyTorch, forward and backward: see `Fixtures/operations/generate.py`.
@Suite struct OperationParityTests {
    /// Products and sums of up to 100 numbers, each rounded to 1e-16.
    @Test(arguments: ParityCase.all)
    func isPyTorchsInFloat64(_ parityCase: ParityCase) throws {
        let failures = try parityCase.failures(.float64, forward: 1e-12, backward: 1e-12)
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    }

    /// In float32, from the same numbers, against PyTorch's float64.
    @Test(arguments: ParityCase.all)
    func isPyTorchsInFloat32(_ parityCase: ParityCase) throws {
        let failures = try parityCase.failures(.float32, forward: 1e-5, backward: 1e-4)
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    }

    /// PyTorch cannot draw the library's dropout masks; `DropoutTests` have them.
    @Test func everyOperationHasCases() {
        let operations = Dictionary(grouping: ParityCase.all, by: \.function)
        for signature in DifferentiableOperation.all.map(\.signature)
        where !signature.hasPrefix("dropped") {
            #expect(operations[signature].map { $0.count >= 5 } == true, "\(signature)")
        }
        #expect(ParityCase.all.count >= 400)
    }
}

/// One case of one operation, with what PyTorch computes.
struct ParityCase: Sendable, CustomTestStringConvertible {
    /// The fixture's name of the operation.
    let operation: String
    let parameters: JSON
    let inputs: [Tensor]
    let constants: [Tensor]
    let seed: Tensor
    let output: Tensor
    let gradients: [Tensor]

    var testDescription: String {
        let shapes = inputs.map(\.shape.description).joined(separator: " and ")
        return "\(operation) of \(shapes) \(parameters.serialized())"
    }

    static let all: [ParityCase] = {
        do {
            return try load()
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    private static func load() throws -> [ParityCase] {
        let file = try fixture("operations/operations.safetensors")
        let numbers = try file.required("numbers")
        var position = 0
        func next(_ shape: JSON) -> Tensor {
            let shape = Tensor.Shape(shape.integers)
            defer { position += shape.elementCount }
            return numbers.sliced(position..<(position + shape.elementCount)).reshaped(shape)
        }
        let list = try JSON(parsing: try #require(file.metadata["cases"]?.string))
        let cases = try #require(list.array).map { entry in
            let shapes = try #require(entry["inputs"]?.array)
            let output = try #require(entry["output"])
            return ParityCase(
                operation: try #require(entry["operation"]?.string),
                parameters: try #require(entry["parameters"]),
                inputs: shapes.map(next), constants: (entry["constants"]?.array ?? []).map(next),
                seed: next(output), output: next(output), gradients: shapes.map(next))
        }
        #expect(position == numbers.elementCount)
        return cases
    }

    /// Cases whose results are small differences of numbers near 1, which are the measure then: the tail of
    /// GELU, where PyTorch gives 0, and rows of two, of which normalisation leaves the signs.
    private static let differences: Set = [
        "activated of [1] {\"activation\":\"gelu\"}",
        "layerNormalized of [3, 2] and [2] and [2] {\"epsilon\":1e-05}",
    ]

    /// What is further from PyTorch's numbers than a share of the largest of them.
    func failures(_ dtype: Tensor.DType, forward: Double, backward: Double) throws -> [String] {
        let sinks = inputs.map { _ in ReceivedGradient() }
        let variables = zip(inputs, sinks).map {
            Variable($0.converted(to: dtype), gradientTo: $1)
        }
        let result = try apply(variables, constants.map { $0.converted(to: dtype) })
        result.backward(seed: seed.converted(to: dtype))
        func tolerance(_ expected: Tensor, _ share: Double) -> Tolerance {
            let floor: Double = Self.differences.contains(testDescription) ? 1 : 0
            let largest = doubles(expected).reduce(floor) { max($0, abs($1)) }
            return Tolerance(absolute: share * largest, relative: share)
        }
        var failures = [
            mismatch(
                result.value, output.converted(to: dtype), within: tolerance(output, forward))
        ].compactMap { $0 }
        for (index, expected) in gradients.enumerated() {
            guard let gradient = sinks[index].gradient else {
                failures.append("input \(index) received no gradient")
                continue
            }
            let difference = mismatch(
                gradient, expected.converted(to: dtype), within: tolerance(expected, backward))
            if let difference { failures.append("gradient of input \(index): \(difference)") }
        }
        return failures
    }
}

extension JSON {
    /// The integers of an array.
    fileprivate var integers: [Int] { (array ?? []).compactMap(\.int) }

    fileprivate func integer(at key: String) throws -> Int { try #require(self[key]?.int) }

    fileprivate func activation() throws -> Activation {
        try #require(Activation(rawValue: self["activation"]?.string ?? ""))
    }

    fileprivate func window() throws -> Tensor.Window {
        .init(
            try integer(at: "size"), stride: try integer(at: "stride"),
            dilation: self["dilation"]?.int ?? 1, padding: try integer(at: "padding"))
    }
}

extension ParityCase {
    private func int(_ key: String) throws -> Int { try parameters.integer(at: key) }
    private func number(_ key: String) throws -> Double { try #require(parameters[key]?.double) }
    private func list(_ key: String) throws -> [Int] { try #require(parameters[key]).integers }
    private func activation() throws -> Activation { try parameters.activation() }
    private func window() throws -> Tensor.Window { try parameters.window() }

    /// The signature of what ``apply(_:_:)`` calls, as `CompletenessTests` reads it from the sources.
    var function: String {
        switch operation {
        case "+", "-", "*", "/": "\(operation)(_:Variable,_:Variable)"
        case "scaled": "*(_:Variable,_:Double)"
        case "negated": "-(_:Variable)"
        case "activated": "activated(_:Activation)"
        case "sum along": "sum(axis:Int)"
        case "mean along": "mean(axis:Int)"
        case "reshaped": "reshaped(_:Tensor.Shape)"
        case "permuted": "permuted(_:[Int])"
        case "sliced": "sliced(_:Range<Int>,axis:Int)"
        case "padded": "padded(to:Tensor.Shape,at:Int,axis:Int)"
        case "gatheringRows": "gatheringRows(_:[Int32])"
        case "segmentMeans", "segmentStarts": "\(operation)(_:Segments)"
        case "matmul": "matmul(_:Variable,_:Variable)"
        case "linear": "linear(weight:Variable,bias:Variable?,activation:Activation)"
        case "feedForward":
            "feedForward(innerWeight:Variable,innerBias:Variable?,activation:Activation,"
                + "weight:Variable,bias:Variable?)"
        case "layerNormalized": "layerNormalized(gamma:Variable,beta:Variable,epsilon:Double)"
        case "attention":
            "attention(query:Variable,key:Variable,value:Variable,"
                + "settings:Tensor.AttentionSettings)"
        case "softmaxCrossEntropy", "squaredError": "\(operation)(targets:Tensor)"
        case "sigmoidCrossEntropy": "sigmoidCrossEntropy(targets:Tensor,weights:Tensor?)"
        case "convolved":
            "convolved(weight:Variable,bias:Variable?,window:Tensor.Window,groups:Int)"
        case "channelsNormalized", "batchNormalized":
            "\(operation)(gamma:Variable,beta:Variable,mean:Tensor,variance:Tensor,"
                + "epsilon:Double,activation:Activation)"
        case "convolvedAndNormalized": "convolvedAndNormalized(_:[NormalizedConvolution])"
        case "maximumPooled", "averagePooled": "\(operation)(_:Tensor.Window)"
        case "lowRankLinear":
            "lowRankLinear(weight:Variable,bias:Variable?,update:LowRankUpdate,"
                + "dropout:DropoutMask?)"
        case "magnitudeLinear":
            "magnitudeLinear(weight:Variable,bias:Variable?,update:LowRankUpdate,"
                + "magnitude:Variable,norms:Tensor?,dropout:DropoutMask?)"
        default: "\(operation)()"
        }
    }

    private func apply(_ x: [Variable], _ constants: [Tensor]) throws -> Variable {
        switch operation {
        case "+": return x[0] + x[1]
        case "-": return x[0] - x[1]
        case "*": return x[0] * x[1]
        case "/": return x[0] / x[1]
        case "scaled": return x[0] * (try number("factor"))
        case "negated": return -x[0]
        case "exp": return x[0].exp()
        case "log": return x[0].log()
        case "squareRoot": return x[0].squareRoot()
        case "squared": return x[0].squared()
        case "activated": return x[0].activated(try activation())
        case "sum": return x[0].sum()
        case "mean": return x[0].mean()
        case "sum along": return x[0].sum(axis: try int("axis"))
        case "mean along": return x[0].mean(axis: try int("axis"))
        case "softmax": return x[0].softmax()
        case "softmaxCrossEntropy": return x[0].softmaxCrossEntropy(targets: constants[0])
        case "sigmoidCrossEntropy":
            return x[0].sigmoidCrossEntropy(
                targets: constants[0], weights: constants.count > 1 ? constants[1] : nil)
        case "squaredError": return x[0].squaredError(targets: constants[0])
        default:
            return try #require(
                try applyShape(x) ?? applyProduct(x) ?? applyImages(x, constants),
                "there is no operation '\(operation)'")
        }
    }

    private func applyShape(_ x: [Variable]) throws -> Variable? {
        switch operation {
        case "reshaped": x[0].reshaped(Tensor.Shape(try list("shape")))
        case "permuted": x[0].permuted(try list("order"))
        case "transposed": x[0].transposed()
        case "sliced":
            x[0].sliced(try int("start")..<(try int("end")), axis: try int("axis"))
        case "padded":
            x[0].padded(
                to: Tensor.Shape(try list("shape")), at: try int("start"), axis: try int("axis"))
        case "gatheringRows": x[0].gatheringRows(try list("rows").map { Int32($0) })
        case "segmentMeans": x[0].segmentMeans(Segments(lengths: try list("lengths")))
        case "segmentStarts": x[0].segmentStarts(Segments(lengths: try list("lengths")))
        default: nil
        }
    }

    private func applyProduct(_ x: [Variable]) throws -> Variable? {
        func optional(_ index: Int) -> Variable? { x.count > index ? x[index] : nil }
        switch operation {
        case "matmul": return Variable.matmul(x[0], x[1])
        case "linear":
            return x[0].linear(weight: x[1], bias: optional(2), activation: try activation())
        case "feedForward":
            return x[0].feedForward(
                innerWeight: x[1], innerBias: optional(3), activation: try activation(),
                weight: x[2], bias: optional(4))
        case "layerNormalized":
            return x[0].layerNormalized(
                gamma: x[1], beta: x[2], epsilon: try number("epsilon"))
        case "attention":
            return Variable.attention(
                query: x[0], key: x[1], value: x[2],
                settings: .init(
                    segments: Segments(lengths: try list("lengths")), heads: try int("heads")))
        case "lowRankLinear", "magnitudeLinear":
            let update = LowRankUpdate(down: x[2], up: x[3], scale: try number("scale"))
            guard operation == "magnitudeLinear" else {
                return x[0].lowRankLinear(
                    weight: x[1], bias: optional(4), update: update, dropout: nil)
            }
            return x[0].magnitudeLinear(
                weight: x[1], bias: optional(5), update: update, magnitude: x[4], norms: nil,
                dropout: nil)
        default: return nil
        }
    }

    private func applyImages(_ x: [Variable], _ constants: [Tensor]) throws -> Variable? {
        switch operation {
        case "convolved":
            return x[0].convolved(
                weight: x[1], bias: x.count > 2 ? x[2] : nil, window: try window(),
                groups: try int("groups"))
        case "channelsNormalized":
            return x[0].channelsNormalized(
                gamma: x[1], beta: x[2], mean: constants[0], variance: constants[1],
                epsilon: try number("epsilon"), activation: try activation())
        case "batchNormalized":
            let moments = x[0].value.channelMoments()
            return x[0].batchNormalized(
                gamma: x[1], beta: x[2], mean: moments.mean, variance: moments.variance,
                epsilon: try number("epsilon"), activation: try activation())
        case "convolvedAndNormalized":
            let settings = try #require(parameters["links"]?.array)
            let links = try settings.enumerated().map { index, link in
                try NormalizedConvolution(
                    weight: x[3 * index + 1], gamma: x[3 * index + 2], beta: x[3 * index + 3],
                    window: link.window(), groups: link.integer(at: "groups"),
                    epsilon: number("epsilon"), activation: link.activation())
            }
            return x[0].convolvedAndNormalized(links).output
        case "maximumPooled": return x[0].maximumPooled(try window())
        case "averagePooled": return x[0].averagePooled(try window())
        case "globallyAveraged": return x[0].globallyAveraged()
        default: return nil
        }
    }
}
