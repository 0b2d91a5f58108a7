extension StringProtocol {
    /// How many columns the text takes in a terminal: 2 for a wide character of East Asia or an
    /// emoji, 0 for a lone mark, else 1 (Unicode Standard Annex 11).
    package var terminalWidth: Int { reduce(0) { $0 + $1.terminalWidth } }

    /// The text without control characters, which would break a line or steer the terminal.
    package var withoutControls: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
                    default: scalar
                    }
                }))
    }

    /// The beginning that fits into `width` columns, with an ellipsis if something was cut.
    package func truncated(toTerminalWidth width: Int) -> String {
        guard terminalWidth > width else { return String(self) }
        guard width > 0 else { return "" }
        var (kept, used) = ("", 1)
        for character in self {
            used += character.terminalWidth
            guard used <= width else { break }
            kept.append(character)
        }
        return kept + "…"
    }

    /// The text with spaces before or after it, to fill `width` columns.
    package func padded(toTerminalWidth width: Int, alignedRight: Bool = false) -> String {
        let spaces = String(repeating: " ", count: Swift.max(0, width - terminalWidth))
        return alignedRight ? spaces + self : self + spaces
    }
}

extension Character {
    /// An emoji of many scalars is one wide picture; the letters of a syllable stand side by side.
    fileprivate var terminalWidth: Int {
        guard let first = unicodeScalars.first else { return 0 }
        let isEmoji = first.properties.isEmojiPresentation || unicodeScalars.contains("\u{FE0F}")
        return isEmoji ? 2 : unicodeScalars.reduce(0) { $0 + $1.terminalWidth }
    }
}

extension Unicode.Scalar {
    fileprivate var terminalWidth: Int {
        if (0x20...0x7E).contains(value) { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        // The vowels and final consonants of Korean stand within their syllable's first letter.
        if (0x1160...0x11FF).contains(value) { return 0 }
        return Self.wide.contains { $0.contains(value) } ? 2 : 1
    }

    /// The blocks whose characters are wide or full-width.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F,
        0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
        0x17000...0x18CFF, 0x1B000...0x1B2FF, 0x20000...0x3FFFD,
    ]
}
