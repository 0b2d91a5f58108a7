import Autograd
public import Checkpoint
public import Layers

/// Brings inputs into the form that a backbone expects.
public protocol Preparation: Sendable {
    /// What an app has: a text, the path of a picture.
    associatedtype Input: Sendable
    /// One input, prepared once and used in every epoch: the ids of a text's tokens.
    associatedtype Item: Sendable
    /// What an item is known by where its features are kept; the item itself if it is hashable.
    associatedtype FeatureKey: Hashable & Sendable = Item

    /// Prepares one input.
    ///
    /// - Throws: What is wrong with the input.
    func prepared(_ input: Input) throws -> Item

    /// How large an item is, to batch like with like: the number of its tokens.
    func size(of item: Item) -> Int

    /// Whether something of the input was cut off to prepare it.
    func isTruncated(_ item: Item) -> Bool

    /// Whether there is nothing in the item to learn from, such as a text without tokens.
    func isEmpty(_ item: Item) -> Bool

    /// What an item is when it is learned from, where that is a matter of chance; the item itself by
    /// default. Takes no time: what there is to do for it is done by ``loaded(_:)``.
    func varied(_ item: Item, by chance: Chance) -> Item

    /// Whether items have to be ``loaded(_:)`` before they make a batch; false by default.
    var loadsItems: Bool { get }

    /// The item with what it takes to be part of a batch, such as the pixels of a picture's file. It is
    /// called on any thread, while the step before computes; the item itself by default.
    ///
    /// - Throws: What is wrong with what was read.
    func loaded(_ item: Item) throws -> Item

    /// Which items of a batch are learned from together; nil, the default, joins none.
    func mixing(of count: Int, by chance: Chance) -> BatchMixing?

    /// Items that are loaded, each joined with its partner.
    func mixed(_ items: [Item], by mixing: BatchMixing) -> [Item]

    /// Items as the features that the first stage takes.
    ///
    /// - Parameter items: They are ``loaded(_:)``.
    /// - Returns: The features of all items.
    func batch(_ items: [Item]) -> Features

    /// What a trainer may keep an item's features under: items of equal keys have equal features.
    /// Nil if the item is one that chance made and that does not return, so that nothing of it need be
    /// kept.
    func featureKey(of item: Item) -> FeatureKey?

    /// What a row of the features that a head gets stands for; ``RowKind/input`` by default.
    var rowKind: RowKind { get }

    /// How many rows an item has: 1 by default, and what ``labelledRows(of:)`` says for words.
    func rowCount(of item: Item) -> Int

    /// For ``RowKind/word``, the tokens of the item that stand for its words, in order.
    func labelledRows(of item: Item) -> [Int]

    /// What a saved model's `config.json` says of the preparation, under the library's own key.
    var configuration: [(String, JSON)] { get }

    /// What a saved model's `config.json` says of the preparation in the publisher's terms, where the
    /// rest of that file does not; nothing by default.
    func savedEntries(besides configuration: JSON.Object) -> [(String, JSON)]

    /// The same preparation with the settings of a ``configuration`` that was saved.
    func configured(by configuration: JSON) -> Self

    /// Stands for everything that decides what an input becomes, to tell whether two preparations are
    /// the same: a tokenizer's files.
    var fingerprint: Fingerprint { get }

    /// What a run that goes on must have in common with the one before beside all this, because it decides
    /// what is learned from: an augmentation. Null by default.
    var variation: JSON { get }

    /// Stands for an input, to tell whether a run goes on with the examples that it began with. By
    /// default it is taken of what the input says of itself; of a path that is the path alone.
    func fingerprint(of input: Input) -> Fingerprint

    /// Writes the files that the preparation is loaded from again into a model's folder.
    func save(to folder: String) throws
}

/// What a row of the features that a head gets stands for, and thus what it answers for.
public enum RowKind: String, Sendable, Hashable {
    /// A whole input.
    case input
    /// A word of it.
    case word
    /// One of several texts that are an input.
    case text
}

extension Preparation {
    /// The item itself.
    public func varied(_ item: Item, by chance: Chance) -> Item { item }

    /// False.
    public var loadsItems: Bool { false }

    /// The item itself.
    public func loaded(_ item: Item) throws -> Item { item }

    /// None.
    public func mixing(of count: Int, by chance: Chance) -> BatchMixing? { nil }

    /// The items themselves.
    public func mixed(_ items: [Item], by mixing: BatchMixing) -> [Item] { items }

    /// A whole input.
    public var rowKind: RowKind { .input }

    /// The number of labelled rows, or 1.
    public func rowCount(of item: Item) -> Int {
        rowKind == .word ? labelledRows(of: item).count : 1
    }

    /// Nothing.
    public func savedEntries(besides configuration: JSON.Object) -> [(String, JSON)] { [] }

    /// The preparation itself: there need not be settings.
    public func configured(by configuration: JSON) -> Self { self }

    /// Null: nothing is a matter of chance.
    public var variation: JSON { .null }

    /// That of a text, or of what the input is made of.
    public func fingerprint(of input: Input) -> Fingerprint { Fingerprint(describing: input) }

    /// None.
    public func labelledRows(of item: Item) -> [Int] { [] }

    /// The rows that a head gets of what the last stage made of these items.
    func labelledFeatures(_ features: Features, of items: [Item]) -> Variable {
        guard rowKind == .word else { return features.value }
        var rows: [Int32] = []
        for (index, item) in items.enumerated() {
            let start = features.segments[index].lowerBound
            rows += labelledRows(of: item).map { Int32(start + $0) }
        }
        return features.value.gatheringRows(rows)
    }
}

extension Preparation where FeatureKey == Item {
    /// The item: preparing a batch of items is no matter of chance.
    public func featureKey(of item: Item) -> Item? { item }
}

extension Preparation {
    /// Many inputs, prepared one by one for a model of these stages.
    ///
    /// - Throws: What is wrong with an input; ``ModelError/emptyText(position:)`` for one that leaves
    ///   nothing at all to compute with, not even special tokens;
    ///   ``ModelError/unsuitableInput(position:reason:)``.
    func prepared(_ inputs: [Input], for stages: [any Stage]) throws -> [Item] {
        let items = try inputs.enumerated().map { position, input in
            let item = try prepared(input)
            guard size(of: item) > 0 else { throw ModelError.emptyText(position: position) }
            return item
        }
        try check(items, for: stages)
        return items
    }

    /// Checks that tokens are some that the model knows. Those of its own tokenizer are, which was checked
    /// when the model was opened.
    ///
    /// - Throws: ``ModelError/unsuitableInput(position:reason:)``.
    func check(_ items: [Item], for stages: [any Stage]) throws {
        guard !loadsItems, let first = stages.first as? TransformerEmbeddings else { return }
        for (position, item) in items.enumerated() {
            if let reason = first.problem(with: batch([item])) {
                throw ModelError.unsuitableInput(position: position, reason: reason)
            }
        }
    }
}
