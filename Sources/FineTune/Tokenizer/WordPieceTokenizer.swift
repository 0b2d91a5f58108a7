/// BERT's tokenizer: normalizes a text, divides it at white space and punctuation, and covers each
/// word with the longest pieces of the vocabulary, from left to right.
///
/// Gives the same ids as the `tokenizers` package (version 0.23), which has its own ideas of
/// punctuation and control characters where Unicode has changed since BERT. Sources: Devlin et
/// al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding" (2019),
/// and Wu et al., "Google's Neural Machine Translation System" (2016), section 4.1.
public struct WordPieceTokenizer: Tokenizer {
    private let encoder: TextEncoder<WordPieceModel>

    /// The `max_length` of the file's `truncation`, or the configuration's `model_max_length`.
    public let suggestedMaximumLength: Int?

    init(
        _ model: WordPieceModel, template: SequenceTemplate, addedTokens: [AddedTokens.Token],
        suggestedMaximumLength: Int?
    ) {
        encoder = TextEncoder(model, template: template, addedTokens: addedTokens)
        self.suggestedMaximumLength = suggestedMaximumLength
    }

    /// How texts are changed before they are divided into words.
    public var normalization: BertNormalization { encoder.model.normalization }

    /// One more than the largest id, added tokens included.
    public var vocabularySize: Int { encoder.vocabularySize }

    /// The number of tokens that the template adds to one text: BERT's are two.
    public var specialTokenCount: Int { encoder.template.singleSpecialCount }

    /// Encodes one text, see ``Tokenizer/encode(_:maximumLength:)``.
    public func encode(_ text: String, maximumLength: Int) -> TokenizedText {
        encoder.encode(text, maximumLength: maximumLength)
    }

    /// Encodes two texts, see ``Tokenizer/encode(_:pairedWith:maximumLength:)``.
    public func encode(
        _ first: String, pairedWith second: String, maximumLength: Int
    ) -> TokenizedText {
        encoder.encode(first, pairedWith: second, maximumLength: maximumLength)
    }

    /// Encodes words, see ``Tokenizer/encode(words:maximumLength:)``.
    public func encode(words: [String], maximumLength: Int) -> TokenizedText {
        encoder.encode(words: words, maximumLength: maximumLength)
    }

    /// The token that has an id, or nil if none has.
    public func token(_ id: Int) -> String? { encoder.token(id) }

    /// The id of a token, or nil if it is not in the vocabulary.
    public func id(_ token: String) -> Int? { encoder.id(token) }
}
