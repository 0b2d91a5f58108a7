extension JSON {
    /// A JSON number. It keeps its spelling, so nothing is lost or confused until it is asked for
    /// as an `Int` or a `Double`.
    public struct Number: Sendable, Hashable, CustomStringConvertible {
        /// The number as it is spelled in JSON, such as `-1.5e3`.
        public let literal: String

        /// A number whose spelling the parser has checked.
        init(checked literal: String) { self.literal = literal }

        /// An integer.
        public init(_ value: some FixedWidthInteger) { literal = String(value) }

        /// The shortest spelling that reads back as `value`, or nil if `value` is infinite or not
        /// a number, which JSON cannot express.
        public init?(_ value: Double) {
            guard value.isFinite else { return nil }
            literal = value.description
        }

        /// The integer, or nil if the number has a fraction or an exponent (even `1.0` and `1e0`),
        /// is `-0`, or does not fit in `Int`.
        public var int: Int? { integer(as: Int.self) }

        /// The integer as `Integer`, or nil under the same conditions as ``int``.
        public func integer<Integer: FixedWidthInteger>(as _: Integer.Type) -> Integer? {
            // A spelling has been checked, so only `-0`, fractions and exponents need refusing;
            // the two last contain characters that an integer's spelling cannot have.
            literal == "-0" ? nil : Integer(literal)
        }

        /// Whether the spelling has neither a fraction nor an exponent.
        public var isIntegerLiteral: Bool {
            !literal.utf8.contains {
                $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E")
            }
        }

        /// The nearest `Double`, or nil if the number is too large for one.
        public var double: Double? {
            guard let value = Double(literal), value.isFinite else { return nil }
            return value
        }

        /// The spelling.
        public var description: String { literal }
    }
}
