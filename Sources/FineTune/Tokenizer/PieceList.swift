/// Tokens and their ids, in order of id.
struct PieceList: Sendable {
    /// The UTF-8 bytes of all tokens, one after the other.
    private(set) var bytes: [UInt8] = []
    /// Where each token ends in `bytes`.
    private(set) var ends: [Int] = []
    /// The id of each token.
    private(set) var ids: [Int32] = []

    var count: Int { ids.count }

    /// Adds a token. Ids must be added in ascending order.
    mutating func append(_ token: some Sequence<UInt8>, id: Int32) {
        bytes.append(contentsOf: token)
        ends.append(bytes.count)
        ids.append(id)
    }

    mutating func reserveCapacity(_ count: Int, byteCount: Int) {
        bytes.reserveCapacity(byteCount)
        ends.reserveCapacity(count)
        ids.reserveCapacity(count)
    }

    /// Where the token at a position lies in `bytes`.
    func range(at position: Int) -> Range<Int> {
        (position == 0 ? 0 : ends[position - 1])..<ends[position]
    }

    /// The token at a position.
    func token(at position: Int) -> String {
        String(decoding: bytes[range(at: position)], as: UTF8.self)
    }

    /// The id of a token, or nil if there is no such token. Looks at them all.
    func id(of token: String) -> Int32? {
        (0..<count).first { bytes[range(at: $0)].elementsEqual(token.utf8) }.map { ids[$0] }
    }

    /// The position of an id, or nil if no token has it.
    func position(of id: Int) -> Int? {
        // Without gaps, which is the rule, the id is its own position.
        if ids.indices.contains(id), ids[id] == id { return id }
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == id ? low : nil
    }
}
