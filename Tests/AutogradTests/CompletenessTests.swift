import Foundation
import Tensor
import TestSupport
import Testing

/// The table of operations against the sources: no operation goes without a gradient check.
@Suite struct CompletenessTests {
    @Test func tableHasEveryPublicOperation() throws {
        let table = DifferentiableOperation.all.map(\.signature)
        let declared = try publicOperations()
        #expect(Set(table).count == table.count, "an operation is listed twice")
        #expect(
            declared.subtracting(table).isEmpty,
            "add gradient cases for these to Tests/AutogradTests/Operations")
        #expect(Set(table).subtracting(declared).isEmpty, "these do not exist any more")
        #expect(declared.count >= 25, "the sources were not understood: \(declared)")
    }

    @Test(arguments: DifferentiableOperation.all.map(\.signature))
    func operationHasFiveShapes(_ signature: String) throws {
        let operation = try #require(
            DifferentiableOperation.all.first { $0.signature == signature })
        #expect(Set(operation.cases.map { $0.inputs.map(\.shape) }).count >= 5)
    }

    /// The signatures of all public functions of the module `Autograd` that return a `Variable`,
    /// such as `sliced(_:Range<Int>,axis:Int)`.
    private func publicOperations() throws -> Set<String> {
        let folder = packageRoot() + "/Sources/Autograd"
        var signatures: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        where file.hasSuffix(".swift") {
            let source = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            let declaration =
                /public (?:static )?(?:prefix )?func\s+([^\s(]+)\s*\(([^)]*(?:\([^)]*\)[^)]*)*)\)([^{]*)\{/
            for match in source.matches(of: declaration)
            where match.output.3.contains(/->\s*Variable\b/) {
                let isOperator = match.output.1.first?.isLetter == false
                let parameters = match.output.2.split(separator: ",").map {
                    labelAndType($0, isOperator: isOperator)
                }
                signatures.insert("\(match.output.1)(\(parameters.joined(separator: ",")))")
            }
        }
        return signatures
    }

    /// `axis:Int` from `axis index: Int = 0`. The names of an operator's parameters are no labels.
    private func labelAndType(_ parameter: Substring, isOperator: Bool) -> String {
        let declared = parameter.split(separator: "=", maxSplits: 1)[0]
        let parts = declared.split(separator: ":", maxSplits: 1)
        let names = parts[0].split(whereSeparator: \.isWhitespace)
        let type = parts[1].filter { !$0.isWhitespace }
        return (isOperator ? "_" : String(names[0])) + ":" + type
    }
}
