public import Tensor

/// A data file, or an example in it, that cannot be learned from: where, what, and what to do.
///
/// A file is accepted whole or refused whole, so an error means that nothing was loaded.
public struct DataError: Error, Hashable, CustomStringConvertible {
    /// The file, or nil for data that never was in one.
    public let path: String?
    /// The line on which the record begins, counted from 1, where there is one.
    public let line: Int?
    /// What is wrong.
    public let problem: Problem

    /// An error at a line of a file.
    public init(_ problem: Problem, path: String? = nil, line: Int? = nil) {
        (self.problem, self.path, self.line) = (problem, path, line)
    }

    /// What can be wrong with data.
    public enum Problem: Hashable, Sendable {
        /// The system would not open or read the file.
        case unreadable(FileError)
        /// The text is not UTF-8: the first wrong byte and its position in the file, from 0.
        case notUTF8(byte: UInt8, offset: Int)
        /// The text is UTF-16.
        case utf16
        /// A row has another number of columns than the first one.
        case raggedRow(expected: Int, found: Int)
        /// A quoted field is never closed.
        case unclosedQuote
        /// Text follows the closing quote of a field.
        case textAfterQuote
        /// There is no such column or key; these exist.
        case missingColumn(Column, existing: [String])
        /// Several columns bear the name.
        case ambiguousColumn(String)
        /// The line is no JSON object.
        case malformedJSON(String)
        /// The file is no XML of the expected form.
        case malformedXML(String)
        /// The field holds another kind of JSON value than it should.
        case wrongKind(Column, expected: String)
        /// The text is empty or only white space.
        case emptyText
        /// The label is empty.
        case absentLabel
        /// The field is not a finite number.
        case notANumber(Column, found: String)
        /// The line has not the form that the caller's closure expects.
        case unexpectedForm(String)
        /// The caller's closure threw an error of this description.
        case refused(String)
        /// There is no example.
        case noExamples
    }

    /// Such as `'train.csv', line 12: expected 2 columns but found 3; …`.
    public var description: String {
        if case .unreadable(let error) = problem { return error.description }
        let place = [path.map { "'\($0)'" }, line.map { "line \($0)" }].compactMap { $0 }
        return (place.isEmpty ? "" : place.joined(separator: ", ") + ": ") + problem.description
    }
}

extension DataError.Problem: CustomStringConvertible {
    /// The message without the place.
    public var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .notUTF8, .utf16: encodingDescription
        case .raggedRow(let expected, let found):
            """
            expected \(expected) column\(expected == 1 ? "" : "s") but found \(found); put a field \
            that holds the separator in double quotes
            """
        case .unclosedQuote, .textAfterQuote: quoteDescription
        case .missingColumn(let column, let existing):
            "there is no \(column); there are: \(listed(existing))\(separatorHint(existing))"
        case .ambiguousColumn(let name):
            "several columns are named '\(name)'; choose one by its position, such as .at(1)"
        case .malformedJSON(let reason):
            "the line is not one JSON object: \(reason)"
        case .malformedXML(let reason): reason
        case .wrongKind(let column, let expected):
            "\(column) should hold \(expected)"
        case .emptyText: "the text is empty; remove the example or give it a text"
        case .absentLabel: "the label is empty; remove the example or give it a label"
        case .notANumber(let column, let found):
            "\(column) holds '\(found)', which is not a finite number such as -1.5 or 2e-3"
        case .unexpectedForm(let line): "the line has not the expected form: '\(line)'"
        case .refused(let reason): reason
        case .noExamples: "there is no example; check that this is the right file"
        }
    }

    private var encodingDescription: String {
        guard case .notUTF8(let byte, let offset) = self else {
            return "the text is UTF-16, not UTF-8; convert it with 'iconv -f UTF-16 -t UTF-8'"
        }
        var hint = "; convert it to UTF-8"
        if byte >= 0xA0 {
            let character = Character(Unicode.Scalar(byte))
            hint = """
                , which is '\(character)' in Latin-1; if the file is Latin-1, convert it with \
                'iconv -f LATIN1 -t UTF-8'
                """
        } else if byte >= 0x80 {
            hint = "; if the file is from Windows, convert it with 'iconv -f CP1252 -t UTF-8'"
        }
        let hexadecimal = String(byte, radix: 16, uppercase: true)
        return "the text is not UTF-8: byte \(offset) of the file is 0x\(hexadecimal)\(hint)"
    }

    private var quoteDescription: String {
        let hint = "if quotes are ordinary characters in this file, pass quoting: .none"
        return self == .unclosedQuote
            ? "a field opens with a double quote that is never closed; \(hint)"
            : "text follows the closing double quote of a field; double a quote inside it; \(hint)"
    }

    private func listed(_ names: [String]) -> String {
        guard !names.isEmpty else { return "none" }
        let shown = names.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
        return names.count > 20 ? shown + " and \(names.count - 20) more" : shown
    }

    /// A header that is one column looks like several where another separator is in use.
    private func separatorHint(_ names: [String]) -> String {
        guard names.count == 1, let name = names.first,
            let separator = name.first(where: { "\t;,|".contains($0) })
        else { return "" }
        let shown = separator == "\t" ? "\\t" : String(separator)
        return "; is '\(shown)' what separates the columns of this file?"
    }
}
