/// A name with placeholders, see ``KeyMap``.
struct KeyPattern: Sendable {
    /// The pattern as it was written.
    let text: String
    private let components: [Component]
    private let restIndex: Int?

    /// Something that a placeholder stands for.
    struct Placeholder: Hashable, Sendable, CustomStringConvertible {
        let name: String
        /// Whether it stands for several components.
        let isRest: Bool

        var description: String { isRest ? "{\(name)...}" : "{\(name)}" }
    }

    /// What stands between two dots.
    private enum Component: Sendable {
        case literal([UInt8])
        case placeholder(prefix: [UInt8], Placeholder, suffix: [UInt8])

        var placeholder: Placeholder? {
            if case .placeholder(_, let placeholder, _) = self { placeholder } else { nil }
        }
    }

    init(_ text: String) throws(KeyMapError) {
        self.text = text
        var components: [Component] = []
        for component in try Self.split(text) {
            components.append(try Self.component(component, of: text))
        }
        self.components = components
        restIndex = components.firstIndex { $0.placeholder?.isRest == true }
        try check()
    }

    /// The placeholders, in order.
    var placeholders: [Placeholder] { components.compactMap(\.placeholder) }

    private func check() throws(KeyMapError) {
        var names: Set<String> = []
        for placeholder in placeholders where !names.insert(placeholder.name).inserted {
            throw .repeatedPlaceholder(placeholder.description, pattern: text)
        }
        if let second = placeholders.filter(\.isRest).dropFirst().first {
            throw .misplacedRest(second.description, pattern: text)
        }
    }

    // MARK: Reading a pattern

    /// The components; the dots of `{rest...}` separate none.
    private static func split(_ text: String) throws(KeyMapError) -> [[UInt8]] {
        var components: [[UInt8]] = [[]]
        var isInside = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") {
                guard isInside == (byte == UInt8(ascii: "}")) else {
                    throw .unbalancedBraces(pattern: text)
                }
                isInside.toggle()
            } else if byte == UInt8(ascii: ".") && !isInside {
                components.append([])
                continue
            }
            components[components.count - 1].append(byte)
        }
        if isInside { throw .unbalancedBraces(pattern: text) }
        return components
    }

    private static func component(
        _ bytes: [UInt8], of pattern: String
    ) throws(KeyMapError) -> Component {
        guard let opening = bytes.firstIndex(of: UInt8(ascii: "{")),
            let closing = bytes.firstIndex(of: UInt8(ascii: "}"))
        else { return .literal(bytes) }
        let (prefix, suffix) = (Array(bytes[..<opening]), Array(bytes[(closing + 1)...]))
        let component = String(decoding: bytes, as: UTF8.self)
        if suffix.contains(UInt8(ascii: "{")) {
            throw .crowdedComponent(component, pattern: pattern)
        }
        let content = bytes[(opening + 1)..<closing]
        let name = content.prefix { $0 != UInt8(ascii: ".") }
        guard !name.isEmpty else { throw .unnamedPlaceholder(pattern: pattern) }
        let isRest = name.count < content.count
        if isRest {
            guard content.dropFirst(name.count).elementsEqual("...".utf8), prefix.isEmpty,
                suffix.isEmpty
            else { throw .misplacedRest(component, pattern: pattern) }
        }
        let placeholder = Placeholder(name: String(decoding: name, as: UTF8.self), isRest: isRest)
        return .placeholder(prefix: prefix, placeholder, suffix: suffix)
    }

    // MARK: Using it

    /// What each placeholder stands for in a name, or nil if the name is none of this pattern.
    ///
    /// The components before `{rest...}` are matched from the front and those after it from the
    /// back, so there is one way to match, and it takes one pass.
    func match(_ name: String) -> [String: [UInt8]]? {
        let parts = Array(name.utf8).split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard restIndex == nil ? parts.count == components.count : parts.count >= components.count
        else { return nil }
        var captures: [String: [UInt8]] = [:]
        for (index, component) in components.enumerated() {
            // How many components `{rest...}` takes beyond its one moves what follows it.
            let surplus = parts.count - components.count
            let part = parts[restIndex.map { index > $0 } == true ? index + surplus : index]
            switch component {
            case .literal(let literal):
                guard part.elementsEqual(literal) else { return nil }
            case .placeholder(_, let placeholder, _) where placeholder.isRest:
                captures[placeholder.name] = Array(
                    parts[index...(index + surplus)].joined(separator: [UInt8(ascii: ".")]))
            case .placeholder(let prefix, let placeholder, let suffix):
                guard part.count > prefix.count + suffix.count, part.starts(with: prefix),
                    part.suffix(suffix.count).elementsEqual(suffix)
                else { return nil }
                captures[placeholder.name] = Array(
                    part.dropFirst(prefix.count).dropLast(suffix.count))
            }
        }
        return captures
    }

    /// The name in which the placeholders stand for these texts.
    func filled(with captures: [String: [UInt8]]) -> String {
        let parts = components.map { component in
            switch component {
            case .literal(let literal): literal
            case .placeholder(let prefix, let placeholder, let suffix):
                prefix + (captures[placeholder.name] ?? []) + suffix
            }
        }
        return String(
            decoding: Array(parts.joined(separator: [UInt8(ascii: ".")])), as: UTF8.self)
    }
}
