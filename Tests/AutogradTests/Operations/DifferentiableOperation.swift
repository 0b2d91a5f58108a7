import Autograd
import Tensor
import TestSupport
import Testing

/// A public operation on variables, and the inputs that its gradient is checked with.
struct DifferentiableOperation: Sendable {
    /// Its signature, as ``publicOperations()`` reads it from the sources: labels and types.
    let signature: String
    let cases: [Case]

    struct Case: Sendable {
        let name: String
        let inputs: [Tensor]
        let function: @Sendable ([Variable]) -> Variable

        init(
            _ name: String, _ inputs: [Tensor],
            _ function: @escaping @Sendable ([Variable]) -> Variable
        ) {
            (self.name, self.inputs, self.function) = (name, inputs, function)
        }
    }

    init(_ signature: String, _ cases: [Case]) {
        (self.signature, self.cases) = (signature, cases)
    }

    /// One case for each list of input shapes, with normally distributed inputs.
    init(
        _ signature: String, shapes: [[Tensor.Shape]],
        inputs: @Sendable (Tensor.Shape, UInt64) -> Tensor = { Samples.normal($0, seed: $1) },
        _ function: @escaping @Sendable ([Variable]) -> Variable
    ) {
        self.signature = signature
        cases = shapes.map { shapes in
            Case(
                shapes.map(\.description).joined(separator: " and "),
                shapes.enumerated().map { inputs($0.element, UInt64($0.offset) + 1) }, function)
        }
    }

    /// Every operation of the module.
    static let all =
        arithmetic + elementwise + reductions + shapes + rows + products + layers
        + attention + lowRank + losses + images
}

/// One case of one operation, with its inputs in one layout.
struct GradientCase: Sendable, CustomTestStringConvertible {
    let operation: DifferentiableOperation
    let testCase: DifferentiableOperation.Case
    let isStrided: Bool

    var testDescription: String {
        "\(operation.signature) of \(testCase.name)\(isStrided ? ", strided views" : "")"
    }

    static let all = DifferentiableOperation.all.flatMap { operation in
        operation.cases.flatMap { testCase in
            [false, true].map {
                GradientCase(operation: operation, testCase: testCase, isStrided: $0)
            }
        }
    }
}
