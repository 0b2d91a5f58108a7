public import Tensor

extension JSON {
    /// A text that is not JSON: what is wrong, and where.
    public struct SyntaxError: Error, Hashable, CustomStringConvertible {
        /// What is wrong.
        public let reason: Reason
        /// Where, in bytes from the beginning.
        public let byteOffset: Int
        /// Where, in lines from 1.
        public let line: Int
        /// Where, in characters (Unicode scalars) of the line from 1.
        public let column: Int

        /// Such as `line 3, column 7 (byte 42): a comma stands before the closing bracket`.
        public var description: String {
            "line \(line), column \(column) (byte \(byteOffset)): \(reason)"
        }
    }

    /// A JSON file that could not be read.
    public enum ReadError: Error, Hashable, CustomStringConvertible {
        /// The file could not be opened or read.
        case unreadable(FileError)
        /// The file is not JSON.
        case malformed(path: String, SyntaxError)

        /// The message, with the path.
        public var description: String {
            switch self {
            case .unreadable(let error): error.description
            case .malformed(let path, let error): "'\(path)' is not valid JSON: \(error)"
            }
        }
    }
}

extension JSON.SyntaxError {
    /// What is wrong with a text that is not JSON.
    public enum Reason: Hashable, Sendable, CustomStringConvertible {
        /// There is nothing but space.
        case empty
        /// The text has 2³¹ bytes or more.
        case tooLong
        /// A byte order mark stands at the beginning.
        case byteOrderMark
        /// The text is UTF-16 or UTF-32.
        case wideEncoding
        /// Bytes that are not UTF-8.
        case invalidUTF8
        /// The text ends before the value does.
        case unexpectedEnd
        /// Something else stands where `expected` should.
        case unexpected(byte: UInt8, expected: String)
        /// A second value, or anything else, follows the first.
        case trailingContent
        /// A comma stands before a closing bracket or brace.
        case trailingComma
        /// A comment.
        case comment
        /// A control character that is not escaped stands in a string.
        case controlCharacter(UInt8)
        /// A backslash is followed by something that it does not escape.
        case invalidEscape
        /// Half of a surrogate pair, which is no character.
        case loneSurrogate
        /// A number begins with a needless zero, such as `01`.
        case leadingZero
        /// A number without digits where some must be, such as `1.` or `-`.
        case malformedNumber
        /// More arrays and objects inside one another than the limit.
        case tooDeep(limit: Int)
        /// A key appears twice in one object.
        case duplicateKey(String)
        /// The values would take more memory than a text of this size may: 16 MB and eight times its
        /// size.
        case tooManyValues(memoryLimit: Int)

        /// What is wrong, and what to do where that is not plain.
        public var description: String {
            switch self {
            case .empty: "the text is empty"
            case .tooLong: "the text has 2 GiB or more"
            case .byteOrderMark: "a byte order mark stands here; save the text without one"
            case .wideEncoding: "the text is UTF-16 or UTF-32; save it as UTF-8"
            case .invalidUTF8: "these bytes are not UTF-8"
            case .unexpectedEnd: "the text ends here, before the value does"
            case .unexpected(let byte, let expected):
                "\(Self.name(of: byte)) stands where \(expected) should"
            case .trailingContent: "more text follows the end of the value"
            case .trailingComma: "a comma stands before a closing bracket"
            case .comment: "JSON has no comments"
            case .controlCharacter(let byte):
                "the control character \(Self.name(of: byte)) must be escaped"
            case .invalidEscape: "this is no escape sequence"
            case .loneSurrogate: "half of a surrogate pair is no character"
            case .leadingZero: "a number begins with a needless zero"
            case .malformedNumber: "a digit is missing in a number"
            case .tooDeep(let limit): "arrays and objects are nested deeper than \(limit)"
            case .duplicateKey(let key): "the key '\(key)' appears twice in one object"
            case .tooManyValues(let limit):
                "the values up to here may take more than \(limit) bytes of memory, the most for a text of "
                    + "this size; split the file"
            }
        }

        private static func name(of byte: UInt8) -> String {
            if (0x21...0x7E).contains(byte) { return "'\(Unicode.Scalar(byte))'" }
            let digits = String(byte, radix: 16, uppercase: true)
            return "0x" + (digits.count < 2 ? "0" : "") + digits
        }
    }
}
