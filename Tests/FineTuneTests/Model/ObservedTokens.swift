import FineTune

/// A preparation of one's own: tokens of which those of some texts are changed, and whose batches are told of.
struct ObservedTokens: Preparation {
    let text: TextPreparation
    /// Called with each text and what it has become.
    var change: @Sendable (String, inout TokenizedText) -> Void = { _, _ in }
    /// Called with the number of texts of each batch.
    var observe: @Sendable (_ count: Int) -> Void = { _ in }

    func prepared(_ input: String) throws -> TokenizedText {
        var item = try text.prepared(input)
        change(input, &item)
        return item
    }

    func batch(_ items: [TokenizedText]) -> Features {
        observe(items.count)
        return text.batch(items)
    }

    func size(of item: TokenizedText) -> Int { text.size(of: item) }
    func isTruncated(_ item: TokenizedText) -> Bool { text.isTruncated(item) }
    func isEmpty(_ item: TokenizedText) -> Bool { text.isEmpty(item) }
    var configuration: [(String, JSON)] { text.configuration }
    var fingerprint: Fingerprint { text.fingerprint }
    func save(to folder: String) throws { try text.save(to: folder) }
}
