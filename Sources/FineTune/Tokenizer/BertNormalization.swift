/// How BERT changes a text before it is divided into words (`BertNormalizer` of the `tokenizers`
/// package, `BasicTokenizer` of BERT).
public struct BertNormalization: Sendable, Hashable {
    /// Whether control characters are removed and all white space becomes a space.
    public var cleansText: Bool
    /// Whether each ideograph becomes a word of its own (`tokenize_chinese_chars`).
    public var separatesIdeographs: Bool
    /// Whether accents are removed: the nonspacing marks of the canonical decomposition.
    public var stripsAccents: Bool
    /// Whether letters become small.
    public var lowercases: Bool

    /// A normalization; the defaults are those of an uncased BERT.
    ///
    /// - Parameters:
    ///   - cleansText: Whether control characters are removed and white space unified.
    ///   - separatesIdeographs: Whether each ideograph becomes a word of its own.
    ///   - stripsAccents: Whether accents are removed; nil, as in most files, follows
    ///     `lowercases`.
    ///   - lowercases: Whether letters become small.
    public init(
        cleansText: Bool = true, separatesIdeographs: Bool = true, stripsAccents: Bool? = nil,
        lowercases: Bool = true
    ) {
        self.cleansText = cleansText
        self.separatesIdeographs = separatesIdeographs
        self.stripsAccents = stripsAccents ?? lowercases
        self.lowercases = lowercases
    }

    /// The text stays as it is.
    static let none = BertNormalization(
        cleansText: false, separatesIdeographs: false, stripsAccents: false, lowercases: false)
}
