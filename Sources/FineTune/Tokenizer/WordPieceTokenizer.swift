/// BERT's tokenizer: normalizes a text, divides it at white space and punctuation, and covers each
/// word with the longest pieces of the vocabulary, from left to right.
///
/// Gives the same ids as the `tokenizers` package (version 0.23), which has its own ideas of
/// punctuation and control characters where Unicode has changed since BERT. Sources: Devlin et
/// al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding" (2019),
/// and Wu et al., "Google's Neural Machine Translation System" (2016), section 4.1.
public struct WordPieceTokenizer: Tokenizer {
    /// One more than the largest id, added tokens included.
    public let vocabularySize: Int
    /// The `max_length` of the file's `truncation`, or the configuration's `model_max_length`.
    public let suggestedMaximumLength: Int?
    /// How texts are changed before they are divided into words.
    public let normalization: BertNormalization

    private let vocabulary: WordPieceVocabulary
    private let map: BertCharacterMap
    private let template: SequenceTemplate
    /// Looked for in the text as it is.
    private let literalTokens: AddedTokens
    /// Looked for in the normalized text.
    private let normalizedTokens: AddedTokens
    private let addedList: [AddedTokens.Token]

    /// What the files of a tokenizer say.
    struct Definition {
        var normalization = BertNormalization()
        var vocabulary: WordPieceVocabulary
        var template: SequenceTemplate
        var addedTokens: [AddedTokens.Token]
        var suggestedMaximumLength: Int?
    }

    init(_ definition: Definition) {
        normalization = definition.normalization
        vocabulary = definition.vocabulary
        template = definition.template
        suggestedMaximumLength = definition.suggestedMaximumLength
        let map = BertCharacterMap(definition.normalization)
        self.map = map
        addedList = definition.addedTokens
        literalTokens = AddedTokens(
            addedList.filter { !$0.isNormalized }.map { (Array($0.content.utf8), $0) })
        normalizedTokens = AddedTokens(
            addedList.filter(\.isNormalized).map { token in
                var content = token.content
                return (content.withUTF8 { map.normalized($0) }, token)
            })
        vocabularySize = addedList.reduce(vocabulary.size) { max($0, Int($1.id) + 1) }
    }
}

// MARK: Tokenizer

extension WordPieceTokenizer {
    /// The number of tokens that the template adds to one text: BERT's are two.
    public var specialTokenCount: Int { template.singleSpecialCount }

    /// Encodes one text, see ``Tokenizer/encode(_:maximumLength:)``.
    public func encode(_ text: String, maximumLength: Int) -> TokenizedText {
        template.encode(maximumLength: maximumLength) { sink in
            withWordBuffer { tokenize(text, &$0, &sink) }
        }
    }

    /// Encodes two texts, see ``Tokenizer/encode(_:pairedWith:maximumLength:)``.
    public func encode(
        _ first: String, pairedWith second: String, maximumLength: Int
    ) -> TokenizedText {
        template.encodePair(
            maximumLength: maximumLength,
            { sink in withWordBuffer { tokenize(first, &$0, &sink) } },
            { sink in withWordBuffer { tokenize(second, &$0, &sink) } })
    }

    /// Encodes words, see ``Tokenizer/encode(words:maximumLength:)``.
    public func encode(words: [String], maximumLength: Int) -> TokenizedText {
        template.encode(maximumLength: maximumLength, recordsWords: true) { sink in
            withWordBuffer { buffer in
                for (index, word) in words.enumerated() {
                    sink.word = Int32(clamping: index)
                    tokenize(word, &buffer, &sink)
                }
            }
        }
    }

    /// The token that has an id, or nil if none has.
    public func token(_ id: Int) -> String? {
        addedList.last { $0.id == id }?.content ?? vocabulary.token(id)
    }

    /// The id of a token, or nil if it is not in the vocabulary.
    public func id(_ token: String) -> Int? {
        let added = addedList.last { $0.content.utf8.elementsEqual(token.utf8) }
        return added.map { Int($0.id) } ?? vocabulary.id(token)
    }
}

// MARK: Tokenizing

extension WordPieceTokenizer {
    private func withWordBuffer(_ body: (inout WordBuffer) -> Void) {
        let limit = vocabulary.maximumWordLength
        withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: WordBuffer.capacity(forScalars: limit)
        ) { memory in
            guard let base = memory.baseAddress else { return }
            var buffer = WordBuffer(base, scalarLimit: limit)
            body(&buffer)
        }
    }

    private func tokenize(_ text: String, _ buffer: inout WordBuffer, _ sink: inout TokenSink) {
        var text = text
        text.withUTF8 { bytes in
            if literalTokens.isEmpty {
                tokenize(part: bytes, &buffer, &sink)
            } else {
                literalTokens.divide(bytes) {
                    tokenize(part: $0, &buffer, &sink)
                } found: {
                    sink.append($0)
                }
            }
        }
    }

    /// A part without literal tokens.
    private func tokenize(
        part: UnsafeBufferPointer<UInt8>, _ buffer: inout WordBuffer, _ sink: inout TokenSink
    ) {
        guard !normalizedTokens.isEmpty else {
            return divideIntoWords(part, map, &buffer, &sink)
        }
        map.normalized(part).withUnsafeBufferPointer { normalized in
            normalizedTokens.divide(normalized) {
                divideIntoWords($0, BertCharacterMap.unnormalized, &buffer, &sink)
            } found: {
                sink.append($0)
            }
        }
    }

    private func divideIntoWords(
        _ text: UnsafeBufferPointer<UInt8>, _ map: borrowing BertCharacterMap,
        _ buffer: inout WordBuffer, _ sink: inout TokenSink
    ) {
        map.divide(text, &buffer) { word in vocabulary.cover(word, &sink) }
    }
}
