public import Checkpoint
public import Tensor

/// A tokenizer's files that could not be used: what is wrong, where, and what would do.
public enum TokenizerError: Error, Hashable, CustomStringConvertible {
    /// The folder has no file that describes a tokenizer.
    case notFound(folder: String)
    /// A file could not be opened or read.
    case unreadable(FileError)
    /// A file is not JSON.
    case malformedJSON(JSON.ReadError)
    /// A line of a vocabulary file is no token.
    case malformedLine(path: String, line: Int, LineProblem)
    /// The vocabulary has no token at all.
    case emptyVocabulary(path: String)
    /// A token that the tokenizer cannot do without is not in the vocabulary.
    case missingToken(path: String, token: String, role: String)
    /// A part of the tokenizer is of a kind that this library does not have.
    case unsupported(path: String, part: String, found: String, supported: [String])
    /// A field is missing or is not what the format says.
    case invalidField(path: String, field: String, expected: String, found: String)

    /// What is wrong with a line of a vocabulary file.
    public enum LineProblem: Hashable, Sendable, CustomStringConvertible {
        /// It is not UTF-8.
        case notUTF8
        /// It has no characters.
        case empty
        /// It begins with a byte order mark.
        case byteOrderMark
        /// The token is on an earlier line as well.
        case duplicate(token: String, firstLine: Int)
        /// It does not hold two tokens with one space between.
        case noMerge

        /// What is wrong.
        public var description: String {
            switch self {
            case .notUTF8: "it is not UTF-8; save the file as UTF-8"
            case .empty: "it is empty; every line must hold one token"
            case .byteOrderMark: "it begins with a byte order mark; save the file without one"
            case .duplicate(let token, let firstLine):
                "the token '\(token)' is already on line \(firstLine)"
            case .noMerge: "it does not hold two tokens with one space between"
            }
        }
    }

    /// The message, with the path.
    public var description: String {
        switch self {
        case .notFound(let folder):
            """
            no tokenizer in '\(folder)': it has none of tokenizer.json, vocab.txt, and vocab.json \
            with merges.txt
            """
        case .unreadable(let error): error.description
        case .malformedJSON(let error): error.description
        case .malformedLine(let path, let line, let problem): "'\(path)', line \(line): \(problem)"
        case .emptyVocabulary(let path): "'\(path)': the vocabulary is empty"
        case .missingToken(let path, let token, let role):
            "'\(path)': the vocabulary lacks the \(role) token '\(token)'"
        case .unsupported(let path, let part, let found, let supported):
            """
            '\(path)': \(part) is of the kind \(found), which is not supported; supported: \
            \(supported.joined(separator: ", "))
            """
        case .invalidField(let path, let field, let expected, let found):
            "'\(path)': '\(field)' must be \(expected), but is \(found)"
        }
    }
}
