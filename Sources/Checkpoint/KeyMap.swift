/// Translates the names of tensors between two models' ways of naming them.
///
/// A map is an ordered list of pairs of patterns. A pattern is a name in which `{layer}` stands for
/// one or more characters without a dot, and `{rest...}` for one or more whole components:
///
/// ```swift
/// let map = try KeyMap([
///     ("encoder.layer.{layer}.attention.self.query.{kind}", "layers.{layer}.query.{kind}"),
///     ("embeddings.{rest...}", "embeddings.{rest...}"),
/// ])
/// try map.forward("encoder.layer.3.attention.self.query.bias")  // layers.3.query.bias
/// ```
///
/// The first pair that matches a name translates it. A translation must lead back to the same
/// name, so a map never gives two tensors one name, in either direction.
public struct KeyMap: Sendable {
    private let pairs: [(source: KeyPattern, target: KeyPattern)]

    /// Makes a map of pairs of patterns, of which the earlier ones have precedence.
    ///
    /// - Parameter pairs: Patterns of one naming, each with its pattern in the other. Both have the
    ///   same placeholders, each once. A component holds at most one, and a pattern at most one
    ///   that stands for several components.
    /// - Throws: ``KeyMapError`` if a pattern breaks these rules.
    public init(_ pairs: [(source: String, target: String)]) throws(KeyMapError) {
        var checked: [(source: KeyPattern, target: KeyPattern)] = []
        for (source, target) in pairs {
            let pair = (source: try KeyPattern(source), target: try KeyPattern(target))
            for (pattern, other) in [(pair.source, pair.target), (pair.target, pair.source)] {
                for placeholder in pattern.placeholders
                where !other.placeholders.contains(placeholder) {
                    throw .unpairedPlaceholder(
                        placeholder.description, pattern: pattern.text, other: other.text)
                }
            }
            checked.append(pair)
        }
        self.pairs = checked
    }

    /// The target's name for a name of the source.
    ///
    /// - Throws: ``KeyMapError`` if no pattern matches the name, or if the translation does not
    ///   lead back to it.
    public func forward(_ name: String) throws(KeyMapError) -> String {
        let result = try translate(name, forward: true)
        try check(result, of: name, forward: true)
        return result
    }

    /// The source's name for a name of the target.
    ///
    /// - Throws: ``KeyMapError`` if no pattern matches the name, or if the translation does not
    ///   lead back to it.
    public func backward(_ name: String) throws(KeyMapError) -> String {
        let result = try translate(name, forward: false)
        try check(result, of: name, forward: false)
        return result
    }

    /// Whether a pattern of the source matches the name.
    func matchesForward(_ name: String) -> Bool {
        pairs.contains { $0.source.match(name) != nil }
    }

    private func translate(_ name: String, forward: Bool) throws(KeyMapError) -> String {
        for (source, target) in pairs {
            let (from, to) = forward ? (source, target) : (target, source)
            if let captures = from.match(name) { return to.filled(with: captures) }
        }
        throw .unmatched(name)
    }

    private func check(
        _ result: String, of name: String, forward: Bool
    ) throws(KeyMapError) {
        let back = try translate(result, forward: !forward)
        guard back.hasSameBytes(as: name) else {
            throw .ambiguous(name, translation: result, alternative: back)
        }
    }
}

/// A ``KeyMap`` that cannot be made, or a name that it cannot translate.
public enum KeyMapError: Error, Hashable, CustomStringConvertible {
    /// A brace has no partner, or lies within braces.
    case unbalancedBraces(pattern: String)
    /// There is no name between two braces.
    case unnamedPlaceholder(pattern: String)
    /// A placeholder stands twice in a pattern.
    case repeatedPlaceholder(String, pattern: String)
    /// Two placeholders stand in one component, where nothing says which takes what.
    case crowdedComponent(String, pattern: String)
    /// A placeholder for several components is only a part of one, or is the second of its kind.
    case misplacedRest(String, pattern: String)
    /// A placeholder of one pattern is not in the other.
    case unpairedPlaceholder(String, pattern: String, other: String)
    /// No pattern matches a name.
    case unmatched(String)
    /// Two names have one translation.
    case ambiguous(String, translation: String, alternative: String)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .unbalancedBraces(let pattern): "in '\(pattern)', a brace has no partner"
        case .unnamedPlaceholder(let pattern): "in '\(pattern)', a placeholder has no name"
        case .repeatedPlaceholder(let placeholder, let pattern):
            "in '\(pattern)', \(placeholder) stands twice"
        case .crowdedComponent(let component, let pattern):
            "in '\(pattern)', '\(component)' has more than one placeholder"
        case .misplacedRest(let component, let pattern):
            "in '\(pattern)', '\(component)' must be a whole component and the only one with '...'"
        case .unpairedPlaceholder(let placeholder, let pattern, let other):
            "\(placeholder) of '\(pattern)' is not in '\(other)'"
        case .unmatched(let name): "no pattern matches the name '\(name)'"
        case .ambiguous(let name, let translation, let alternative):
            "both '\(name)' and '\(alternative)' translate to '\(translation)'"
        }
    }
}
