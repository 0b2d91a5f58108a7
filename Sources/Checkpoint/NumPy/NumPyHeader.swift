import Tensor

/// The description in front of an array in NumPy's format (`numpy.lib.format`): a line of Python that
/// names type, order and shape. It is read as data, by a grammar of its own.
struct NumPyHeader {
    typealias Reason = NumPyFileError.Reason

    let type: NumPyType
    let isFortranOrder: Bool
    let shape: [Int]
    /// Where the elements begin.
    let headerEnd: Int

    static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

    /// Reads the header of an array and checks that its elements fill the rest.
    init(_ bytes: UnsafeRawBufferPointer) throws(Reason) {
        let text = try Self.text(bytes)
        headerEnd = text.upperBound
        var parser = NumPyHeaderParser(
            UnsafeRawBufferPointer(rebasing: bytes[text]), begin: text.lowerBound)
        let fields = try parser.fields()
        type = try NumPyType(fields.descr)
        (isFortranOrder, shape) = (fields.isFortranOrder, fields.shape)
        let expected = try byteCount()
        let found = bytes.count - headerEnd
        if found < expected { throw .truncatedData(missingByteCount: expected - found) }
        if found > expected { throw .trailingBytes(count: found - expected) }
    }

    /// Where the line of Python stands.
    private static func text(_ bytes: UnsafeRawBufferPointer) throws(Reason) -> Range<Int> {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.starts(with: magic) else {
            throw magic.starts(with: bytes) ? .truncatedHeader : .unknownFormat
        }
        guard bytes.count >= 8 else { throw .truncatedHeader }
        let (major, minor) = (Int(bytes[6]), Int(bytes[7]))
        guard (1...3).contains(major), minor == 0 else {
            throw .unsupportedVersion(major: major, minor: minor)
        }
        let begin = major == 1 ? 10 : 12
        let length =
            major == 1
            ? bytes.littleEndian(UInt16.self, at: 8).map(Int.init)
            : bytes.littleEndian(UInt32.self, at: 8).map(Int.init)
        guard let length else { throw .truncatedHeader }
        guard length <= NumPyFile.headerByteLimit else { throw .headerTooLong(byteCount: length) }
        guard length <= bytes.count - begin else { throw .truncatedHeader }
        return begin..<(begin + length)
    }

    /// The bytes that the elements take. A dimension of 0 does not excuse the others from being
    /// countable.
    private func byteCount() throws(Reason) -> Int {
        var count = max(type.byteCount, 1)
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: max(size, 1))
            guard !overflow else { throw .tooLarge }
            count = product
        }
        return type.byteCount == 0 || shape.contains(0) ? 0 : count
    }
}

/// The type of an array's elements, such as `<f4`: order of the bytes, kind, size.
struct NumPyType {
    /// As the file spells it.
    let text: String
    /// The bytes of one element.
    let byteCount: Int
    let isBigEndian: Bool
    /// The type of a tensor of such elements, or nil if none can hold them.
    let dtype: Tensor.DType?

    init(_ text: String) throws(NumPyFileError.Reason) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 2, "<>|=".utf8.contains(bytes[0]) else { throw .unknownType(text) }
        let kind = Character(Unicode.Scalar(bytes[1]))
        guard kind != "O" else { throw .pythonObjects }
        // A date has its unit in brackets.
        let digits = bytes[2...].prefix { (0x30...0x39).contains($0) }
        let unit = bytes[(2 + digits.count)...]
        let isDate = kind == "M" || kind == "m"
        guard let size = Int(String(decoding: digits, as: UTF8.self)), digits.count <= 9,
            "biufcSUVMm".contains(kind), isDate || unit.isEmpty
        else { throw .unknownType(text) }
        self.text = text
        byteCount = kind == "U" ? 4 * size : size
        isBigEndian = bytes[0] == UInt8(ascii: ">")
        dtype =
            switch (kind, size) {
            case ("b", 1): .bool
            case ("u", 1): .uint8
            case ("u", 2): .uint16
            case ("u", 4): .uint32
            case ("u", 8): .uint64
            case ("i", 1): .int8
            case ("i", 2): .int16
            case ("i", 4): .int32
            case ("i", 8): .int64
            case ("f", 2): .float16
            case ("f", 4): .float32
            case ("f", 8): .float64
            default: nil
            }
        guard dtype != nil || !"biu".contains(kind) else { throw .unknownType(text) }
    }
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` and nothing else.
struct NumPyHeaderParser {
    typealias Reason = NumPyFileError.Reason

    /// What the header says.
    struct Fields {
        var descr = ""
        var isFortranOrder = false
        var shape: [Int] = []
    }

    private let bytes: UnsafeRawBufferPointer
    private let begin: Int
    private var position = 0

    /// Reads `bytes`, which stand at `begin` in the array, for messages.
    init(_ bytes: UnsafeRawBufferPointer, begin: Int) {
        (self.bytes, self.begin) = (bytes, begin)
    }

    mutating func fields() throws(Reason) -> Fields {
        var fields = Fields()
        var keys: Set<String> = []
        try expect("{", "a dictionary")
        while !skip("}") {
            let key = try string()
            guard keys.insert(key).inserted else { throw .duplicateField(key) }
            try expect(":", "a colon")
            switch key {
            case "descr": fields.descr = try type()
            case "fortran_order": fields.isFortranOrder = try truthValue()
            case "shape": fields.shape = try shape()
            default: throw .unknownField(key)
            }
            if !skip(",") {
                try expect("}", "a comma or the end of the dictionary")
                break
            }
        }
        skipSpace()
        guard position == bytes.count else { throw unexpected("the end of the header") }
        for key in ["descr", "fortran_order", "shape"] where !keys.contains(key) {
            throw .missingField(key)
        }
        return fields
    }

    private func unexpected(_ expected: String) -> Reason {
        .malformedHeader(byteOffset: begin + position, expected: expected)
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
            position += 1
        }
    }

    /// Whether this character comes next, which is then passed.
    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar, _ name: String) throws(Reason) {
        guard skip(character) else { throw unexpected(name) }
    }

    /// A string without escapes.
    private mutating func string() throws(Reason) -> String {
        skipSpace()
        guard position < bytes.count, bytes[position] == 0x27 || bytes[position] == 0x22 else {
            throw unexpected("a string")
        }
        let quote = bytes[position]
        let start = position + 1
        guard let end = bytes[start...].firstIndex(of: quote) else {
            throw unexpected("a string that ends")
        }
        let content = bytes[start..<end]
        guard content.allSatisfy({ (0x20...0x7E).contains($0) && $0 != 0x5C }) else {
            throw unexpected("a string of plain characters")
        }
        position = end + 1
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func type() throws(Reason) -> String {
        skipSpace()
        if position < bytes.count, [0x5B, 0x28].contains(bytes[position]) { throw .structured }
        return try string()
    }

    private mutating func truthValue() throws(Reason) -> Bool {
        skipSpace()
        for (word, value) in [("True", true), ("False", false)]
        where bytes[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return value
        }
        throw unexpected("True or False")
    }

    /// A tuple of integers; one of a single integer has a comma behind it.
    private mutating func shape() throws(Reason) -> [Int] {
        try expect("(", "a tuple")
        var sizes: [Int] = []
        while !skip(")") {
            sizes.append(try size())
            guard sizes.count <= NumPyFile.rankLimit else { throw .rankTooHigh(sizes.count) }
            if !skip(",") {
                guard sizes.count > 1 else { throw unexpected("a comma") }
                try expect(")", "a comma or the end of the tuple")
                break
            }
        }
        return sizes
    }

    private mutating func size() throws(Reason) -> Int {
        skipSpace()
        let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
        guard let first = digits.first, first != 0x30 || digits.count == 1 else {
            throw unexpected("a size")
        }
        guard let size = Int(String(decoding: digits, as: UTF8.self)) else { throw .tooLarge }
        position += digits.count
        return size
    }
}
