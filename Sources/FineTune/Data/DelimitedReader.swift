/// What a double quote means in a table.
public enum Quoting: Hashable, Sendable {
    /// A field that begins with a double quote ends at the next single one; inside it stand
    /// separators, line ends and doubled quotes (RFC 4180, section 2). Elsewhere a quote is an
    /// ordinary character.
    case doubleQuotes
    /// A quote is an ordinary character everywhere, as in `text/tab-separated-values`.
    case none
}

/// Reads the rows of a table of bytes, one after the other.
struct DelimitedReader {
    /// One row and the line it begins on.
    struct Row {
        let line: Int
        let fields: [String]
    }

    private let bytes: UnsafeRawBufferPointer
    private let separator: UInt8
    private let quoting: Quoting
    private let path: String
    private var position = 0
    private var line = 1

    /// A reader of UTF-8 text, which must outlive it.
    init(_ bytes: UnsafeRawBufferPointer, separator: UInt8, quoting: Quoting, path: String) {
        (self.bytes, self.separator, self.quoting, self.path) = (bytes, separator, quoting, path)
    }

    /// The next row that is not an empty line, or nil at the end.
    mutating func next() throws(DataError) -> Row? {
        while position < bytes.count, isLineEnd(bytes[position]) { endLine() }
        guard position < bytes.count else { return nil }
        let firstLine = line
        var fields: [String] = []
        while true {
            fields.append(try field())
            guard position < bytes.count else { break }
            if isLineEnd(bytes[position]) {
                endLine()
                break
            }
            position += 1  // the separator, perhaps before an empty last field
        }
        return Row(line: firstLine, fields: fields)
    }

    /// The field at `position`, which moves to the separator, line end or file end after it.
    private mutating func field() throws(DataError) -> String {
        if quoting == .doubleQuotes, position < bytes.count, bytes[position] == .doubleQuote {
            return try quotedField()
        }
        let start = position
        while position < bytes.count, bytes[position] != separator, !isLineEnd(bytes[position]) {
            position += 1
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func quotedField() throws(DataError) -> String {
        let firstLine = line
        position += 1
        var content: [UInt8] = []
        var start = position
        while position < bytes.count {
            guard bytes[position] == .doubleQuote else {
                if isLineEnd(bytes[position]) { endLine() } else { position += 1 }
                continue
            }
            content.append(contentsOf: bytes[start..<position])
            position += 1
            guard position < bytes.count, bytes[position] == .doubleQuote else {
                try checkEndOfQuotedField()
                return String(decoding: content, as: UTF8.self)
            }
            start = position  // the second quote of two is content
            position += 1
        }
        throw DataError(.unclosedQuote, path: path, line: firstLine)
    }

    private func checkEndOfQuotedField() throws(DataError) {
        guard position < bytes.count, bytes[position] != separator, !isLineEnd(bytes[position])
        else { return }
        throw DataError(.textAfterQuote, path: path, line: line)
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == .lineFeed || byte == .carriageReturn }

    private mutating func endLine() {
        position += lineEndLength(in: bytes, at: position)
        line += 1
    }
}
