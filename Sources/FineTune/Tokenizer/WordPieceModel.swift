/// BERT's normalization and division into words, and a vocabulary that covers these.
struct WordPieceModel: TokenModel {
    let normalization: BertNormalization
    private let vocabulary: WordPieceVocabulary
    private let map: BertCharacterMap

    init(_ normalization: BertNormalization, _ vocabulary: WordPieceVocabulary) {
        self.normalization = normalization
        self.vocabulary = vocabulary
        map = BertCharacterMap(normalization)
    }

    var size: Int { vocabulary.size }
    func token(_ id: Int) -> String? { vocabulary.token(id) }
    func id(_ token: String) -> Int? { vocabulary.id(token) }

    func normalized(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] { map.normalized(text) }

    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, isNormalized: Bool, _ sink: inout TokenSink
    ) {
        let limit = vocabulary.maximumWordLength
        withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: WordBuffer.capacity(forScalars: limit)
        ) { memory in
            guard let base = memory.baseAddress else { return }
            var word = WordBuffer(base, scalarLimit: limit)
            if isNormalized {
                BertCharacterMap.unnormalized.divide(text, &word) { vocabulary.cover($0, &sink) }
            } else {
                map.divide(text, &word) { vocabulary.cover($0, &sink) }
            }
        }
    }
}
