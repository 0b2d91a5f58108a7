/// Pairs of texts that belong to one class each.
public typealias LabeledPairs = Dataset<TextPair, String>
/// Groups of texts that are alike or not, for a ``ContrastiveHead``.
public typealias TextGroups = Dataset<[String], NoTarget>
/// Groups of two texts with a number that says how similar they are, for a ``SimilarityHead``.
public typealias ScoredGroups = Dataset<[String], Double>

extension Dataset where Input == [String], Target == NoTarget {
    /// Groups of texts that belong together.
    ///
    /// - Parameter groups: For each a text, one that fits it, and perhaps some that do not.
    public init(groups: [[String]]) {
        self.init(groups.map { Example(input: $0, target: NoTarget()) })
    }
}

extension Dataset where Input == TextPair, Target == String {
    /// Reads labelled pairs of texts from a table of tab-separated values, UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - first: The column of first texts, by name or position.
    ///   - second: The column of second texts, by name or position.
    ///   - label: The column of labels, by name or position.
    ///   - hasHeader: Whether the first row names the columns. Default: if a column is given by name.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    /// - Throws: ``DataError`` with the line for a ragged row, a missing column, an empty text, an
    ///   absent label, wrong encoding or a file without examples.
    public init(
        tsv path: String, first: Column, second: Column, label: Column, hasHeader: Bool? = nil,
        quoting: Quoting = .doubleQuotes
    ) throws(DataError) {
        try self.init(
            csv: path, first: first, second: second, label: label, hasHeader: hasHeader,
            separator: "\t", quoting: quoting)
    }

    /// Reads labelled pairs of texts from a table of comma-separated values (RFC 4180), UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - first: The column of first texts, by name or position.
    ///   - second: The column of second texts, by name or position.
    ///   - label: The column of labels, by name or position.
    ///   - hasHeader: Whether the first row names the columns. Default: if a column is given by name.
    ///   - separator: What stands between fields.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    /// - Throws: ``DataError``, see ``init(tsv:first:second:label:hasHeader:quoting:)``.
    public init(
        csv path: String, first: Column, second: Column, label: Column, hasHeader: Bool? = nil,
        separator: Character = ",", quoting: Quoting = .doubleQuotes
    ) throws(DataError) {
        try self.init(
            csv: path, hasHeader: hasHeader ?? haveNames([first, second, label]),
            separator: separator, quoting: quoting
        ) {
            try Example(
                input: TextPair($0.text(first), $0.text(second)), target: $0.label(label))
        }
    }

    /// Reads labelled pairs of texts from JSON Lines, UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - first: The key of the first text.
    ///   - second: The key of the second text.
    ///   - label: The key of the label.
    /// - Throws: ``DataError``, see ``init(tsv:first:second:label:hasHeader:quoting:)``.
    public init(
        jsonLines path: String, first: Column, second: Column, label: Column
    ) throws(DataError) {
        try self.init(jsonLines: path) {
            try Example(
                input: TextPair($0.text(first), $0.text(second)), target: $0.label(label))
        }
    }
}

extension Dataset where Input == [String], Target == Double {
    /// Reads pairs of texts with the similarity of each from a table of tab-separated values, UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - first: The column of first texts, by name or position.
    ///   - second: The column of second texts, by name or position.
    ///   - number: The column of similarities, by name or position.
    ///   - highest: What the numbers are divided by: the highest similarity of the table, such as 5
    ///     in the STS benchmark.
    ///   - hasHeader: Whether the first row names the columns. Default: if a column is given by name.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    /// - Throws: ``DataError`` with the line for a ragged row, a missing column, an empty text, what is
    ///   no number, wrong encoding or a file without examples.
    public init(
        tsv path: String, first: Column, second: Column, number: Column, highest: Double = 1,
        hasHeader: Bool? = nil, quoting: Quoting = .doubleQuotes
    ) throws(DataError) {
        try self.init(
            csv: path, first: first, second: second, number: number, highest: highest,
            hasHeader: hasHeader, separator: "\t", quoting: quoting)
    }

    /// Reads pairs of texts with the similarity of each from a table of comma-separated values (RFC
    /// 4180), UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - first: The column of first texts, by name or position.
    ///   - second: The column of second texts, by name or position.
    ///   - number: The column of similarities, by name or position.
    ///   - highest: What the numbers are divided by.
    ///   - hasHeader: Whether the first row names the columns. Default: if a column is given by name.
    ///   - separator: What stands between fields.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    /// - Throws: ``DataError``, see
    ///   ``init(tsv:first:second:number:highest:hasHeader:quoting:)``.
    public init(
        csv path: String, first: Column, second: Column, number: Column, highest: Double = 1,
        hasHeader: Bool? = nil, separator: Character = ",", quoting: Quoting = .doubleQuotes
    ) throws(DataError) {
        try self.init(
            csv: path, hasHeader: hasHeader ?? haveNames([first, second, number]),
            separator: separator, quoting: quoting
        ) {
            try Example(
                input: [$0.text(first), $0.text(second)], target: $0.number(number) / highest)
        }
    }
}
