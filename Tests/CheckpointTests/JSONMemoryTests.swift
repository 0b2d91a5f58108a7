import Checkpoint
import TestSupport
import Testing

/// A JSON text takes no more than 16 MB and eight times its size, or is refused for that reason.
@Suite struct JSONMemoryTests {
    /// Texts of many equal parts.
    struct Kind: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let part: @Sendable (Int) -> String
        var brackets = ("[", "]")
        /// Whether such texts have a purpose, so that they are read however large they are.
        var isUsual = false

        func text(byteCount: Int) -> [UInt8] {
            var text = Array(brackets.0.utf8)
            var count = 0
            while text.count < byteCount {
                if count > 0 { text.append(UInt8(ascii: ",")) }
                text += part(count).utf8
                count += 1
            }
            return text + brackets.1.utf8
        }
    }

    static let kinds = [
        Kind(testDescription: "digits") { _ in "0" },
        Kind(testDescription: "empty arrays") { _ in "[]" },
        Kind(testDescription: "arrays of a digit") { _ in "[0]" },
        Kind(testDescription: "objects of one member") { _ in "{\"\":0}" },
        Kind(testDescription: "objects that have a table") { _ in
            "{\"\":0,\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0}"
        },
        Kind(
            testDescription: "short keys", part: { "\"\(String($0, radix: 36))\":0" },
            brackets: ("{", "}")),
        Kind(testDescription: "nested arrays") { _ in
            String(repeating: "[", count: 126) + String(repeating: "]", count: 126)
        },
        Kind(testDescription: "texts just too long for a value") { _ in "\"0123456789abcdef\"" },
        Kind(testDescription: "escapes") { _ in "\"\(String(repeating: "\\n", count: 100_000))\"" },
        Kind(
            testDescription: "one text with escapes", part: { _ in "\\n" },
            brackets: ("\"", "\"")),
        Kind(
            testDescription: "a vocabulary", part: { "\"piece\($0)\":\($0)" },
            brackets: ("{\"model\":{\"vocab\":{", "}}}"), isUsual: true),
        Kind(
            testDescription: "merges", part: { "[\"left\($0)\",\"right\($0)\"]" }, isUsual: true),
        Kind(
            testDescription: "a header",
            part: { number in
                entry(
                    "encoder.layer.\(number).output.dense.weight", "F32", "[768,768]",
                    "[\(number * 2_359_296),\((number + 1) * 2_359_296)]")
            }, brackets: ("{", "}"), isUsual: true),
        Kind(testDescription: "vectors", part: { "-0.0\(123_456_789 + $0)" }, isUsual: true),
    ]

    /// The limit is the system's: a process that allocates more ends.
    @Test(arguments: kinds.indices, [1 << 20, LongTests.size(8, long: 100) << 20])
    func memoryIsLimited(kind index: Int, byteCount: Int) async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) { [index, byteCount] in
            let kind = Self.kinds[index]
            let text = kind.text(byteCount: byteCount)
            let limit = 16 << 20 + 8 * text.count
            try Limits.limitMemory(to: limit)
            let before = Limits.bytes("VmRSS") ?? 0
            var verdict = "read"
            do throws(JSON.SyntaxError) {
                withExtendedLifetime(try JSON(parsing: text)) {}
            } catch {
                verdict = "refused"
                #expect(error.reason == .tooManyValues(memoryLimit: limit))
                #expect(!kind.isUsual)
            }
            let taken = (Limits.bytes("VmHWM") ?? before) - before
            print(
                "JSON of \(text.count >> 20) MB, \(kind.testDescription): \(verdict), "
                    + "\(max(0, taken) >> 20) MB taken")
        }
        if LongTests.areWanted {
            let output = child?.standardOutputContent ?? []
            print(String(decoding: output, as: UTF8.self), terminator: "")
        }
    }

    /// The limit is one of whole texts; small ones are never refused for it.
    @Test func smallTextsAreRead() throws {
        for kind in Self.kinds {
            #expect(throws: Never.self, "\(kind.testDescription)") {
                try JSON(parsing: kind.text(byteCount: 1 << 18))
            }
        }
    }

    /// What is refused says why and where.
    @Test func refusalsSayWhy() {
        let text = Self.kinds[0].text(byteCount: 1 << 21)
        let error = #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: text) }
        let limit = 16 << 20 + 8 * text.count
        #expect(error?.reason == .tooManyValues(memoryLimit: limit))
        #expect(
            error?.description.hasSuffix(
                "the values up to here may take more than \(limit) bytes of memory, the most for a text of "
                    + "this size; split the file") == true)
    }
}
