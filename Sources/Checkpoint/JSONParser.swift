/// Builds a ``JSON`` from bytes without recursion.
///
/// Finished values wait on one stack until the container around them closes and takes them.
struct JSONParser {
    typealias Failure = JSON.SyntaxError
    typealias Reason = JSON.SyntaxError.Reason

    let bytes: UnsafeRawBufferPointer
    var position = 0
    /// The bytes of a string that contains escapes.
    var decoded: [UInt8] = []

    private let depthLimit: Int
    private let duplicateKeys: JSON.DuplicateKeys
    private var values: [JSON] = []
    private var keys: [Key] = []
    private var containers: [Container] = []
    /// The memory that finished strings, arrays and objects take.
    private var finishedBytes = 0

    private typealias Key = (text: String, offset: Int)

    /// An array or object that is still open.
    private struct Container {
        let isObject: Bool
        /// Where its values begin on the stack.
        let firstValue: Int
        /// Where its keys begin on the stack.
        let firstKey: Int
    }

    init(
        _ bytes: UnsafeRawBufferPointer, depthLimit: Int, duplicateKeys: JSON.DuplicateKeys
    ) {
        self.bytes = bytes
        self.depthLimit = depthLimit
        self.duplicateKeys = duplicateKeys
    }

    /// Parses the one value that the bytes hold.
    mutating func parse() throws(Failure) -> JSON {
        try refuseOtherEncodings()
        skipSpace()
        if position == bytes.count { throw failure(.empty) }
        repeat {
            while try opensContainer() {}
        } while try followedByAnother()
        skipSpace()
        guard position == bytes.count, let result = values.popLast() else {
            throw failure(
                bytes[position] == UInt8(ascii: "/") ? .comment : .trailingContent)
        }
        return result
    }

    /// RFC 8259, section 8.1: UTF-8 without a byte order mark. Other encodings of any JSON text
    /// show by a zero among its first bytes.
    private func refuseOtherEncodings() throws(Failure) {
        guard bytes.count < 1 << 31 else { throw failure(.tooLong) }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw failure(.byteOrderMark) }
        let isWide =
            bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
            || bytes.count >= 2 && (bytes[0] == 0) != (bytes[1] == 0)
            || bytes.count >= 4 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 0
        if isWide { throw failure(.wideEncoding) }
    }

    // MARK: Values

    /// Begins the value at `position`. True if that opened a container whose first value is next;
    /// false if a value was completed and put on the stack.
    private mutating func opensContainer() throws(Failure) -> Bool {
        guard let byte = peek() else { throw failure(.unexpectedEnd) }
        switch byte {
        case UInt8(ascii: "\""):
            try push(.string(try string()))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try push(.number(try number()))
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return try open(isObject: byte == UInt8(ascii: "{"))
        case UInt8(ascii: "t"): try word("true", means: true)
        case UInt8(ascii: "f"): try word("false", means: false)
        case UInt8(ascii: "n"): try word("null", means: .null)
        default: throw unexpected(byte, expected: "a value")
        }
        return false
    }

    private mutating func open(isObject: Bool) throws(Failure) -> Bool {
        guard containers.count < depthLimit else { throw failure(.tooDeep(limit: depthLimit)) }
        position += 1
        skipSpace()
        guard let byte = peek() else { throw failure(.unexpectedEnd) }
        if byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
            position += 1
            try push(isObject ? .object(JSON.Object()) : .array([]))
            return false
        }
        containers.append(
            Container(isObject: isObject, firstValue: values.count, firstKey: keys.count))
        if isObject { try key() }
        return true
    }

    /// Reads what follows a complete value: closes the containers that end there. True if a comma
    /// announces another value, which is next; false if no container is open any more.
    private mutating func followedByAnother() throws(Failure) -> Bool {
        while let container = containers.last {
            skipSpace()
            guard let byte = peek() else { throw failure(.unexpectedEnd) }
            if byte == UInt8(ascii: ",") {
                try comma(in: container)
                return true
            }
            guard byte == (container.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                throw unexpected(
                    byte, expected: container.isObject ? "',' or '}'" : "',' or ']'")
            }
            position += 1
            try close(container)
        }
        return false
    }

    private mutating func comma(in container: Container) throws(Failure) {
        let comma = position
        position += 1
        skipSpace()
        guard let byte = peek() else { throw failure(.unexpectedEnd) }
        if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
            throw failure(.trailingComma, at: comma)
        }
        if container.isObject { try key() }
    }

    /// Takes the container's values off the stack and puts the container on it.
    private mutating func close(_ container: Container) throws(Failure) {
        containers.removeLast()
        let count = values.count - container.firstValue
        guard container.isObject else {
            try take(Self.heapBytes(count * MemoryLayout<JSON>.stride))
            let elements = Array(values[container.firstValue...])
            values.removeSubrange(container.firstValue...)
            return try push(.array(elements))
        }
        try take(Self.heapBytes(JSON.Object.byteCount(for: count)))
        var object = JSON.Object()
        object.reserveCapacity(count)
        for index in container.firstKey..<keys.count {
            let key = keys[index]
            let value = values[container.firstValue + index - container.firstKey]
            if object.append(key: key.text, value: value) { continue }
            guard duplicateKeys == .lastStays else {
                throw failure(.duplicateKey(key.text), at: key.offset)
            }
            object[key.text] = value
        }
        keys.removeSubrange(container.firstKey...)
        values.removeSubrange(container.firstValue...)
        try push(.object(object))
    }

    /// Reads a key and the colon after it.
    private mutating func key() throws(Failure) {
        guard let byte = peek() else { throw failure(.unexpectedEnd) }
        guard byte == UInt8(ascii: "\"") else { throw unexpected(byte, expected: "a key in '\"'") }
        let offset = position
        let text = try string()
        if keys.count == keys.capacity {
            try checkMemory(adding: 2 * keys.count * MemoryLayout<Key>.stride)
            keys.reserveCapacity(Self.room(beyond: keys.count))
        }
        keys.append((text, offset))
        skipSpace()
        guard let next = peek() else { throw failure(.unexpectedEnd) }
        guard next == UInt8(ascii: ":") else { throw unexpected(next, expected: "':'") }
        position += 1
        skipSpace()
    }

    private mutating func word(_ word: StaticString, means value: JSON) throws(Failure) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard let byte = peek() else { throw failure(.unexpectedEnd) }
            guard byte == word.utf8Start[offset] else {
                throw unexpected(byte, expected: "'\(word)'")
            }
            position += 1
        }
        try push(value)
    }

    private mutating func push(_ value: JSON) throws(Failure) {
        // A full stack moves to a larger place, takes both meanwhile, and leaves a hole behind.
        if values.count == values.capacity {
            try checkMemory(adding: 2 * values.count * MemoryLayout<JSON>.stride)
            values.reserveCapacity(Self.room(beyond: values.count))
        }
        values.append(value)
    }

    /// Room for a quarter more. An array by itself would take twice as much, from a beginning that depends
    /// on the allocator: whether a large text is refused would be a matter of luck.
    private static func room(beyond count: Int) -> Int { max(64, count + count / 4) }

    // MARK: Memory

    /// The memory that a text may take while it is parsed: what no text with a purpose needs, whose
    /// values are more than one digit long.
    static func memoryLimit(byteCount: Int) -> Int { 16 << 20 + 8 * byteCount }
    /// The part of it that is counted. The rest is for what the allocator cannot use again at once.
    private static func countedLimit(byteCount: Int) -> Int {
        memoryLimit(byteCount: byteCount) / 4 * 3
    }

    /// Counts memory for something finished.
    ///
    /// - Throws: Where that is more than the text may take.
    mutating func take(_ byteCount: Int) throws(Failure) {
        try checkMemory(adding: byteCount)
        finishedBytes += byteCount
    }

    func checkMemory(adding byteCount: Int) throws(Failure) {
        let stacks =
            values.capacity * MemoryLayout<JSON>.stride + keys.capacity * MemoryLayout<Key>.stride
        let total = finishedBytes + stacks + decoded.capacity + byteCount
        guard total <= Self.countedLimit(byteCount: bytes.count) else {
            throw failure(.tooManyValues(memoryLimit: Self.memoryLimit(byteCount: bytes.count)))
        }
    }

    /// What an array or string on the heap takes for so many bytes, with its header and the allocator's.
    static func heapBytes(_ byteCount: Int) -> Int { byteCount + 48 }

    // MARK: Bytes

    @inline(__always)
    func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    @inline(__always)
    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    // MARK: Failures

    private func unexpected(_ byte: UInt8, expected: String) -> Failure {
        if byte == UInt8(ascii: "/") { return failure(.comment) }
        if byte >= 0x80 && sequenceLength(at: position) == nil { return failure(.invalidUTF8) }
        return failure(.unexpected(byte: byte, expected: expected))
    }

    func failure(_ reason: Reason) -> Failure { failure(reason, at: position) }

    func failure(_ reason: Reason, at offset: Int) -> Failure {
        var (line, column) = (1, 1)
        for byte in bytes[..<offset] {
            if byte == 0x0A {
                (line, column) = (line + 1, 1)
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return Failure(reason: reason, byteOffset: offset, line: line, column: column)
    }
}
