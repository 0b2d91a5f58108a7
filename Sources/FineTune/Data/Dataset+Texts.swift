// Texts with labels, from the common formats. A column is given by name ("question") or by
// position (0); a table whose columns are all given by position is read as one without a header,
// unless `hasHeader` says otherwise.

extension Dataset where Input == String, Target == String {
    /// Texts and their labels, position by position.
    ///
    /// - Precondition: There are as many labels as texts.
    public init(texts: [String], labels: [String]) { self.init(inputs: texts, targets: labels) }

    /// Reads labelled texts from a table of tab-separated values, UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: The column of texts, by name or position.
    ///   - label: The column of labels, by name or position.
    ///   - hasHeader: Whether the first row names the columns. Default: if a column is given by
    ///     name.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    /// - Throws: ``DataError`` with the line for a ragged row, a missing column, an empty text, an
    ///   absent label, wrong encoding or a file without examples.
    public init(
        tsv path: String, text: Column, label: Column, hasHeader: Bool? = nil,
        quoting: Quoting = .doubleQuotes
    ) throws(DataError) {
        try self.init(
            csv: path, text: text, label: label, hasHeader: hasHeader, separator: "\t",
            quoting: quoting)
    }

    /// Reads labelled texts from a table of comma-separated values (RFC 4180), UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: The column of texts, by name or position.
    ///   - label: The column of labels, by name or position.
    ///   - hasHeader: Whether the first row names the columns. Default: if a column is given by
    ///     name.
    ///   - separator: What stands between fields.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    /// - Throws: ``DataError``, see ``init(tsv:text:label:hasHeader:quoting:)``.
    public init(
        csv path: String, text: Column, label: Column, hasHeader: Bool? = nil,
        separator: Character = ",", quoting: Quoting = .doubleQuotes
    ) throws(DataError) {
        try self.init(
            csv: path, hasHeader: hasHeader ?? haveNames([text, label]), separator: separator,
            quoting: quoting
        ) { try Example(input: $0.text(text), target: $0.label(label)) }
    }

    /// Reads labelled texts from JSON Lines, UTF-8. A number or truth value is a label too.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: The key of the text.
    ///   - label: The key of the label.
    /// - Throws: ``DataError``, see ``init(tsv:text:label:hasHeader:quoting:)``.
    public init(jsonLines path: String, text: Column, label: Column) throws(DataError) {
        try self.init(jsonLines: path) {
            try Example(input: $0.text(text), target: $0.label(label))
        }
    }

    /// Reads labelled texts from lines of any form, UTF-8.
    ///
    /// ```swift
    /// // DESC:manner How did serfdom develop in Russia ?
    /// let data = try LabeledTexts(lines: path) { line in
    ///     let parts = line.split(separator: " ", maxSplits: 1)
    ///     guard parts.count == 2, let colon = parts[0].firstIndex(of: ":") else { return nil }
    ///     return (text: String(parts[1]), label: String(parts[0][..<colon]))
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - path: The file. Lines without any character are skipped.
    ///   - skipping: How many lines to leave out at the beginning. Default: none.
    ///   - parse: Finds text and label in a line, or gives nil if the line has not the right
    ///     form, which refuses the file. What it throws is reported with the line.
    /// - Throws: ``DataError``, also if a text or label that `parse` gives is empty.
    public init(
        lines path: String, skipping: Int = 0,
        parse: (String) throws -> (text: String, label: String)?
    ) throws(DataError) {
        try self.init(
            lines: path, skipping: skipping,
            example: { line in
                guard let (text, label) = try parse(line) else { return nil }
                if text.isBlank { throw DataError(.emptyText) }
                if label.isBlank { throw DataError(.absentLabel) }
                return Example(input: text, target: label)
            })
    }
}

extension Dataset where Input == String, Target == [String] {
    /// Reads texts with any number of labels from a table of tab-separated values, UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: The column of texts, by name or position.
    ///   - labels: The column of labels, by name or position; an empty field has none.
    ///   - labelSeparator: What stands between two labels of a field. Default: a comma.
    ///   - hasHeader: Whether the first row names the columns. Default: if a column is given by
    ///     name.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    /// - Throws: ``DataError``, also for an empty label among several.
    public init(
        tsv path: String, text: Column, labels: Column, separatedBy labelSeparator: Character = ",",
        hasHeader: Bool? = nil, quoting: Quoting = .doubleQuotes
    ) throws(DataError) {
        try self.init(
            csv: path, text: text, labels: labels, separatedBy: labelSeparator,
            hasHeader: hasHeader, separator: "\t", quoting: quoting)
    }

    /// Reads texts with any number of labels from a table of comma-separated values, UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: The column of texts, by name or position.
    ///   - labels: The column of labels, by name or position; an empty field has none.
    ///   - labelSeparator: What stands between two labels of a field. Default: a comma, so that
    ///     such a field must be quoted.
    ///   - hasHeader: Whether the first row names the columns. Default: if a column is given by
    ///     name.
    ///   - separator: What stands between fields.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    /// - Throws: ``DataError``, also for an empty label among several.
    public init(
        csv path: String, text: Column, labels: Column, separatedBy labelSeparator: Character = ",",
        hasHeader: Bool? = nil, separator: Character = ",", quoting: Quoting = .doubleQuotes
    ) throws(DataError) {
        try self.init(
            csv: path, hasHeader: hasHeader ?? haveNames([text, labels]), separator: separator,
            quoting: quoting
        ) {
            try Example(
                input: $0.text(text), target: $0.labels(labels, separatedBy: labelSeparator))
        }
    }

    /// Reads texts with any number of labels from JSON Lines, UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: The key of the text.
    ///   - labels: The key of an array of labels, or of a string of them.
    ///   - labelSeparator: What stands between two labels of a string. Default: a comma.
    /// - Throws: ``DataError``, also for an empty label.
    public init(
        jsonLines path: String, text: Column, labels: Column,
        separatedBy labelSeparator: Character = ","
    ) throws(DataError) {
        try self.init(jsonLines: path) {
            try Example(
                input: $0.text(text), target: $0.labels(labels, separatedBy: labelSeparator))
        }
    }
}

extension Dataset where Input == String, Target == Double {
    /// Reads texts with a number each from a table of tab-separated values, UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: The column of texts, by name or position.
    ///   - number: The column of decimal numbers, by name or position.
    ///   - hasHeader: Whether the first row names the columns. Default: if a column is given by
    ///     name.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    /// - Throws: ``DataError``, also for a field that is no finite number.
    public init(
        tsv path: String, text: Column, number: Column, hasHeader: Bool? = nil,
        quoting: Quoting = .doubleQuotes
    ) throws(DataError) {
        try self.init(
            csv: path, text: text, number: number, hasHeader: hasHeader, separator: "\t",
            quoting: quoting)
    }

    /// Reads texts with a number each from a table of comma-separated values, UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: The column of texts, by name or position.
    ///   - number: The column of decimal numbers, by name or position.
    ///   - hasHeader: Whether the first row names the columns. Default: if a column is given by
    ///     name.
    ///   - separator: What stands between fields.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    /// - Throws: ``DataError``, also for a field that is no finite number.
    public init(
        csv path: String, text: Column, number: Column, hasHeader: Bool? = nil,
        separator: Character = ",", quoting: Quoting = .doubleQuotes
    ) throws(DataError) {
        try self.init(
            csv: path, hasHeader: hasHeader ?? haveNames([text, number]), separator: separator,
            quoting: quoting
        ) { try Example(input: $0.text(text), target: $0.number(number)) }
    }

    /// Reads texts with a number each from JSON Lines, UTF-8.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: The key of the text.
    ///   - number: The key of the number.
    /// - Throws: ``DataError``, also for a value that is no finite number.
    public init(jsonLines path: String, text: Column, number: Column) throws(DataError) {
        try self.init(jsonLines: path) {
            try Example(input: $0.text(text), target: $0.number(number))
        }
    }
}

/// Whether a table with these columns must have a header.
func haveNames(_ columns: [Column]) -> Bool {
    columns.contains { if case .named = $0 { true } else { false } }
}
