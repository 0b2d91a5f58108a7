import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// The reference implementation (`safetensors` 0.8.0) accepts what is accepted here, with the same
/// tensors, and refuses whatever is refused here but for the reasons of ``isStricter(_:)``.
///
/// Runs where `FINETUNE_TRANSFORMERS_CHECK` is set, which says that Python may be used.
@Suite(.enabled(if: mayUsePython, "FINETUNE_TRANSFORMERS_CHECK names no program"))
struct SafetensorsVerdictTests {
    /// What the reference implementation accepts and we do not.
    private static func isStricter(_ reason: SafetensorsError.Reason) -> Bool {
        switch reason {
        // A key that appears twice in one object.
        case .malformedHeader(let error):
            if case .duplicateKey = error.reason { true } else { false }
        // More than 64 dimensions.
        case .rankTooHigh: true
        // Sizes whose product is only countable because one of them is 0.
        case .elementCountOverflow, .byteCountOverflow: true
        case .invalidDimension(_, let found): UInt64(found).map { $0 > UInt64(Int.max) } ?? false
        // An entry as an array of its fields, or a type as an object.
        case .entryNotObject(_, let found): found == "an array"
        case .wrongField(_, "dtype", let found): found == "an object"
        // A number just below the limit of float64, which the reference implementation rounds.
        case .numberTooLarge: true
        default: false
        }
    }

    @Test func verdictsAgree() throws {
        var valid = ValidSafetensors(seed: 1)
        let inputs =
            Self.named + FuzzedFormat.safetensors.mutants(count: 30_000)
            + (0..<1500).map { _ in valid.next() }
        let theirs = try verdicts(inputs)
        try #require(theirs.count == inputs.count)
        var (accepted, stricter) = (0, 0)
        try withTemporaryFolder { folder throws in
            let path = folder + "/model.safetensors"
            for (input, verdict) in zip(inputs, theirs) {
                try write(input, to: path)
                let text = String(decoding: input.dropFirst(8), as: UTF8.self)
                do throws(SafetensorsError) {
                    let file = try SafetensorsFile(path: path)
                    accepted += 1
                    #expect(Self.tensors(of: file, in: input) == verdict, "\(text)")
                } catch {
                    if verdict.isNull { continue }
                    stricter += 1
                    #expect(Self.isStricter(error.reason), "\(error.reason): \(text)")
                }
            }
        }
        // Otherwise the two were not compared.
        #expect(accepted >= 1500 && stricter >= 8, "\(accepted), \(stricter)")
        print(
            "verdicts on \(inputs.count) safetensors files: \(accepted) accepted by both, with the same "
                + "tensors; \(stricter) refused by us alone, for listed reasons")
    }

    /// Every file that a test of refusals names, and some at the borders of what is accepted.
    private static let named: [[UInt8]] =
        (SafetensorsRefusalTests.framing + SafetensorsRefusalTests.entries
        + SafetensorsRefusalTests.layout).map(\.bytes)
        + SafetensorsRefusalTests.syntax.map { safetensors($0.header, dataByteCount: 2) }
        + [
            " \n\t\r{} \n\t\r", "{}", "{\"__metadata__\":null}",
            "{" + entry("\\u00e9\\/\\ud83d\\ude00", "U8", "[2]", "[0,2]") + "}",
            "{" + entry("", "\\u0055\\u0038", "[2]", "[0,2]") + "}",
            "{" + entry("a", "U8", "[2]", "[0,2]") + "," + entry("b", "U8", "[0]", "[0,0]") + "}",
            "{" + entry("a", "U8", "[2]", "[0,2]") + "," + entry("b", "U8", "[0]", "[1,1]") + "}",
            "{" + entry("a", "U8", "[18446744073709551615,0]", "[0,0]") + "}",
            "{" + entry("a", "U8", "[0,18446744073709551616]", "[0,0]") + "}",
        ].map { safetensors($0, dataByteCount: $0.contains("[0,2]") ? 2 : 0) }
        + [
            "0e999", "1e-999", "1e309", "-1e308", "1.7976931348623158e308", "[1,{\"b\":-0}]", "01",
            String(repeating: "9", count: 400), "\"\\ud800\"", "\"\\u0000\"", "nul", "1.", ".5",
            "+1",
            nested(125), nested(126), "{\"x\":1,\"x\":2}",
        ].map { value in
            safetensors(
                #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":\#(value)}}"#,
                dataByteCount: 1)
        }

    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    /// As `verdicts.py` prints them.
    private static func tensors(of file: SafetensorsFile, in bytes: [UInt8]) -> JSON {
        var object = JSON.Object()
        for entry in file.entries {
            let digits = bytes[entry.byteRange].map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
            object[entry.name] = [
                JSON(entry.type.rawValue), .array(entry.shape.map { JSON($0) }),
                JSON(digits.joined()),
            ]
        }
        return .object(object)
    }

    private func verdicts(_ inputs: [[UInt8]]) throws -> [JSON] {
        try withTemporaryFolder { folder throws in
            let packed = inputs.flatMap { input in
                withUnsafeBytes(of: UInt64(input.count).littleEndian) { Array($0) } + input
            }
            try write(packed, to: folder + "/files")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                "bash", packageRoot() + "/Tests/Transformers/verdicts.sh", folder + "/files",
            ]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let output = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            return try output.split(separator: 0x0A).map { try JSON(parsing: Array($0)) }
        }
    }
}

private let mayUsePython =
    ProcessInfo.processInfo.environment["FINETUNE_TRANSFORMERS_CHECK"] != nil
