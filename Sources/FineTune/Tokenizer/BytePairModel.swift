/// GPT-2's byte-level byte-pair encoding: each byte of a word is a token, and merges join these.
struct BytePairModel: TokenModel {
    let size: Int
    private let list: PieceList
    private let table: PieceTable
    private let merges: BytePairMerges
    /// The token of each byte, or -1 if the vocabulary has none.
    private let tokenOfByte: [Int32]
    private let options: Options

    /// What a file says besides vocabulary and merges.
    struct Options: Sendable {
        /// What stands for a byte that the vocabulary lacks; nil leaves it out.
        var unknownID: Int32?
        /// Whether a text that does not begin with a space gets one.
        var addsLeadingSpace = false
        /// Whether the text is divided into words at all.
        var dividesIntoWords = true
        /// Whether a word that is a token as a whole needs no merges.
        var prefersWholeWords = false
    }

    init(_ list: PieceList, table: PieceTable, merges: BytePairMerges, options: Options) {
        self.list = list
        self.table = table
        self.merges = merges
        self.options = options
        size = list.ids.last.map { Int($0) + 1 } ?? 0
        tokenOfByte = (0...255).map {
            table.id(of: String(Self.character(ofByte: $0))) ?? options.unknownID ?? -1
        }
    }

    /// The printable character that stands for a byte in the vocabulary. Those of Latin-1 stand
    /// for themselves, the others are counted on from U+0100.
    static func character(ofByte byte: UInt8) -> Unicode.Scalar {
        func isPrintable(_ byte: UInt8) -> Bool {
            (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
        }
        if isPrintable(byte) { return Unicode.Scalar(byte) }
        let rank = (0..<byte).count { !isPrintable($0) }
        return Unicode.Scalar(UInt16(0x100 + rank)) ?? "\u{FFFD}"
    }

    /// The characters of all bytes, as UTF-8.
    private static let charactersOfBytes = (0...255).map {
        Array(String(character(ofByte: $0)).utf8)
    }

    func token(_ id: Int) -> String? { list.position(of: id).map(list.token) }
    func id(_ token: String) -> Int? { table.id(of: token).map(Int.init) }

    func normalized(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] { Array(text) }

    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, isNormalized: Bool, _ sink: inout TokenSink
    ) {
        guard options.addsLeadingSpace, text.first != 0x20, !text.isEmpty else {
            return tokenize(text, &sink)
        }
        ([0x20] + text).withUnsafeBufferPointer { tokenize($0, &sink) }
    }

    private func tokenize(_ text: UnsafeBufferPointer<UInt8>, _ sink: inout TokenSink) {
        guard let bytes = text.baseAddress else { return }
        var tokens: [Int32] = []
        var start = 0
        while start < text.count {
            let end =
                options.dividesIntoWords
                ? BytePairWords.shared.end(bytes, from: start, count: text.count) : text.count
            let word = UnsafeBufferPointer(rebasing: text[start..<end])
            start = end
            if options.prefersWholeWords, let id = wholeWord(word) {
                sink.append(id)
                continue
            }
            tokens.removeAll(keepingCapacity: true)
            for byte in word where tokenOfByte[Int(byte)] >= 0 {
                tokens.append(tokenOfByte[Int(byte)])
            }
            merges.apply(to: &tokens)
            for token in tokens { sink.append(token) }
        }
    }

    private func wholeWord(_ word: UnsafeBufferPointer<UInt8>) -> Int32? {
        // No token is that long, and what is looked up must be copied.
        guard word.count <= 1024 else { return nil }
        return table.id(of: word.flatMap { Self.charactersOfBytes[Int($0)] })
    }
}
