extension JSON {
    /// The value as JSON text.
    ///
    /// - Parameter pretty: Whether every member and element stands on a line of its own, indented
    ///   by two spaces a level, as `json.dumps(value, indent=2)` has it; if not, there is no space.
    /// - Returns: The text, without a line end after it.
    public func serialized(pretty: Bool = false) -> String {
        String(decoding: serializedBytes(pretty: pretty), as: UTF8.self)
    }

    /// The value as JSON text in UTF-8.
    ///
    /// - Parameter pretty: See ``serialized(pretty:)``.
    /// - Returns: The text, without a line end after it.
    public func serializedBytes(pretty: Bool = false) -> [UInt8] {
        var writer = JSONWriter(pretty: pretty)
        writer.write(self)
        return writer.bytes
    }
}

extension JSON: CustomStringConvertible {
    /// The value as JSON text without space.
    public var description: String { serialized() }
}

/// Appends JSON text to bytes.
private struct JSONWriter {
    var bytes: [UInt8] = []
    let pretty: Bool
    private var depth = 0

    init(pretty: Bool) { self.pretty = pretty }

    mutating func write(_ value: JSON) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .number(let number): bytes.append(contentsOf: number.literal.utf8)
        case .string(let string): write(string)
        case .array(let elements):
            writeContainer("[", elements, "]") { writer, element in writer.write(element) }
        case .object(let members):
            writeContainer("{", members, "}") { writer, member in
                writer.write(member.key)
                writer.append(writer.pretty ? ": " : ":")
                writer.write(member.value)
            }
        }
    }

    private mutating func writeContainer<Members: Collection>(
        _ opening: StaticString, _ members: Members, _ closing: StaticString,
        writeMember: (inout JSONWriter, Members.Element) -> Void
    ) {
        append(opening)
        depth += 1
        var isFirst = true
        for member in members {
            if !isFirst { append(",") }
            isFirst = false
            breakLine()
            writeMember(&self, member)
        }
        depth -= 1
        if !isFirst { breakLine() }
        append(closing)
    }

    /// Escapes what RFC 8259, section 7 says must be: quotation marks, backslashes and control
    /// characters.
    private mutating func write(_ string: String) {
        append("\"")
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x08: append("\\b")
            case 0x09: append("\\t")
            case 0x0A: append("\\n")
            case 0x0C: append("\\f")
            case 0x0D: append("\\r")
            case 0..<0x20:
                append(byte < 0x10 ? "\\u000" : "\\u001")
                bytes.append(contentsOf: String(byte & 0xF, radix: 16).utf8)
            default: bytes.append(byte)
            }
        }
        append("\"")
    }

    private mutating func breakLine() {
        guard pretty else { return }
        append("\n")
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    private mutating func append(_ text: StaticString) {
        bytes.append(
            contentsOf: UnsafeBufferPointer(
                start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
