/// The pieces of a WordPiece model, and how they cover a word.
struct WordPieceVocabulary: Sendable {
    /// One more than the largest id.
    let size: Int
    /// The most scalars that a word may have without becoming the unknown token.
    let maximumWordLength: Int
    let unknownID: Int32
    private let list: PieceList
    /// Pieces that begin a word: all of them.
    private let beginning: PieceTable
    /// Pieces that continue a word, without their prefix.
    private let continuing: PieceTable

    /// The longest word that a file may allow. BERT's own limit is 100.
    static let longestMaximumWordLength = 100_000

    /// A vocabulary.
    ///
    /// - Parameters:
    ///   - list: The pieces.
    ///   - unknownID: The id of the unknown token.
    ///   - continuingPrefix: What marks a piece that continues a word.
    ///   - maximumWordLength: In scalars, at most ``longestMaximumWordLength``.
    /// - Throws: The positions in the list of a piece that appears twice.
    init(
        _ list: PieceList, unknownID: Int32, continuingPrefix: String, maximumWordLength: Int
    ) throws(PieceTable.Duplicate) {
        self.list = list
        self.unknownID = unknownID
        self.maximumWordLength = min(max(0, maximumWordLength), Self.longestMaximumWordLength)
        size = list.ids.last.map { Int($0) + 1 } ?? 0
        beginning = try PieceTable(list)
        continuing = try PieceTable(list, after: Array(continuingPrefix.utf8))
    }

    func token(_ id: Int) -> String? { list.position(of: id).map(list.token) }

    func id(_ token: String) -> Int? { beginning.id(of: token).map(Int.init) }

    /// Adds a word's tokens to the sink.
    @inline(__always)
    func cover(_ word: borrowing WordBuffer, _ sink: inout TokenSink) {
        guard word.scalarCount <= maximumWordLength else { return sink.append(unknownID) }
        guard let first = beginning.longestPrefix(of: word.bytes, count: word.count) else {
            return sink.append(unknownID)
        }
        let start = sink.count
        sink.append(first.id)
        var offset = first.count
        while offset < word.count {
            guard
                let next = continuing.longestPrefix(
                    of: word.bytes + offset, count: word.count - offset)
            else {
                // One part that no piece covers makes the whole word unknown.
                sink.removeAll(after: start)
                return sink.append(unknownID)
            }
            sink.append(next.id)
            offset += next.count
        }
    }
}
