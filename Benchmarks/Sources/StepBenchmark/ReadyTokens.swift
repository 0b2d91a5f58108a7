import FineTune

/// Takes texts that are tokens already, so that every one can have exactly the length wanted.
struct ReadyTokens: Preparation {
    let text: TextPreparation

    func prepared(_ input: TokenizedText) -> TokenizedText { input }
    func size(of item: TokenizedText) -> Int { text.size(of: item) }
    func isTruncated(_ item: TokenizedText) -> Bool { text.isTruncated(item) }
    func isEmpty(_ item: TokenizedText) -> Bool { text.isEmpty(item) }
    func batch(_ items: [TokenizedText]) -> Features { text.batch(items) }
    var configuration: [(String, JSON)] { text.configuration }
    var fingerprint: Fingerprint { text.fingerprint }
    func save(to folder: String) throws { try text.save(to: folder) }
}
