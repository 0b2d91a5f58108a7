/// The byte-level byte-pair tokenizer of GPT-2 and RoBERTa: divides a text into words that keep
/// their leading space, and joins the bytes of each by the vocabulary's merges.
///
/// Gives the same ids as the `tokenizers` package (version 0.23). Sources: Radford et al.,
/// "Language Models are Unsupervised Multitask Learners" (2019), section 2.2, and Liu et al.,
/// "RoBERTa: A Robustly Optimized BERT Pretraining Approach" (2019), section 4.4.
public struct BytePairTokenizer: Tokenizer {
    private let encoder: TextEncoder<BytePairModel>

    /// The `max_length` of the file's `truncation`, or the configuration's `model_max_length`.
    public let suggestedMaximumLength: Int?

    init(
        _ model: BytePairModel, template: SequenceTemplate, addedTokens: [AddedTokens.Token],
        suggestedMaximumLength: Int?
    ) {
        encoder = TextEncoder(model, template: template, addedTokens: addedTokens)
        self.suggestedMaximumLength = suggestedMaximumLength
    }

    /// One more than the largest id, added tokens included.
    public var vocabularySize: Int { encoder.vocabularySize }

    /// The number of tokens that the template adds to one text: RoBERTa's are two, GPT-2's none.
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

    /// The token that has an id, or nil if none has. Bytes that are no printable characters are
    /// spelled as in the vocabulary, such as `Ġ` for a space.
    public func token(_ id: Int) -> String? { encoder.token(id) }

    /// The id of a token, spelled as in the vocabulary, or nil if it is not there.
    public func id(_ token: String) -> Int? { encoder.id(token) }
}
