// Strings and numbers.

extension JSONParser {
    /// Reads the number at `position`.
    mutating func number() throws(Failure) -> JSON.Number {
        let start = position
        if peek() == UInt8(ascii: "-") { position += 1 }
        let integerStart = position
        try digits()
        if bytes[integerStart] == UInt8(ascii: "0") && position > integerStart + 1 {
            throw failure(.leadingZero, at: integerStart)
        }
        if peek() == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if let byte = peek(), byte | 0x20 == UInt8(ascii: "e") {
            position += 1
            if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
                position += 1
            }
            try digits()
        }
        return JSON.Number(checked: try text(start..<position))
    }

    private mutating func digits() throws(Failure) {
        let start = position
        while let byte = peek(), byte &- UInt8(ascii: "0") < 10 { position += 1 }
        if position == start { throw failure(.malformedNumber) }
    }

    /// Reads the string whose opening quotation mark stands at `position`.
    mutating func string() throws(Failure) -> String {
        position += 1
        let start = position
        try skipPlainText()
        guard bytes[position] != UInt8(ascii: "\"") else {
            position += 1
            return try text(start..<(position - 1))
        }
        return try stringWithEscapes(from: start)
    }

    /// Continues a string at its first backslash.
    private mutating func stringWithEscapes(from start: Int) throws(Failure) -> String {
        decoded.removeAll(keepingCapacity: true)
        let length = stringEnd(from: position) - start
        if length > decoded.capacity {
            try checkMemory(adding: length)
            decoded.reserveCapacity(length)
        }
        var plainStart = start
        while true {
            decoded.append(contentsOf: bytes[plainStart..<position])
            if bytes[position] == UInt8(ascii: "\"") {
                position += 1
                try takeString(decoded.count)
                return String(decoding: decoded, as: UTF8.self)
            }
            try escape()
            plainStart = position
            try skipPlainText()
        }
    }

    /// Where the string ends that goes on at a backslash.
    private func stringEnd(from backslash: Int) -> Int {
        var position = backslash
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position, bytes.count)
    }

    /// Counts the memory of a string; short ones take no more than the value itself.
    private mutating func takeString(_ byteCount: Int) throws(Failure) {
        if byteCount > 15 { try take(Self.heapBytes(byteCount)) }
    }

    /// Goes to the next quotation mark or backslash, and checks what lies before it.
    private mutating func skipPlainText() throws(Failure) {
        while position < bytes.count {
            let byte = bytes[position]
            if byte < 0x80 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
                if byte < 0x20 { throw failure(.controlCharacter(byte)) }
                position += 1
            } else {
                guard let length = sequenceLength(at: position) else {
                    throw failure(.invalidUTF8)
                }
                position += length
            }
        }
        throw failure(.unexpectedEnd)
    }

    /// The length of the UTF-8 sequence that begins with a byte over 0x7F, or nil if it is none
    /// (Unicode 16, table 3-7: overlong forms, surrogates and values over U+10FFFF are refused).
    func sequenceLength(at start: Int) -> Int? {
        let first = bytes[start]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard bytes.count - start >= length, second.contains(bytes[start + 1]) else { return nil }
        for offset in 2..<max(length, 2) where bytes[start + offset] & 0xC0 != 0x80 { return nil }
        return length
    }

    /// Decodes the escape sequence whose backslash stands at `position`.
    private mutating func escape() throws(Failure) {
        let start = position
        position += 1
        guard let byte = peek() else { throw failure(.unexpectedEnd) }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(byte)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            decoded.append(contentsOf: String(try scalar(from: start)).utf8)
        default: throw failure(.invalidEscape, at: start)
        }
    }

    /// Reads the four digits of a `\u` escape, and the second escape of a surrogate pair.
    private mutating func scalar(from start: Int) throws(Failure) -> Unicode.Scalar {
        let unit = try fourDigits(from: start)
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, bytes.count - position >= 2,
            bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
        else { throw failure(.loneSurrogate, at: start) }
        let secondStart = position
        position += 2
        let second = try fourDigits(from: secondStart)
        guard second >= 0xDC00, second < 0xE000,
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure(.loneSurrogate, at: start) }
        return scalar
    }

    private mutating func fourDigits(from start: Int) throws(Failure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek() else { throw failure(.unexpectedEnd) }
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure(.invalidEscape, at: start)
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    /// The text of checked bytes.
    private mutating func text(_ range: Range<Int>) throws(Failure) -> String {
        try takeString(range.count)
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }
}
