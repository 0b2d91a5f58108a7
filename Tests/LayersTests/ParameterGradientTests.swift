import Autograd
import Layers
import Tensor
import TestSupport
import Testing

/// What parameters receive for their part in a pass, against central differences.
@Suite struct ParameterGradientTests {
    /// A table, and the rows that a pass reads of it, once or several times.
    struct Table: Sendable, CustomTestStringConvertible {
        let shape: Tensor.Shape
        let reads: [[Int32]]

        var testDescription: String { "\(shape) at \(reads)" }
    }

    static let tables = [
        Table(shape: [1, 1], reads: [[0]]),
        Table(shape: [4, 3], reads: [[2]]),
        Table(shape: [4, 3], reads: [[1, 1, 3, 1]]),
        Table(shape: [9, 8], reads: [[0, 1, 2, 3, 4, 5, 6, 7, 8]]),
        Table(shape: [5, 70], reads: [[4, 0, 4]]),
        // Some rows come again.
        Table(shape: [7, 2], reads: [[6, 0], [0, 5, 6]]),
        Table(shape: [6, 17], reads: [[5], [5, 5], [2, 5, 0]]),
    ]

    static let shapes: [Tensor.Shape] = [[1], [7], [5, 3], [2, 3, 4], [3, 2, 3, 3], [66, 5]]

    private let pass = Pass.training(seed: 1, step: 1)

    /// What is wrong with the gradient that a parameter receives, taken as that of an operation on
    /// its value.
    private func failures(
        _ value: Tensor, isStrided: Bool, _ function: (Parameter) -> Variable
    ) -> [String] {
        GradientCheck.failures(of: [isStrided ? Samples.strided(value) : value]) { inputs in
            let parameter = Parameter(path: "table", kind: .embedding, value: inputs[0].value)
            parameter.isTrainable = inputs[0].needsGradient
            let result = function(parameter)
            // A frozen parameter is a constant.
            guard parameter.isTrainable else { return result }
            return Variable(result.value, from: inputs) { dy in
                result.backward(seed: dy)
                return [parameter.gradient]
            }
        }
    }

    @Test(arguments: shapes, [false, true])
    func ofAllNumbers(_ shape: Tensor.Shape, _ isStrided: Bool) {
        let failures = failures(Samples.normal(shape), isStrided: isStrided) {
            // Twice, as a tied weight.
            $0.variable(in: pass).squared() + $0.variable(in: pass)
        }
        #expect(failures.isEmpty, "\(failures.prefix(5).joined(separator: "\n"))")
    }

    @Test(arguments: tables, [false, true])
    func ofRows(_ table: Table, _ isStrided: Bool) {
        let failures = failures(Samples.normal(table.shape), isStrided: isStrided) { parameter in
            let first = parameter.rows(table.reads[0], in: pass).squared()
            guard table.reads.count > 1 else { return first }
            return table.reads.dropFirst().reduce(first.sum(axis: 0)) {
                $0 + parameter.rows($1, in: pass).squared().sum(axis: 0)
            }
        }
        #expect(failures.isEmpty, "\(failures.prefix(5).joined(separator: "\n"))")
    }

    /// A table that is tied to another layer: some of its rows are read, and the whole of it.
    @Test(arguments: tables, [false, true])
    func ofRowsAndAllNumbers(_ table: Table, _ isStrided: Bool) {
        let failures = failures(Samples.normal(table.shape), isStrided: isStrided) { parameter in
            let read = parameter.rows(table.reads[0], in: pass)
            return Variable.matmul(read, parameter.variable(in: pass).transposed())
        }
        #expect(failures.isEmpty, "\(failures.prefix(5).joined(separator: "\n"))")
    }
}
