import Checkpoint
import Testing

@testable import FineTune

/// Ids beside those of the `tokenizers` package.
@Suite struct WordPieceParityTests {
    @Test("every text of the fixture has the package's ids under the real vocabulary")
    func miniLM() throws {
        let rows = try TokenizerFixtures.rows("minilm.jsonl")
        #expect(rows.count >= 2000)
        for path in ["tokenizer.json", "vocab.txt"] {
            let file = TokenizerFixtures.miniLM + "/" + path
            let tokenizer =
                path == "vocab.txt"
                ? try WordPieceTokenizer(
                    vocabulary: file,
                    configuration: TokenizerFixtures.miniLM + "/tokenizer_config.json")
                : try WordPieceTokenizer(contentsOf: file)
            #expect(tokenizer.vocabularySize == 30522)
            for row in rows {
                let text = try row.text("text")
                let encoded = tokenizer.encode(text, maximumLength: .max)
                #expect(try encoded.ids == row.integers("ids"), "\(text.debugDescription)")
                #expect(encoded.typeIDs.count == encoded.ids.count)
                #expect(encoded.truncatedCount == 0)
            }
        }
    }

    @Test("every combination of options has the package's ids, with added tokens and without")
    func options() throws {
        var tokenizers: [String: WordPieceTokenizer] = [:]
        for row in try TokenizerFixtures.rows("small.jsonl") {
            let name = try row.text("tokenizer")
            let tokenizer = try tokenizers[name] ?? TokenizerFixtures.tokenizer(name)
            tokenizers[name] = tokenizer
            let text = try row.text("text")
            let encoded = tokenizer.encode(text, maximumLength: .max)
            #expect(try encoded.ids == row.integers("ids"), "\(name): \(text.debugDescription)")
            if row["types"] != nil {
                #expect(try encoded.typeIDs == row.integers("types"), "\(text.debugDescription)")
            }
        }
    }

    @Test("pairs, token types and truncation are the package's", arguments: ["uncased", "added"])
    func pairs(name: String) throws {
        let tokenizer = try TokenizerFixtures.tokenizer(name)
        for row in try TokenizerFixtures.rows("pairs.jsonl") where row["tokenizer"]?.string == name
        {
            let maximum = try row.integer("maximum")
            let first = try row.text("first")
            let encoded = tokenizer.encode(
                first, pairedWith: try row.text("second"), maximumLength: maximum)
            #expect(try encoded.ids == row.integers("ids"))
            #expect(try encoded.typeIDs == row.integers("types"))
            #expect(try encoded.truncatedCount == row.integer("lost"))
            let single = tokenizer.encode(first, maximumLength: maximum)
            #expect(try single.ids == row.integers("single"))
        }
    }

    @Test("texts given as words have the package's ids and word indices")
    func words() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("uncased")
        for row in try TokenizerFixtures.rows("words.jsonl") {
            let words = try #require(row["words"]?.array).map { try #require($0.string) }
            let encoded = tokenizer.encode(words: words, maximumLength: .max)
            #expect(try encoded.ids == row.integers("ids"), "\(words)")
            #expect(try encoded.wordIndices == row.integers("indices"), "\(words)")
        }
    }

    @Test("every Unicode scalar is normalized and divided as by the package", arguments: 0..<7)
    func everyScalar(row: Int) throws {
        let fixture = try TokenizerFixtures.rows("scalars.jsonl")[row]
        let map = try Self.map(fixture)
        let sums = try #require(fixture["sums"]?.array)
        for (block, sum) in sums.enumerated() {
            let text = Self.text(block: block)
            let checksum = text.withUnsafeBufferPointer(map.checksumOfWords)
            #expect(Int(checksum) == sum.int, "from U+\(String(block * 4096, radix: 16))")
        }
    }

    @Test("the normalized text, divided, gives the words that one pass gives", arguments: [0, 5])
    func normalizedText(row: Int) throws {
        let map = try Self.map(TokenizerFixtures.rows("scalars.jsonl")[row])
        for block in 0..<0x110 {
            let text = Self.text(block: block)
            let atOnce = text.withUnsafeBufferPointer(map.checksumOfWords)
            let normalized = text.withUnsafeBufferPointer(map.normalized)
            let inSteps = normalized.withUnsafeBufferPointer(
                BertCharacterMap.unnormalized.checksumOfWords)
            #expect(atOnce == inSteps, "from U+\(String(block * 4096, radix: 16))")
        }
    }

    private static func map(_ row: JSON) throws -> BertCharacterMap {
        let options = try #require(row["options"])
        return BertCharacterMap(
            BertNormalization(
                cleansText: options["clean_text"]?.bool ?? true,
                separatesIdeographs: options["handle_chinese_chars"]?.bool ?? true,
                stripsAccents: options["strip_accents"]?.bool,
                lowercases: options["lowercase"]?.bool ?? true))
    }

    /// All probes of 4,096 scalars (`PROBES` of the generator), a line each.
    private static func text(block: Int) -> [UInt8] {
        let parts: [(before: [UInt8], after: [UInt8])] = [
            ("", "\n"), ("a", "b\n"), ("\u{E9}\u{302E}", "\u{1D165}\u{1B44}y\n"),
            ("\u{8C48}", "\u{316}\u{301}Z\n"),
        ].map { (Array($0.utf8), Array($1.utf8)) }
        var text: [UInt8] = []
        for scalar in (block * 4096..<(block + 1) * 4096).compactMap(Unicode.Scalar.init) {
            for part in parts {
                text += part.before
                text.append(contentsOf: UTF8.encode(scalar) ?? .init())
                text += part.after
            }
        }
        return text
    }
}

extension BertCharacterMap {
    /// The checksum of all words of a text, each with 0xFF after it.
    fileprivate func checksumOfWords(_ text: UnsafeBufferPointer<UInt8>) -> UInt32 {
        var checksum = CyclicRedundancyCheck()
        withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: WordBuffer.capacity(forScalars: 100)
        ) { memory in
            guard let base = memory.baseAddress else { return }
            var buffer = WordBuffer(base, scalarLimit: 100)
            divide(text, &buffer) { word in
                for position in 0..<word.count { checksum.add(word.bytes[position]) }
                checksum.add(0xFF)
            }
        }
        return checksum.value
    }
}
