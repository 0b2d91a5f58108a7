import Checkpoint
import Foundation
import Testing

@testable import FineTune

/// The byte-level tokenizer, beside the `tokenizers` package and by itself.
@Suite struct BytePairTokenizerTests {
    private static let folder = TokenizerFixtures.folder + "/bpe"

    private static func tokenizer(_ name: String) throws -> BytePairTokenizer {
        try BytePairTokenizer(contentsOf: "\(folder)/\(name).json")
    }

    @Test("texts and pairs have the package's ids", arguments: ["roberta", "gpt", "whole"])
    func parity(name: String) throws {
        let tokenizer = try Self.tokenizer(name)
        let rows = try TokenizerFixtures.rows("bpe/texts.jsonl").filter {
            $0["tokenizer"]?.string == name
        }
        #expect(rows.count > 150)
        for row in rows {
            let text = try row.text("text")
            if let second = row["second"]?.string {
                let encoded = tokenizer.encode(text, pairedWith: second, maximumLength: .max)
                #expect(try encoded.ids == row.integers("ids"), "\(text.debugDescription)")
                #expect(try encoded.typeIDs == row.integers("types"))
            } else {
                let encoded = tokenizer.encode(text, maximumLength: .max)
                #expect(try encoded.ids == row.integers("ids"), "\(text.debugDescription)")
            }
        }
    }

    @Test("vocab.json with merges.txt is the same tokenizer as tokenizer.json")
    func separateFiles() throws {
        let whole = try Self.tokenizer("roberta")
        let parts = try BytePairTokenizer(
            vocabulary: Self.folder + "/vocab.json", merges: Self.folder + "/merges.txt")
        #expect(parts.vocabularySize == whole.vocabularySize)
        for row in try TokenizerFixtures.rows("bpe/texts.jsonl") {
            let text = try row.text("text")
            #expect(
                parts.encode(text, maximumLength: 100) == whole.encode(text, maximumLength: 100),
                "\(text.debugDescription)")
        }
        for id in 0..<parts.vocabularySize {
            let token = try #require(parts.token(id))
            #expect(parts.id(token) == id)
        }
    }

    @Test("every Unicode scalar is divided as by the package")
    func everyScalar() throws {
        let row = try TokenizerFixtures.rows("bpe/scalars.jsonl")[0]
        for (block, sum) in try #require(row["sums"]?.array).enumerated() {
            var text: [UInt8] = []
            for scalar in (block * 4096..<(block + 1) * 4096).compactMap(Unicode.Scalar.init) {
                // `PROBES` of the generator.
                let own = String(scalar)
                let probes =
                    "\(own)\na\(own)b\n1\(own)2\n!\(own)? \(own)\(own)\n\u{3000}\(own) \t\(own)\n"
                    + "'\(own)'s\n"
                text += probes.utf8
            }
            let sumOfWords = text.withUnsafeBufferPointer(Self.checksumOfWords)
            #expect(Int(sumOfWords) == sum.int, "from U+\(String(block * 4096, radix: 16))")
        }
    }

    private static func checksumOfWords(_ text: UnsafeBufferPointer<UInt8>) -> UInt32 {
        var checksum = CyclicRedundancyCheck()
        guard let base = text.baseAddress else { return checksum.value }
        var start = 0
        while start < text.count {
            let end = BytePairWords.shared.end(base, from: start, count: text.count)
            for position in start..<end { checksum.add(base[position]) }
            checksum.add(0xFF)
            start = end
        }
        return checksum.value
    }

    @Test("a heap merges a long word as scanning merges a short one", arguments: 0..<50)
    func longWords(seed: Int) {
        var random = Linear(state: UInt64(seed))
        // Tokens 0 to 2, and random merges that make further ones.
        var merges = BytePairMerges(capacity: 60)
        for rank in 0..<60 {
            let limit = Int32(3 + rank / 3)
            merges.insert(
                Int32.random(in: 0..<limit, using: &random),
                Int32.random(in: 0..<limit, using: &random),
                BytePairMerges.Merge(rank: UInt32(rank), id: Int32(3 + rank)))
        }
        var tokens = (0..<200).map { _ in Int32.random(in: 0..<3, using: &random) }
        var expected = tokens
        // The definition, word for word.
        while let best = expected.indices.dropLast().min(by: {
            merges[expected[$0], expected[$0 + 1]].rank
                < merges[expected[$1], expected[$1 + 1]].rank
        }), merges[expected[best], expected[best + 1]].rank != .max {
            expected[best] = merges[expected[best], expected[best + 1]].id
            expected.remove(at: best + 1)
        }
        merges.apply(to: &tokens)
        #expect(tokens == expected)
    }

    /// A small generator of random numbers, the same in every run.
    private struct Linear: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    @Test("time grows linearly", arguments: ["a", "a ", " ", "the", "é", "\u{301}", "<mask>", "'"])
    func longTexts(unit: String) throws {
        let tokenizer = try Self.tokenizer("roberta")
        func seconds(_ bytes: Int) -> Double {
            let text = String(repeating: unit, count: bytes / unit.utf8.count)
            return TokenizerFixtures.seconds {
                #expect(tokenizer.encode(text, maximumLength: 16).ids.count <= 16)
            }
        }
        let (short, long) = (seconds(30_000), seconds(300_000))
        #expect(long < 40 * short + 0.05, "\(short) s, then \(long) s")
    }

    @Test(
        "a part that is missing, wrong or of another kind is named",
        arguments: [
            ("\"BPE\"", "\"WordPiece\"", "model is of the kind WordPiece"),
            ("\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", "normalizer is of the"),
            ("\"ByteLevel\"", "\"Metaspace\"", "pre_tokenizer is of the kind Metaspace"),
            ("\"dropout\":null", "\"dropout\":0.1", "model.dropout is of the kind 0.1"),
            ("\"unk_token\":null", "\"unk_token\":\"none\"", "the unknown token 'none'"),
            ("\"byte_fallback\":false", "\"byte_fallback\":true", "model.byte_fallback"),
            ("\"merges\":[", "\"merges\":[[\"a\"],", "'model.merges[0]' must be two tokens"),
            ("\"merges\":[", "\"merges\":[\"a b c\",", "'model.merges[0]' must be two tokens"),
            ("\"merges\":[", "\"merges\":[[\"a\",\"none\"],", "'merges[0]' must be two tokens of"),
            ("\"merges\"", "\"other\"", "'model.merges' must be an array"),
        ])
    func wrongPart(old: String, new: String, message: String) throws {
        let whole = try String(contentsOfFile: Self.folder + "/roberta.json", encoding: .utf8)
        let content = whole.replacing(old, with: new, maxReplacements: 1)
        #expect(content != whole)
        try TokenizerFixtures.withFile(content.utf8) { path in
            let error = #expect(throws: TokenizerError.self) {
                try BytePairTokenizer(contentsOf: path)
            }
            let description = error?.description ?? ""
            #expect(description.contains(message) && description.contains(path), "\(description)")
        }
    }

    @Test("a line of merges.txt that is no merge is named by its number")
    func badMerges() throws {
        for (content, line) in [
            ("#version: 0.2\na b\nx", 3), ("a b c\n", 1), ("\u{120} t\n\na b", 2),
        ] {
            try TokenizerFixtures.withFile(content.utf8) { path in
                let error = #expect(throws: TokenizerError.self) {
                    try BytePairTokenizer(
                        vocabulary: Self.folder + "/vocab.json", merges: path)
                }
                #expect(error == .malformedLine(path: path, line: line, .noMerge))
            }
        }
    }
}

/// Finding the tokenizer of a folder.
@Suite struct PretrainedTokenizerTests {
    private func withFolder(
        _ files: [String: String], _ body: (String) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, source) in files {
            try FileManager.default.copyItem(
                atPath: TokenizerFixtures.folder + "/" + source,
                toPath: folder.appending(path: name).path)
        }
        try body(folder.path)
    }

    @Test("each layout gives its own kind of tokenizer")
    func layouts() throws {
        try withFolder(["tokenizer.json": "cased.json", "vocab.json": "bpe/vocab.json"]) {
            let tokenizer = try PretrainedTokenizer.load(from: $0)
            #expect(tokenizer is WordPieceTokenizer)
        }
        try withFolder(["tokenizer.json": "bpe/gpt.json"]) {
            let tokenizer = try PretrainedTokenizer.load(from: $0)
            #expect(tokenizer is BytePairTokenizer)
        }
        try withFolder(["vocab.json": "bpe/vocab.json", "merges.txt": "bpe/merges.txt"]) {
            let tokenizer = try PretrainedTokenizer.load(from: $0)
            #expect(tokenizer is BytePairTokenizer && tokenizer.specialTokenCount == 2)
        }
        #expect(
            try PretrainedTokenizer.load(from: TokenizerFixtures.miniLM).vocabularySize == 30522)
    }

    @Test("a folder without a tokenizer is told so")
    func none() throws {
        try withFolder(["vocab.json": "bpe/vocab.json"]) { folder in
            let error = #expect(throws: TokenizerError.self) {
                try PretrainedTokenizer.load(from: folder)
            }
            #expect(error == .notFound(folder: folder))
            #expect(error?.description.contains("tokenizer.json") == true)
        }
    }
}
