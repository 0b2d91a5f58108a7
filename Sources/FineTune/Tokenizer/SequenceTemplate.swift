/// Where the special tokens stand around one text and around a pair (the post-processor of a
/// `tokenizer.json`).
struct SequenceTemplate: Sendable {
    let single: [Element]
    let pair: [Element]

    enum Element: Sendable {
        case special(ids: [Int32], typeID: Int32)
        case first(typeID: Int32)
        case second(typeID: Int32)

        var specialCount: Int {
            if case .special(let ids, _) = self { ids.count } else { 0 }
        }
    }

    var singleSpecialCount: Int { single.reduce(0) { $0 + $1.specialCount } }
    var pairSpecialCount: Int { pair.reduce(0) { $0 + $1.specialCount } }

    /// No special tokens at all.
    static let bare = SequenceTemplate(
        single: [.first(typeID: 0)], pair: [.first(typeID: 0), .second(typeID: 1)])

    /// BERT's: `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, the last two of type 1.
    static func bert(classification: Int32, separator: Int32) -> SequenceTemplate {
        let begin: [Element] = [
            .special(ids: [classification], typeID: 0), .first(typeID: 0),
            .special(ids: [separator], typeID: 0),
        ]
        return SequenceTemplate(
            single: begin,
            pair: begin + [.second(typeID: 1), .special(ids: [separator], typeID: 1)])
    }

    /// RoBERTa's: `<s> A </s>` and `<s> A </s></s> B </s>`, all of type 0.
    static func roberta(classification: Int32, separator: Int32) -> SequenceTemplate {
        let end = Element.special(ids: [separator], typeID: 0)
        let begin: [Element] = [
            .special(ids: [classification], typeID: 0), .first(typeID: 0), end,
        ]
        return SequenceTemplate(single: begin, pair: begin + [end, .second(typeID: 0), end])
    }
}

/// The tokens of a text before they are put into a template: the first ones, and how many there
/// are in all.
struct TokenSink {
    private(set) var ids: [Int32] = []
    /// The word of each token, if words are recorded.
    private(set) var wordIndices: [Int32] = []
    /// The number of tokens seen.
    private(set) var count = 0
    /// How many of them are kept.
    let limit: Int
    let recordsWords: Bool
    /// The word that the next tokens belong to.
    var word: Int32 = 0

    init(limit: Int, recordsWords: Bool = false) {
        self.limit = max(0, limit)
        self.recordsWords = recordsWords
    }

    @inline(__always)
    mutating func append(_ id: Int32) {
        if count < limit {
            ids.append(id)
            if recordsWords { wordIndices.append(word) }
        }
        count += 1
    }

    /// Takes back all but the first `count` tokens.
    mutating func removeAll(after count: Int) {
        let excess = ids.count - min(count, limit)
        if excess > 0 {
            ids.removeLast(excess)
            if recordsWords { wordIndices.removeLast(excess) }
        }
        self.count = count
    }
}

extension SequenceTemplate {
    /// One text, its tokens cut so that at most `maximumLength` ids remain.
    ///
    /// - Parameters:
    ///   - maximumLength: The most ids, special ones included.
    ///   - recordsWords: Whether the word of each id is wanted.
    ///   - fill: Adds the text's tokens.
    /// - Returns: The ids of the template.
    func encode(
        maximumLength: Int, recordsWords: Bool = false, _ fill: (inout TokenSink) -> Void
    ) -> TokenizedText {
        var sink = TokenSink(
            limit: maximumLength - singleSpecialCount, recordsWords: recordsWords)
        fill(&sink)
        return assemble(
            single, [(sink, min(sink.count, sink.limit))], maximumLength: maximumLength)
    }

    /// Two texts, see ``encode(maximumLength:recordsWords:_:)``. The longer one is cut first.
    func encodePair(
        maximumLength: Int, _ fillFirst: (inout TokenSink) -> Void,
        _ fillSecond: (inout TokenSink) -> Void
    ) -> TokenizedText {
        var first = TokenSink(limit: maximumLength - pairSpecialCount)
        var second = TokenSink(limit: first.limit)
        fillFirst(&first)
        fillSecond(&second)
        let (firstCount, secondCount) = Self.cut(first.count, second.count, to: first.limit)
        return assemble(
            pair, [(first, firstCount), (second, secondCount)], maximumLength: maximumLength)
    }

    /// The lengths that two texts keep of `limit` tokens together. The shorter text keeps all it
    /// can; when neither fits into its half, each gets one, and the longer the odd token (in the
    /// `tokenizers` package's words, `longest_first`).
    static func cut(_ first: Int, _ second: Int, to limit: Int) -> (Int, Int) {
        var (short, long) = first <= second ? (first, second) : (second, first)
        if short + long > limit {
            if short * 2 <= limit {
                long = limit - short
            } else {
                short = limit / 2
                long = limit - short
            }
        }
        return first <= second ? (short, long) : (long, short)
    }

    private func assemble(
        _ elements: [Element], _ texts: [(sink: TokenSink, keptCount: Int)], maximumLength: Int
    ) -> TokenizedText {
        var ids: [Int32] = []
        var typeIDs: [Int32] = []
        var wordIndices: [Int32] = []
        let count = elements.reduce(texts.reduce(0) { $0 + $1.keptCount }) { $0 + $1.specialCount }
        ids.reserveCapacity(count)
        typeIDs.reserveCapacity(count)
        let recordsWords = texts.contains(where: \.sink.recordsWords)
        func append(_ text: (sink: TokenSink, keptCount: Int), _ typeID: Int32) {
            ids.append(contentsOf: text.sink.ids.prefix(text.keptCount))
            typeIDs.append(contentsOf: repeatElement(typeID, count: text.keptCount))
            wordIndices.append(contentsOf: text.sink.wordIndices.prefix(text.keptCount))
        }
        for element in elements {
            switch element {
            case .special(let special, let typeID):
                ids.append(contentsOf: special)
                typeIDs.append(contentsOf: repeatElement(typeID, count: special.count))
                if recordsWords {
                    wordIndices.append(contentsOf: repeatElement(-1, count: special.count))
                }
            case .first(let typeID): append(texts[0], typeID)
            case .second(let typeID): append(texts[texts.count - 1], typeID)
            }
        }
        let excess = ids.count - max(0, maximumLength)
        if excess > 0 {
            ids.removeLast(excess)
            typeIDs.removeLast(excess)
            if recordsWords { wordIndices.removeLast(excess) }
        }
        return TokenizedText(
            ids: ids, typeIDs: typeIDs, wordIndices: wordIndices,
            truncatedCount: texts.reduce(0) { $0 + $1.sink.count - $1.keptCount })
    }
}
