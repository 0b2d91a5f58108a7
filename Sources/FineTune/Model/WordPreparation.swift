public import Checkpoint
public import Layers

/// Turns texts that are already divided into words into tokens, and knows the token that stands for
/// each word.
///
/// That is the first token of the word, as in Transformers' recipe for token classification and in
/// BERT's own (Devlin et al. 2019, arXiv:1810.04805, section 5.3).
public struct WordPreparation: Preparation {
    private let text: TextPreparation

    /// The preparation for words of what another does for texts.
    public init(_ text: TextPreparation) { self.text = text }

    /// The tokenizer of the pretrained model.
    public var tokenizer: any Tokenizer { text.tokenizer }

    /// The most tokens of one text, special ones included.
    public var maximumLength: Int { text.maximumLength }

    /// A text in words, as the model reads it.
    public struct Item: Sendable, Hashable {
        /// The tokens.
        public var text: TokenizedText
        /// For each word the position of its first token.
        public var firstTokens: [Int]
    }

    /// The tokens of the words. A word that the tokenizer makes nothing of, such as a space, stands as
    /// the unknown token.
    ///
    /// - Throws: ``ModelError/tooManyWords(fitting:of:limit:)`` if not every word has a token within
    ///   the maximum length: a word without one could not be labelled. See ``windows(of:)``.
    public func prepared(_ input: [String]) throws -> Item {
        var text = tokenizer.encode(words: input, maximumLength: maximumLength)
        var first = firstTokens(of: text, words: input.count)
        // Behind the last word that has a token, words may have been cut off; before it, none was.
        let seen = text.truncatedCount == 0 ? input.count : first.lastIndex { $0 != nil } ?? 0
        if first[..<seen].contains(nil) {
            text = tokenizer.encode(
                words: input.indices.map {
                    $0 < seen && first[$0] == nil ? Self.unknownWord : input[$0]
                },
                maximumLength: maximumLength)
            first = firstTokens(of: text, words: input.count)
        }
        let found = first.prefix { $0 != nil }.count
        guard found == input.count else {
            throw ModelError.tooManyWords(
                fitting: found, of: input.count, limit: maximumLength)
        }
        return Item(text: text, firstTokens: first.compactMap { $0 })
    }

    /// The last ideograph of a supplementary plane, which vocabularies do not have: it becomes the
    /// unknown token, or bytes.
    private static let unknownWord = "\u{2A6D6}"

    private func firstTokens(of text: TokenizedText, words: Int) -> [Int?] {
        var first = [Int?](repeating: nil, count: words)
        for (position, word) in text.wordIndices.enumerated().reversed() where word >= 0 {
            first[Int(word)] = position
        }
        return first
    }

    /// Divides words into parts that fit the maximum length, each as long as possible.
    ///
    /// - Parameter words: Any number of words.
    /// - Returns: The positions of each part, in order; a single word that alone is too long is a part
    ///   of its own, and the end of it is cut off.
    public func windows(of words: [String]) -> [Range<Int>] {
        let room = maximumLength - tokenizer.specialTokenCount
        var windows: [Range<Int>] = []
        var (start, length) = (0, 0)
        for (position, word) in words.enumerated() {
            let tokens = tokenizer.encode(words: [word], maximumLength: maximumLength)
            let size = max(1, tokens.ids.count - tokenizer.specialTokenCount)
            if position > start, length + size > room {
                windows.append(start..<position)
                (start, length) = (position, 0)
            }
            length += size
        }
        return words.isEmpty ? [] : windows + [start..<words.count]
    }

    /// The number of tokens.
    public func size(of item: Item) -> Int { item.text.ids.count }

    /// Whether tokens were cut off, which were of the last word.
    public func isTruncated(_ item: Item) -> Bool { item.text.truncatedCount > 0 }

    /// Whether there is no word.
    public func isEmpty(_ item: Item) -> Bool { item.firstTokens.isEmpty }

    /// Ids and types, `int32` of shape `[tokens, 2]`.
    public func batch(_ items: [Item]) -> Features { text.batch(items.map(\.text)) }

    /// The first token of each word.
    public func labelledRows(of item: Item) -> [Int] { item.firstTokens }

    /// A word.
    public var rowKind: RowKind { .word }

    /// The most tokens of one text.
    public var configuration: [(String, JSON)] { text.configuration }

    /// The same preparation with the saved limit.
    public func configured(by configuration: JSON) -> WordPreparation {
        WordPreparation(text.configured(by: configuration))
    }

    /// That of the tokenizer's files.
    public var fingerprint: Fingerprint { text.fingerprint }

    /// Writes the tokenizer's files as they were.
    public func save(to folder: String) throws { try text.save(to: folder) }
}
