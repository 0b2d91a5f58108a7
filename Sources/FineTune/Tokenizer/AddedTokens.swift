/// Tokens that are looked for in the text itself, before it is divided into words: the special
/// ones, and those that were added to a vocabulary later.
struct AddedTokens: Sendable {
    /// One of them, with its flags in a `tokenizer.json`.
    struct Token: Sendable {
        var content: String
        var id: Int32
        /// Only where no letter, digit or mark touches it.
        var isSingleWord = false
        /// White space before it is part of it.
        var stripsLeft = false
        /// White space after it is part of it.
        var stripsRight = false
        /// Looked for in the normalized text, in its own normalized form.
        var isNormalized = false
    }

    private struct Pattern: Sendable {
        let bytes: [UInt8]
        let token: Token
    }

    /// By first byte, then from the longest to the shortest.
    private var patterns: [Pattern] = []
    /// The patterns that begin with each byte.
    private var byFirstByte = [Range<Int>](repeating: 0..<0, count: 256)

    var isEmpty: Bool { patterns.isEmpty }

    /// - Parameter tokens: The tokens and what to look for. An empty pattern is never found, and
    ///   of equal ones only the first.
    init(_ tokens: [(pattern: [UInt8], token: Token)] = []) {
        let sorted = tokens.enumerated().filter { !$0.element.pattern.isEmpty }.sorted {
            let (left, right) = ($0.element.pattern, $1.element.pattern)
            return (left[0], right.count, $0.offset) < (right[0], left.count, $1.offset)
        }
        patterns = sorted.map { Pattern(bytes: $0.element.pattern, token: $0.element.token) }
        for (position, pattern) in patterns.enumerated() {
            let first = Int(pattern.bytes[0])
            let start = byFirstByte[first].isEmpty ? position : byFirstByte[first].lowerBound
            byFirstByte[first] = start..<position + 1
        }
    }

    /// Divides a text into tokens and the parts between them, in order. As in the `tokenizers`
    /// package, the leftmost token wins, of several there the longest, and one that fails its
    /// single-word condition hides those inside it.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8.
    ///   - part: Called with each part that is no token; never with an empty one.
    ///   - found: Called with each token's id.
    func divide(
        _ bytes: UnsafeBufferPointer<UInt8>, part: (UnsafeBufferPointer<UInt8>) -> Void,
        found: (Int32) -> Void
    ) {
        var done = 0
        var position = 0
        while let (start, pattern) = next(in: bytes, from: position) {
            let end = start + pattern.bytes.count
            position = end
            if pattern.token.isSingleWord, !isSingleWord(bytes, start..<end) { continue }
            var (left, right) = (start, end)
            if pattern.token.stripsLeft { left = max(done, spaceStart(bytes, before: start)) }
            if pattern.token.stripsRight { right = spaceEnd(bytes, after: end) }
            if done < left { part(UnsafeBufferPointer(rebasing: bytes[done..<left])) }
            found(pattern.token.id)
            done = right
        }
        if done < bytes.count { part(UnsafeBufferPointer(rebasing: bytes[done...])) }
    }

    private func next(
        in bytes: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> (start: Int, pattern: Pattern)? {
        var position = start
        while position < bytes.count {
            let candidates = byFirstByte[Int(bytes[position])]
            if !candidates.isEmpty {
                let rest = bytes[position...]
                for pattern in patterns[candidates] where rest.starts(with: pattern.bytes) {
                    return (position, pattern)
                }
            }
            position += 1
        }
        return nil
    }
}

// MARK: What touches a token

extension AddedTokens {
    private func isSingleWord(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        let before = scalar(bytes, before: range.lowerBound)
        let after = scalar(bytes, at: range.upperBound)
        return !(before.map(Self.isWordScalar) ?? false) && !(after.map(Self.isWordScalar) ?? false)
    }

    /// The class `\w` of Unicode Technical Standard 18, annex C.
    private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
            true
        default: scalar.properties.isAlphabetic || scalar.properties.isJoinControl
        }
    }

    private func spaceStart(_ bytes: UnsafeBufferPointer<UInt8>, before end: Int) -> Int {
        var position = end
        while let scalar = scalar(bytes, before: position), scalar.properties.isWhitespace {
            position -= UTF8.width(scalar)
        }
        return position
    }

    private func spaceEnd(_ bytes: UnsafeBufferPointer<UInt8>, after start: Int) -> Int {
        var position = start
        while let scalar = scalar(bytes, at: position), scalar.properties.isWhitespace {
            position += UTF8.width(scalar)
        }
        return position
    }

    private func scalar(
        _ bytes: UnsafeBufferPointer<UInt8>, before position: Int
    ) -> Unicode.Scalar? {
        var start = position - 1
        while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return start < 0 ? nil : scalar(bytes, at: start)
    }

    private func scalar(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Unicode.Scalar? {
        guard let base = bytes.baseAddress, position < bytes.count else { return nil }
        return Unicode.Scalar(decodeScalar(at: base + position).scalar)
    }
}
