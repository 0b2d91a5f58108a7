/// A JSON value (RFC 8259).
///
/// Keeps what a careless reading loses: the order of an object's members, the spelling of a number
/// (so that `1.0` is not the integer `1`), and keys that differ in bytes though Swift's `String`
/// calls them equal.
public enum JSON: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, with the spelling it had.
    case number(Number)
    /// A string.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object, its members in the order of the file.
    case object(Object)
}

// MARK: Asking

extension JSON {
    /// The value of an object's member, or nil if there is none or this is no object.
    public subscript(key: String) -> JSON? { object?[key] }

    /// An element of an array, or nil if there is none or this is no array.
    public subscript(index: Int) -> JSON? {
        guard let array, array.indices.contains(index) else { return nil }
        return array[index]
    }

    /// Whether this is `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The truth value, or nil if this is none.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The integer, or nil if this is no number, is spelled as a fraction or with an exponent
    /// (`1.0`, `1e0`), is `-0`, or does not fit in `Int`.
    public var int: Int? {
        if case .number(let number) = self { number.int } else { nil }
    }

    /// The number as a `Double`, or nil if this is no number or one too large for `Double`.
    public var double: Double? {
        if case .number(let number) = self { number.double } else { nil }
    }

    /// The string, or nil if this is none.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The array, or nil if this is none.
    public var array: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The object, or nil if this is none.
    public var object: Object? {
        if case .object(let value) = self { value } else { nil }
    }

    /// What the value is, for messages: "an object", "a number".
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a truth value"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSON: Equatable {
    /// Strings are equal if their bytes are, numbers if their spellings are, objects if they have
    /// equal members in any order.
    public static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.string(let a), .string(let b)): a.hasSameBytes(as: b)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }
}

// MARK: Building

extension JSON {
    /// An integer.
    public init(_ value: some FixedWidthInteger) { self = .number(Number(value)) }

    /// A number in the shortest spelling that reads back as `value`; `null` if it is infinite or
    /// not a number, which JSON cannot express.
    public init(_ value: Double) { self = Number(value).map(JSON.number) ?? .null }

    /// A string.
    public init(_ value: String) { self = .string(value) }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An integer.
    public init(integerLiteral value: Int) { self.init(value) }
    /// A number.
    public init(floatLiteral value: Double) { self.init(value) }
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An array.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object with these members in this order.
    ///
    /// - Precondition: No key is repeated.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Object(uniqueMembers: elements))
    }
}

extension String {
    /// Whether the two have the same UTF-8 bytes. `==` is also true of canonically equal strings,
    /// such as the two forms of `é`.
    func hasSameBytes(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        return utf8.elementsEqual(other.utf8)
    }

    /// Whether this one's UTF-8 bytes come before the other's.
    func precedesInBytes(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
