extension String {
    /// Whether there is nothing but white space.
    var isBlank: Bool { unicodeScalars.allSatisfy(\.properties.isWhitespace) }

    /// The beginning, with an ellipsis if something was cut.
    func shortened(to limit: Int) -> String {
        count > limit ? prefix(limit - 1) + "…" : self
    }

    /// The parts between `separator`, without the white space around each.
    func split(separator: Character, omitting emptyParts: Bool) -> [String] {
        split(separator: separator, omittingEmptySubsequences: emptyParts).map { part in
            let start = part.drop(while: \.isWhitespace)
            guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
            return String(start[...last])
        }
    }
}

extension Double {
    /// The finite number that `text` spells in decimal digits, perhaps with white space around it.
    package init?(decimal text: String) {
        let parts = text.split(whereSeparator: \.isWhitespace)
        guard parts.count == 1, let digits = parts.first,
            digits.utf8.allSatisfy(Self.isDecimalCharacter), let value = Double(digits),
            value.isFinite
        else { return nil }
        self = value
    }

    private static func isDecimalCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
            UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
}
