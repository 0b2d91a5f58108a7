public import Checkpoint
public import Layers

/// Turns several texts into tokens, each by itself, so that the model gives each a vector: what heads
/// that compare vectors learn from.
public struct TextGroupPreparation: Preparation {
    private let text: TextPreparation

    /// The preparation for groups of texts of what another does for single ones.
    public init(_ text: TextPreparation) { self.text = text }

    /// The tokenizer of the pretrained model.
    public var tokenizer: any Tokenizer { text.tokenizer }

    /// The most tokens of each text, special ones included. Longer texts are cut, and counted.
    public var maximumLength: Int { text.maximumLength }

    /// The tokens of the texts.
    ///
    /// - Throws: ``ModelError/emptyTextOfGroup(_:position:)`` for a text that leaves no token: it would
    ///   have no vector.
    public func prepared(_ input: [String]) throws -> [TokenizedText] {
        try input.enumerated().map { position, text in
            let item = try self.text.prepared(text)
            guard !item.ids.isEmpty else {
                throw ModelError.emptyTextOfGroup(input, position: position)
            }
            return item
        }
    }

    /// The number of tokens of all texts.
    public func size(of item: [TokenizedText]) -> Int {
        item.reduce(0) { $0 + text.size(of: $1) }
    }

    /// Whether tokens of a text were cut off.
    public func isTruncated(_ item: [TokenizedText]) -> Bool {
        item.contains(where: text.isTruncated)
    }

    /// Whether there is no text, or one without tokens.
    public func isEmpty(_ item: [TokenizedText]) -> Bool {
        item.isEmpty || item.contains(where: text.isEmpty)
    }

    /// Ids and types, `int32` of shape `[tokens, 2]`, text after text.
    public func batch(_ items: [[TokenizedText]]) -> Features { text.batch(items.flatMap { $0 }) }

    /// Nil: a cache of features keeps one sequence for an item.
    public func featureKey(of item: [TokenizedText]) -> [TokenizedText]? { nil }

    /// A text.
    public var rowKind: RowKind { .text }

    /// The number of texts.
    public func rowCount(of item: [TokenizedText]) -> Int { item.count }

    /// The most tokens of each text.
    public var configuration: [(String, JSON)] { text.configuration }

    /// The same preparation with the saved limit.
    public func configured(by configuration: JSON) -> TextGroupPreparation {
        TextGroupPreparation(text.configured(by: configuration))
    }

    /// Of the tokenizer's files.
    public var fingerprint: Fingerprint { text.fingerprint }

    /// Writes the tokenizer's files as they were.
    public func save(to folder: String) throws { try text.save(to: folder) }
}
