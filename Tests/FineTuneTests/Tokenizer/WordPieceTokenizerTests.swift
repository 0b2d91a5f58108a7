import FineTune
import Foundation
import Testing

/// Facts about the tokenizer that need no other program.
@Suite struct WordPieceTokenizerTests {
    private let tokenizer: WordPieceTokenizer

    init() throws {
        tokenizer = try WordPieceTokenizer(
            contentsOf: TokenizerFixtures.miniLM + "/tokenizer.json")
    }

    @Test("one sentence, spelled out")
    func sentence() {
        let encoded = tokenizer.encode("Tokenization isn't hard!", maximumLength: 512)
        let tokens = encoded.ids.map { tokenizer.token(Int($0)) ?? "none" }
        #expect(
            tokens == [
                "[CLS]", "token", "##ization", "isn", "'", "t", "hard", "!", "[SEP]",
            ])
        #expect(encoded.typeIDs == Array(repeating: 0, count: 9))
        #expect(encoded.wordIndices.isEmpty)
    }

    @Test("every id has a token that has that id")
    func roundTrip() throws {
        #expect(tokenizer.vocabularySize == 30522)
        for id in 0..<tokenizer.vocabularySize {
            let token = try #require(tokenizer.token(id))
            #expect(tokenizer.id(token) == id)
        }
    }

    @Test("a cut text keeps its special tokens and says what it lost", arguments: 0..<12)
    func truncation(maximumLength: Int) {
        let encoded = tokenizer.encode("one two three four five six", maximumLength: maximumLength)
        #expect(encoded.ids.count == min(8, maximumLength))
        #expect(encoded.typeIDs.count == encoded.ids.count)
        #expect(encoded.truncatedCount == max(0, min(6, 8 - maximumLength)))
        if maximumLength > 1 { #expect(encoded.ids.last == 102) }
        if maximumLength > 0 { #expect(encoded.ids.first == 101) }
        if maximumLength > 2 { #expect(encoded.ids[1] == 2028) }
    }

    @Test("a word that is cut off in the middle, or becomes unknown after the limit, counts right")
    func truncationInsideWord() {
        let cut = tokenizer.encode("tokenization", maximumLength: 3)
        #expect(cut.ids == [101, 19204, 102] && cut.truncatedCount == 1)
        // The last scalar makes the word unknown after pieces were already seen.
        let unknown = tokenizer.encode("the tokenization\u{1F9FF}", maximumLength: 4)
        #expect(unknown.ids == [101, 1996, 100, 102] && unknown.truncatedCount == 0)
        let none = tokenizer.encode("text", maximumLength: -5)
        #expect(none.ids.isEmpty)
        #expect(tokenizer.encode("a", pairedWith: "b", maximumLength: 2).ids == [101, 102])
    }

    @Test(
        "no text is too long or too odd, and time grows linearly",
        arguments: [
            "a", "a ", ".", "\u{301}", "[MASK]", "[", "\0", "한", "\u{302E}", "\u{302F}\u{1D165}",
            "un", "1", "👩‍👩‍👧‍👦", "\u{2028}", "\u{FDFA}", "İ", "豈",
        ])
    func longTexts(unit: String) {
        func seconds(_ bytes: Int) -> Double {
            let text = String(repeating: unit, count: bytes / unit.utf8.count)
            return TokenizerFixtures.seconds {
                let encoded = tokenizer.encode(text, maximumLength: 16)
                #expect(encoded.ids.count <= 16)
                #expect(encoded.ids.first == 101 && encoded.ids.last == 102)
            }
        }
        let (short, long) = (seconds(60_000), seconds(600_000))
        // Ten times the text; a quadratic method would need a hundred times the time.
        #expect(long < 40 * short + 0.05, "\(short) s, then \(long) s")
    }

    @Test("ten megabytes of mixed text are encoded whole")
    func tenMegabytes() {
        let unit = "The naïve café's 北京 [MASK] don't\u{0}\t— e\u{301}\u{1F642}! "
        let text = String(repeating: unit, count: 10_000_000 / unit.utf8.count)
        let one = tokenizer.encode(unit, maximumLength: .max).ids.dropFirst().dropLast()
        let all = tokenizer.encode(text, maximumLength: .max)
        #expect(all.ids.count == one.count * (10_000_000 / unit.utf8.count) + 2)
        #expect(all.ids.dropFirst().prefix(one.count) == one)
        #expect(all.truncatedCount == 0)
    }

    @Test("threads may share a tokenizer")
    func threads() async {
        let expected = tokenizer.encode("Unbelievable, isn't it?", maximumLength: 64)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { [tokenizer] in
                    (0..<200).allSatisfy { _ in
                        tokenizer.encode("Unbelievable, isn't it?", maximumLength: 64) == expected
                    }
                }
            }
            for await same in group { #expect(same) }
        }
    }
}
