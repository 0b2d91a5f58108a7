/// Which column of a table, or which key of a JSON object.
///
/// A literal does: `"question"` is a name, `0` the first column.
public enum Column: Hashable, Sendable {
    /// The column of this name in the header, or the key of this name.
    case named(String)
    /// The column at this position, counted from 0.
    case at(Int)
}

extension Column: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    /// The column of this name.
    public init(stringLiteral name: String) { self = .named(name) }

    /// The column at this position, counted from 0.
    public init(integerLiteral position: Int) { self = .at(position) }
}

extension Column: CustomStringConvertible {
    /// Such as `column 'question'` or `column 0`.
    public var description: String {
        switch self {
        case .named(let name): "column '\(name)'"
        case .at(let position): "column \(position)"
        }
    }
}
