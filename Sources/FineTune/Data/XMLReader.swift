/// Reads the elements and texts of an XML document one after the other (Extensible Markup Language 1.0,
/// fifth edition): as much of it as labelled texts need.
///
/// Names, nesting, references to characters and the five predefined entities are checked; attributes
/// are skipped, and so are comments and processing instructions. Document types, which can define
/// entities of any size, are refused.
struct XMLReader {
    enum Event: Equatable {
        case begin(String)
        case end(String)
        /// Text between two tags, references resolved.
        case text(String)
    }

    /// The line at which the last event began, from 1.
    private(set) var line = 1
    private let bytes: UnsafeRawBufferPointer
    private let path: String
    private var position = 0
    /// The line of `position`.
    private var currentLine = 1
    private var open: [String] = []
    /// The end of an element without content.
    private var pending: Event?
    private var hasRoot = false

    private static let deepest = 64

    /// - Parameters:
    ///   - bytes: UTF-8, valid as long as the reader is used.
    ///   - path: The file, for messages.
    init(_ bytes: UnsafeRawBufferPointer, path: String) {
        (self.bytes, self.path) = (bytes, path)
    }

    /// The next event; nil at the end of a complete document.
    mutating func next() throws(DataError) -> Event? {
        if let pending {
            self.pending = nil
            return pending
        }
        while position < bytes.count {
            line = currentLine
            guard bytes[position] == UInt8(ascii: "<") else {
                let text = try readText()
                if !open.isEmpty { return .text(text) }
                guard text.isBlank else { throw error("there is text outside the root element") }
                continue
            }
            if let event = try readMarkup() { return event }
        }
        if let name = open.last { throw error("the element '\(name)' is never closed") }
        guard hasRoot else { throw error("there is no element") }
        return nil
    }

    // MARK: Markup

    /// An event, or nil for what is skipped.
    private mutating func readMarkup() throws(DataError) -> Event? {
        if skip("<!--") {
            try advance(past: "-->", of: "comment")
            return nil
        }
        if skip("<?") {
            try advance(past: "?>", of: "processing instruction")
            return nil
        }
        if skip("<![CDATA[") {
            let start = position
            try advance(past: "]]>", of: "CDATA section")
            guard !open.isEmpty else { throw error("there is text outside the root element") }
            return .text(String(decoding: bytes[start..<position - 3], as: UTF8.self))
        }
        if skip("<!") { throw error("document types are not read; remove the '<!…>'") }
        return skip("</") ? try readEnd() : try readBegin()
    }

    private mutating func readEnd() throws(DataError) -> Event {
        let name = try readName()
        skipSpace()
        guard skip(">") else { throw error("the closing tag of '\(name)' has no '>'") }
        guard let last = open.popLast(), last.utf8.elementsEqual(name.utf8) else {
            throw error("'</\(name)>' closes no element that is open")
        }
        return .end(name)
    }

    private mutating func readBegin() throws(DataError) -> Event {
        _ = skip("<")
        let name = try readName()
        guard !open.isEmpty || !hasRoot else {
            throw error("there is a second root element '\(name)'")
        }
        guard open.count < Self.deepest else {
            throw error("elements are nested deeper than \(Self.deepest)")
        }
        hasRoot = true
        try skipAttributes(of: name)
        if skip("/>") {
            pending = .end(name)
        } else {
            guard skip(">") else { throw error("the tag of '\(name)' has no '>'") }
            open.append(name)
        }
        return .begin(name)
    }

    private mutating func skipAttributes(of name: String) throws(DataError) {
        skipSpace()
        while position < bytes.count, !Self.endsTag(bytes[position]) {
            _ = try readName()
            skipSpace()
            guard skip("=") else { throw error("an attribute of '\(name)' has no value") }
            skipSpace()
            guard position < bytes.count, Self.isQuote(bytes[position]) else {
                throw error("the value of an attribute of '\(name)' is not in quotes")
            }
            let quote = bytes[position]
            position += 1
            try advance(past: quote == .doubleQuote ? "\"" : "'", of: "value")
            skipSpace()
        }
    }

    private mutating func readName() throws(DataError) -> String {
        let start = position
        while position < bytes.count, Self.isNameByte(bytes[position]) { position += 1 }
        guard position > start, !Self.isDigitLike(bytes[start]) else {
            throw error("a '<' is followed by no name; write it as '&lt;'")
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    // MARK: Text

    private mutating func readText() throws(DataError) -> String {
        var text: [UInt8] = []
        while position < bytes.count, bytes[position] != UInt8(ascii: "<") {
            if bytes[position] == UInt8(ascii: "&") {
                text += Array(String(try readReference()).utf8)
            } else {
                if bytes[position] == .lineFeed { currentLine += 1 }
                text.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func readReference() throws(DataError) -> Unicode.Scalar {
        let limit = min(position + 12, bytes.count)
        guard let end = bytes[position..<limit].firstIndex(of: UInt8(ascii: ";")) else {
            throw error("an '&' begins no reference; write it as '&amp;'")
        }
        let name = String(decoding: bytes[position + 1..<end], as: UTF8.self)
        guard let scalar = Self.scalar(name) else { throw error("'&\(name);' is not known") }
        position = end + 1
        return scalar
    }

    private static func scalar(_ name: String) -> Unicode.Scalar? {
        switch name {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default: break
        }
        let digits = name.dropFirst(name.hasPrefix("#x") ? 2 : 1)
        let radix = name.hasPrefix("#x") ? 16 : 10
        guard name.hasPrefix("#"), digits.first?.isHexDigit == true,
            let value = UInt32(digits, radix: radix), value > 0
        else { return nil }
        return Unicode.Scalar(value)
    }

    // MARK: Bytes

    private mutating func skip(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { wanted in
            guard bytes[position...].starts(with: wanted) else { return false }
            position += wanted.count
            return true
        }
    }

    private mutating func skipSpace() {
        while position < bytes.count, Self.isSpace(bytes[position]) {
            if bytes[position] == .lineFeed { currentLine += 1 }
            position += 1
        }
    }

    private mutating func advance(past end: StaticString, of what: String) throws(DataError) {
        while position < bytes.count {
            if skip(end) { return }
            if bytes[position] == .lineFeed { currentLine += 1 }
            position += 1
        }
        throw error("a \(what) is never closed")
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == .lineFeed
            || byte == .carriageReturn
    }

    private static func isQuote(_ byte: UInt8) -> Bool {
        byte == .doubleQuote || byte == UInt8(ascii: "'")
    }

    private static func endsTag(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/")
    }

    /// Letters, digits, `_ : - .` and everything beyond ASCII.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"),
            UInt8(ascii: "-"), UInt8(ascii: "."), 0x80...:
            true
        default: false
        }
    }

    /// What a name may hold but not begin with.
    private static func isDigitLike(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }

    func error(_ reason: String) -> DataError {
        DataError(.malformedXML(reason), path: path, line: line)
    }
}
