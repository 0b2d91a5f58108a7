/// Words in a row that are one thing: a name, a street.
public struct TagSpan: Sendable, Hashable, CustomStringConvertible {
    /// What it is.
    public let label: String
    /// The positions of its words.
    public let words: Range<Int>

    /// A span of these words.
    public init(label: String, words: Range<Int>) { (self.label, self.words) = (label, words) }

    /// Such as `PER 3..<5`.
    public var description: String { "\(label) \(words)" }
}

/// What the tags of words mean together.
public enum TagScheme: Sendable, Hashable {
    /// `B-PER` begins a span, `I-PER` goes on with it, `O` is outside (Ramshaw and Marcus 1995,
    /// arXiv:cmp-lg/9505040).
    case bio
    /// Each tag stands for itself, and words in a row with the same tag are a span. Words with the tag
    /// `outside`, if there is one, are in none.
    case plain(outside: String? = nil)

    /// The spans of a text's tags.
    ///
    /// In ``bio``, an `I` that goes on with nothing begins a span, as in the evaluation of CoNLL-2000
    /// and in `seqeval`.
    ///
    /// - Parameter tags: The tag of each word.
    /// - Returns: The spans, in order.
    public func spans(of tags: [String]) -> [TagSpan] {
        var spans: [TagSpan] = []
        var open: (label: String, start: Int)?
        for (position, tag) in tags.enumerated() {
            let (label, begins) = parts(of: tag)
            if let current = open, begins || current.label != label {
                spans.append(TagSpan(label: current.label, words: current.start..<position))
                open = nil
            }
            if open == nil, let label { open = (label, position) }
        }
        if let open { spans.append(TagSpan(label: open.label, words: open.start..<tags.count)) }
        return spans
    }

    /// What a tag's span is called, nil for none, and whether it begins a new one in any case.
    func parts(of tag: String) -> (label: String?, begins: Bool) {
        switch self {
        case .bio:
            tag.hasPrefix("B-") || tag.hasPrefix("I-")
                ? (String(tag.dropFirst(2)), tag.hasPrefix("B")) : (nil, false)
        case .plain(let outside): (tag == outside ? nil : tag, false)
        }
    }

    /// Whether a tag has the form that the scheme asks for.
    func allows(_ tag: String) -> Bool {
        guard self == .bio else { return !tag.isEmpty }
        return tag == "O" || parts(of: tag).label?.isEmpty == false
    }
}
