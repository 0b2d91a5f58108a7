/// Turns text into the token ids of a pretrained model's vocabulary.
///
/// A tokenizer is immutable, so any number of threads may use one at once. No text makes it fail:
/// what the vocabulary cannot express becomes the unknown token. The time is linear in the length
/// of the text.
public protocol Tokenizer: Sendable {
    /// One more than the largest id, so the number of rows that the embedding table must have.
    var vocabularySize: Int { get }

    /// The number of tokens that the model's template adds to one text, such as `[CLS]` and
    /// `[SEP]`.
    var specialTokenCount: Int { get }

    /// The largest length that the tokenizer's files suggest, special tokens included, or nil if
    /// they suggest none. Nothing uses it unless the caller does.
    var suggestedMaximumLength: Int? { get }

    /// Encodes one text.
    ///
    /// - Parameters:
    ///   - text: Any text. The empty one gives the special tokens alone.
    ///   - maximumLength: The most ids to return, special tokens included. Tokens at the end of
    ///     the text give way, special tokens do not, unless there is no room for them alone.
    /// - Returns: The ids, their types, and how many tokens gave way.
    func encode(_ text: String, maximumLength: Int) -> TokenizedText

    /// Encodes two texts as one sequence, such as a question and an answer.
    ///
    /// - Parameters:
    ///   - first: The first text.
    ///   - second: The second text.
    ///   - maximumLength: The most ids to return, special tokens included. The longer text gives
    ///     way until both are equally long, then both do.
    /// - Returns: The ids, their types, and how many tokens gave way.
    func encode(_ first: String, pairedWith second: String, maximumLength: Int) -> TokenizedText

    /// Encodes a text that is already divided into words, and says which word each token is of:
    /// what labelling words needs. Words are taken one by one, so that they never merge.
    ///
    /// - Parameters:
    ///   - words: The words. One that is only space or control characters gives no token.
    ///   - maximumLength: The most ids to return, special tokens included.
    /// - Returns: The ids, their types and words, and how many tokens gave way.
    func encode(words: [String], maximumLength: Int) -> TokenizedText

    /// The token that has an id, or nil if none has.
    func token(_ id: Int) -> String?

    /// The id of a token, or nil if it is not in the vocabulary.
    func id(_ token: String) -> Int?
}

/// A text as a model reads it.
public struct TokenizedText: Sendable, Hashable {
    /// The ids of the tokens, special ones included.
    public var ids: [Int32]

    /// The token type (BERT's segment) of each id: 0, or 1 in the second text of a pair, or
    /// whatever else the model's template says. As long as `ids`.
    public var typeIDs: [Int32]

    /// For a text that was given as words, the position of the word that each id belongs to, and
    /// -1 for special tokens, as long as `ids`. Empty for others.
    public var wordIndices: [Int32]

    /// How many tokens of the text were cut off to keep the maximum length.
    public var truncatedCount: Int

    /// A text of these ids.
    public init(
        ids: [Int32], typeIDs: [Int32], wordIndices: [Int32] = [], truncatedCount: Int = 0
    ) {
        self.ids = ids
        self.typeIDs = typeIDs
        self.wordIndices = wordIndices
        self.truncatedCount = truncatedCount
    }
}
