public import Checkpoint
public import Layers

/// Two texts that are read together: a question and an answer, a claim and its evidence.
public struct TextPair: Sendable, Hashable {
    /// The first text.
    public var first: String
    /// The second text.
    public var second: String

    /// A pair of these texts.
    public init(_ first: String, _ second: String) { (self.first, self.second) = (first, second) }
}

/// Turns two texts into one sequence, so that the model compares them word by word: a cross-encoder
/// (Devlin et al. 2019, arXiv:1810.04805, section 4.1).
public struct TextPairPreparation: Preparation {
    private var text: TextPreparation
    /// The tokens of two empty texts.
    private let specialTokenCount: Int

    /// The preparation for pairs of what another does for texts.
    ///
    /// - Throws: ``ModelError`` if the tokenizer gives the second text a type that the model has no
    ///   embedding for, or leaves no room for a token of each.
    public init(_ text: TextPreparation) throws {
        self.text = text
        specialTokenCount =
            text.tokenizer.encode("", pairedWith: "", maximumLength: .max).ids.count
        try text.check(
            text.tokenizer.encode("a", pairedWith: "a", maximumLength: .max), of: 2,
            specialTokenCount: specialTokenCount)
    }

    /// The tokenizer of the pretrained model.
    public var tokenizer: any Tokenizer { text.tokenizer }

    /// The most tokens of a pair, special ones included. The longer text of a longer pair is cut first.
    public var maximumLength: Int { max(text.maximumLength, specialTokenCount + 2) }

    /// The tokens of both texts.
    public func prepared(_ input: TextPair) throws -> TokenizedText {
        tokenizer.encode(input.first, pairedWith: input.second, maximumLength: maximumLength)
    }

    /// The number of tokens.
    public func size(of item: TokenizedText) -> Int { item.ids.count }

    /// Whether tokens were cut off.
    public func isTruncated(_ item: TokenizedText) -> Bool { item.truncatedCount > 0 }

    /// Whether there are special tokens only.
    public func isEmpty(_ item: TokenizedText) -> Bool { item.ids.count <= specialTokenCount }

    /// Ids and types, `int32` of shape `[tokens, 2]`.
    public func batch(_ items: [TokenizedText]) -> Features { text.batch(items) }

    /// The most tokens of a pair.
    public var configuration: [(String, JSON)] { text.configuration }

    /// The same preparation with the saved limit.
    public func configured(by configuration: JSON) -> TextPairPreparation {
        var configured = self
        configured.text = text.configured(by: configuration)
        return configured
    }

    /// Of the tokenizer's files.
    public var fingerprint: Fingerprint { text.fingerprint }

    /// Writes the tokenizer's files as they were.
    public func save(to folder: String) throws { try text.save(to: folder) }
}
