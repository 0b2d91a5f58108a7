import Foundation
import Tensor
import TestSupport
import Testing

/// The sources against the table of operations and a list of what makes variables elsewhere: no
/// gradient rule goes without a check.
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

    /// Whatever it returns, and public or not.
    @Test func everyRuleOfTheModuleIsThatOfAnOperation() throws {
        let operations = Set(
            DifferentiableOperation.all.map { operation in
                String(operation.signature.prefix { $0 != "(" })
            })
        let rules = try rules().filter { $0.file.hasPrefix("Autograd/") }
        for rule in rules {
            #expect(operations.contains(rule.function), "\(rule.file) \(rule.function)")
        }
        #expect(rules.count >= 30, "the sources were not understood: \(rules)")
    }

    /// What has a gradient rule, or receives a gradient, outside the module, in the order of the
    /// files, and the test that compares it with central differences.
    private static let elsewhere = [
        (
            rule: "FineTune/Heads/MultiTaskHead.swift callAsFunction",
            file: "FineTuneTests/Heads/MultiTaskTests.swift", test: "eachTaskReceivesItsGradient"
        ),
        (
            rule: "Layers/Parameter.swift variable",
            file: "LayersTests/ParameterGradientTests.swift", test: "ofAllNumbers"
        ),
        (
            rule: "Layers/Parameter.swift rows",
            file: "LayersTests/ParameterGradientTests.swift", test: "ofRows"
        ),
    ]

    @Test func everyRuleElsewhereHasATest() throws {
        let rules = try rules().filter { !$0.file.hasPrefix("Autograd/") }
        #expect(
            rules.map { "\($0.file) \($0.function)" } == Self.elsewhere.map { $0.rule },
            "compare it with central differences, and name the test in this list")
        for (rule, file, test) in Self.elsewhere {
            let source = try String(
                contentsOfFile: "\(packageRoot())/Tests/\(file)", encoding: .utf8)
            #expect(source.contains("func \(test)("), "\(rule) is not tested")
            #expect(source.contains("GradientCheck.failures("), "\(rule) is not tested")
        }
    }

    /// Every place of the sources that makes a `Variable` with a gradient rule or a sink of its
    /// own, and the function that it lies in.
    private func rules() throws -> [(file: String, function: String)] {
        let folder = packageRoot() + "/Sources"
        var rules: [(file: String, function: String)] = []
        for file in try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
        where file.hasSuffix(".swift") {
            let source = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            guard source.contains("Variable") else { continue }
            let functions = source.matches(of: /\b(?:func|public var)\s+([^\s(:<]+)/)
            for call in source.matches(of: /(?:Variable|\.init)\(/) {
                let given = arguments(source[call.range.upperBound...])
                guard given.count > 1, given[0].prefixMatch(of: /\s*\w+:/) == nil,
                    given[1].prefixMatch(of: /\s*(?:from|gradientTo):/) != nil
                else { continue }
                let function = functions.last { $0.range.lowerBound < call.range.lowerBound }
                rules.append((file, function.map { String($0.output.1) } ?? ""))
            }
        }
        return rules
    }

    /// The arguments of a call, from what follows its opening parenthesis.
    private func arguments(_ source: Substring) -> [String] {
        var arguments = [""]
        var depth = 0
        for character in source {
            if ")]}".contains(character) { depth -= 1 }
            if depth < 0 { break }
            if "([{".contains(character) { depth += 1 }
            if character == ",", depth == 0 {
                arguments.append("")
            } else {
                arguments[arguments.count - 1].append(character)
            }
        }
        return arguments
    }

    /// The signatures of all public functions of the module `Autograd` whose result is a `Variable`
    /// or has one in it, such as `sliced(_:Range<Int>,axis:Int)`.
    private func publicOperations() throws -> Set<String> {
        let folder = packageRoot() + "/Sources/Autograd"
        var signatures: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        where file.hasSuffix(".swift") {
            let source = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            let declaration =
                /public (?:\w+ )*func\s+([^\s(]+)\s*\(([^)]*(?:\([^)]*\)[^)]*)*)\)([^{]*)\{/
            for match in source.matches(of: declaration)
            where match.output.3.contains(/->[^{]*\bVariable\b/) {
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
