/// Divides a text into words as GPT-2 does (Radford et al., "Language Models are Unsupervised
/// Multitask Learners", 2019, and its published encoder): with the expression
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///
/// The words, one after the other, are the whole text; most begin with their space.
struct BytePairWords: Sendable {
    /// What the expression tells apart.
    private enum Kind: UInt8 {
        case other, letter, number, space
    }

    private var kinds = ScalarTable(repeating: Kind.other)

    static let shared = BytePairWords()

    private init() {
        kinds.assign(.letter, toRanges: BytePairCharacterData.letters)
        kinds.assign(.number, toRanges: BytePairCharacterData.numbers)
        kinds.assign(.space, toRanges: BytePairCharacterData.whitespace)
    }

    /// Where the word ends that begins at `start`.
    ///
    /// - Parameters:
    ///   - text: UTF-8.
    ///   - start: Where a scalar begins.
    ///   - count: The length of the text, beyond `start`.
    /// - Returns: A position beyond `start`.
    func end(
        _ text: UnsafePointer<UInt8>, from start: Int, count: Int
    ) -> Int {
        if text[start] == 0x27, let end = contractionEnd(text, from: start, count: count) {
            return end
        }
        var position = start
        var (kind, length) = self.kind(text, at: position)
        // A single space belongs to the word after it.
        if text[start] == 0x20, start + 1 < count {
            let next = self.kind(text, at: start + 1)
            if next.kind != .space {
                position += 1
                (kind, length) = next
            }
        }
        guard kind != .space else { return spaceEnd(text, from: start, count: count) }
        repeat {
            position += length
            guard position < count else { return count }
            let next = self.kind(text, at: position)
            guard next.kind == kind else { return position }
            length = next.length
        } while true
    }

    /// Where a run of white space ends: before its last scalar, if something else follows, unless
    /// it is the only one.
    private func spaceEnd(_ text: UnsafePointer<UInt8>, from start: Int, count: Int) -> Int {
        var (position, last) = (start, start)
        while position < count {
            let (kind, length) = self.kind(text, at: position)
            guard kind == .space else { return last > start ? last : position }
            last = position
            position += length
        }
        return count
    }

    /// Where `'s` and the like end, or nil if there is none.
    private func contractionEnd(
        _ text: UnsafePointer<UInt8>, from start: Int, count: Int
    ) -> Int? {
        guard start + 1 < count else { return nil }
        let second = text[start + 1]
        switch second {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return start + 2
        default: break
        }
        guard start + 2 < count else { return nil }
        switch (second, text[start + 2]) {
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return start + 3
        default: return nil
        }
    }

    @inline(__always)
    private func kind(
        _ text: UnsafePointer<UInt8>, at position: Int
    ) -> (kind: Kind, length: Int) {
        let (scalar, length) = decodeScalar(at: text + position)
        return (kinds[scalar], length)
    }
}
