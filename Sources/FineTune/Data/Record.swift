import Checkpoint

/// One record of a data file: a row of a table, or a JSON object.
public struct Record: Sendable {
    /// The line on which it begins, counted from 1.
    public let line: Int
    let path: String
    let content: Content

    enum Content {
        /// The header is empty if the table has none.
        case row(fields: [String], header: [String])
        case object(JSON.Object)
    }

    /// The text in a column.
    ///
    /// - Throws: ``DataError`` if there is no such column or the text is empty or white space.
    public func text(_ column: Column) throws(DataError) -> String {
        let text: String
        switch try field(column) {
        case .text(let field), .json(.string(let field)): text = field
        case .json(.null): text = ""
        case .json: throw error(.wrongKind(column, expected: "a string"))
        }
        guard !text.isBlank else { throw error(.emptyText) }
        return text
    }

    /// The label in a column; the spelling of a number or truth value of JSON is a label too.
    ///
    /// - Throws: ``DataError`` if there is no such column or the label is empty or white space.
    public func label(_ column: Column) throws(DataError) -> String {
        let label: String
        switch try field(column) {
        case .text(let field): label = field
        case .json(let value):
            guard let name = value.labelName else {
                throw error(.wrongKind(column, expected: "a string or a number"))
            }
            label = name
        }
        guard !label.isBlank else { throw error(.absentLabel) }
        return label
    }

    /// The labels in a column: the parts of a text between separators, without the space around
    /// them, or the elements of a JSON array. An empty text or array has none.
    ///
    /// - Throws: ``DataError`` if there is no such column or one of several labels is empty.
    public func labels(
        _ column: Column, separatedBy separator: Character
    ) throws(DataError) -> [String] {
        let names: [String]
        switch try field(column) {
        case .text(let text), .json(.string(let text)):
            names = text.isBlank ? [] : text.split(separator: separator, omitting: false)
        case .json(.array(let values)):
            names = values.compactMap(\.labelName)
            guard names.count == values.count else {
                throw error(.wrongKind(column, expected: "an array of strings or numbers"))
            }
        case .json(.null): names = []
        case .json: throw error(.wrongKind(column, expected: "an array or a string"))
        }
        guard names.allSatisfy({ !$0.isBlank }) else { throw error(.absentLabel) }
        return names
    }

    /// The number in a column.
    ///
    /// - Throws: ``DataError`` if there is no such column or it holds no finite number.
    public func number(_ column: Column) throws(DataError) -> Double {
        switch try field(column) {
        case .text(let text), .json(.string(let text)):
            guard let number = Double(decimal: text) else {
                throw error(.notANumber(column, found: text.shortened(to: 40)))
            }
            return number
        case .json(.number(let number)):
            guard let value = number.double else {
                throw error(.notANumber(column, found: number.literal.shortened(to: 40)))
            }
            return value
        case .json: throw error(.wrongKind(column, expected: "a number"))
        }
    }

    // MARK: Fields

    private enum Field {
        case text(String)
        case json(JSON)
    }

    private func field(_ column: Column) throws(DataError) -> Field {
        switch (content, column) {
        case (.row(let fields, let header), .named(let name)):
            guard let position = header.firstIndex(of: name) else { break }
            guard header.lastIndex(of: name) == position else {
                throw error(.ambiguousColumn(name))
            }
            return .text(fields[position])
        case (.row(let fields, _), .at(let position)):
            guard fields.indices.contains(position) else { break }
            return .text(fields[position])
        case (.object(let object), .named(let name)):
            guard let value = object[name] else { break }
            return .json(value)
        case (.object, .at): break
        }
        throw error(.missingColumn(column, existing: columnNames))
    }

    /// What a caller could have asked for.
    private var columnNames: [String] {
        switch content {
        case .row(let fields, let header): header.isEmpty ? fields.indices.map(String.init) : header
        case .object(let object): object.keys
        }
    }

    private func error(_ problem: DataError.Problem) -> DataError {
        DataError(problem, path: path, line: line)
    }
}

extension JSON {
    /// The label that the value spells: empty for null, nil for an array or object.
    fileprivate var labelName: String? {
        switch self {
        case .string(let name): name
        case .number(let number): number.literal
        case .bool(let value): value ? "true" : "false"
        case .null: ""
        case .array, .object: nil
        }
    }
}
