import FineTune
import Foundation
import TestSupport
import Testing

/// A large file of texts takes no more memory than twice its size and 16 MB while it is read.
@Suite struct DataMemoryTests {
    /// A format, and what reads it.
    struct Format: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let part: @Sendable (Int) -> String
        let read: @Sendable (String) throws -> Int
    }

    /// A sentence of 80 to 110 letters, such as those that texts of one are made of.
    private static func sentence(_ number: Int) -> String {
        "Number \(number) asks how far it is from the mill by the river to the harbour, "
            + String(repeating: "and back ", count: number % 4)
    }

    static let formats = [
        Format(testDescription: "csv", part: { "\"\(sentence($0))\",label\($0 % 9)\n" }) {
            try LabeledTexts(csv: $0, text: 0, label: 1, hasHeader: false).count
        },
        Format(testDescription: "tsv", part: { "\(sentence($0))\tlabel\($0 % 9)\n" }) {
            try LabeledTexts(tsv: $0, text: 0, label: 1, hasHeader: false).count
        },
        Format(
            testDescription: "jsonl",
            part: { "{\"text\":\"\(sentence($0))\",\"label\":\"label\($0 % 9)\"}\n" }
        ) { try LabeledTexts(jsonLines: $0, text: "text", label: "label").count },
        Format(testDescription: "lines", part: { "label\($0 % 9) \(sentence($0))\n" }) {
            try LabeledTexts(lines: $0) { line in
                let parts = line.split(separator: " ", maxSplits: 1)
                return (String(parts[1]), String(parts[0]))
            }.count
        },
    ]

    /// The limit is the system's: a process that allocates more ends.
    @Test(arguments: formats.indices, [LongTests.size(8, long: 64) << 20])
    func memoryIsLimited(format index: Int, byteCount: Int) async {
        await #expect(processExitsWith: .success) { [index, byteCount] in
            let format = Self.formats[index]
            let folder = try TemporaryFolder()
            var (text, count) = ("", 0)
            while text.utf8.count < byteCount {
                text += format.part(count)
                count += 1
            }
            try folder.write(text, to: "data")
            let size = text.utf8.count
            text = ""
            try Limits.limitMemory(to: 2 * size + 16 << 20)
            #expect(try format.read(folder.path + "/data") == count)
        }
    }
}
