import Checkpoint

// Any input and target, made record by record by a closure. The initialisers for labelled, scored
// and multi-labelled texts in Dataset+Texts.swift are built on these.
extension Dataset {
    /// Reads a table of comma-separated values (RFC 4180), UTF-8, one example a row.
    ///
    /// Lines without any character are skipped; everything else becomes an example or an error.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - hasHeader: Whether the first row names the columns. Default: yes.
    ///   - separator: What stands between fields, `;` in many European files.
    ///   - quoting: What a double quote means. Default: as in RFC 4180.
    ///   - example: Makes an example of a row. What it throws is reported with the line.
    /// - Throws: ``DataError``.
    /// - Precondition: `separator` is a character of ASCII.
    public init(
        csv path: String, hasHeader: Bool = true, separator: Character = ",",
        quoting: Quoting = .doubleQuotes,
        example: (Record) throws -> Example<Input, Target>
    ) throws(DataError) {
        guard let separator = separator.asciiValue else {
            preconditionFailure("the separator '\(separator)' is no character of ASCII")
        }
        let file = try TextFile(path: path)
        defer { withExtendedLifetime(file) {} }
        var reader = DelimitedReader(
            file.bytes, separator: separator, quoting: quoting, path: path)
        let first = hasHeader ? try reader.next() : nil
        var columnCount = first?.fields.count
        var examples: [Example<Input, Target>] = []
        while let row = try reader.next() {
            let expected = columnCount ?? row.fields.count
            columnCount = expected
            guard row.fields.count == expected else {
                throw DataError(
                    .raggedRow(expected: expected, found: row.fields.count), path: path,
                    line: row.line)
            }
            let content = Record.Content.row(fields: row.fields, header: first?.fields ?? [])
            examples.append(
                try made(path, row.line) {
                    try example(Record(line: row.line, path: path, content: content))
                })
        }
        try self.init(loaded: examples, from: path)
    }

    /// Reads a table of tab-separated values, UTF-8, one example a row.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - hasHeader: Whether the first row names the columns. Default: yes.
    ///   - quoting: What a double quote means. Default: as in RFC 4180, as spreadsheets write it.
    ///   - example: Makes an example of a row. What it throws is reported with the line.
    /// - Throws: ``DataError``.
    public init(
        tsv path: String, hasHeader: Bool = true, quoting: Quoting = .doubleQuotes,
        example: (Record) throws -> Example<Input, Target>
    ) throws(DataError) {
        try self.init(
            csv: path, hasHeader: hasHeader, separator: "\t", quoting: quoting, example: example)
    }

    /// Reads JSON Lines: UTF-8, one JSON object (RFC 8259) and one example a line.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - example: Makes an example of an object. What it throws is reported with the line.
    /// - Throws: ``DataError``.
    public init(
        jsonLines path: String, example: (Record) throws -> Example<Input, Target>
    ) throws(DataError) {
        var examples: [Example<Input, Target>] = []
        try TextFile(path: path).forEachLine { text, line throws(DataError) in
            guard !text.isBlank else { return }
            let object = try parsedObject(text, path: path, line: line)
            examples.append(
                try made(path, line) {
                    try example(Record(line: line, path: path, content: .object(object)))
                })
        }
        try self.init(loaded: examples, from: path)
    }

    /// Reads a text file, UTF-8, one example a line, whatever the form of the lines.
    ///
    /// - Parameters:
    ///   - path: The file. Lines without any character are skipped.
    ///   - skipping: How many lines to leave out at the beginning. Default: none.
    ///   - example: Makes an example of a line, or nil if the line has not the right form, which
    ///     refuses the file. What it throws is reported with the line.
    /// - Throws: ``DataError``.
    public init(
        lines path: String, skipping: Int = 0,
        example: (String) throws -> Example<Input, Target>?
    ) throws(DataError) {
        var examples: [Example<Input, Target>] = []
        try TextFile(path: path).forEachLine { text, line throws(DataError) in
            guard line > skipping else { return }
            examples.append(
                try made(path, line) {
                    guard let result = try example(text) else {
                        throw DataError(
                            .unexpectedForm(text.shortened(to: 60)), path: path, line: line)
                    }
                    return result
                })
        }
        try self.init(loaded: examples, from: path)
    }

    private init(loaded examples: [Example<Input, Target>], from path: String) throws(DataError) {
        guard !examples.isEmpty else { throw DataError(.noExamples, path: path) }
        self.init(examples)
    }
}

/// What `body` makes of a record; whatever it throws becomes a `DataError` with the place.
private func made<Result>(
    _ path: String, _ line: Int, _ body: () throws -> Result
) throws(DataError) -> Result {
    do { return try body() } catch let error as DataError {
        throw DataError(error.problem, path: error.path ?? path, line: error.line ?? line)
    } catch { throw DataError(.refused("\(error)"), path: path, line: line) }
}

private func parsedObject(
    _ text: String, path: String, line: Int
) throws(DataError) -> JSON.Object {
    let value: JSON
    do throws(JSON.SyntaxError) { value = try JSON(parsing: text) } catch {
        throw DataError(
            .malformedJSON("column \(error.column): \(error.reason)"), path: path, line: line)
    }
    guard let object = value.object else {
        throw DataError(.malformedJSON("it is \(value.kindName)"), path: path, line: line)
    }
    return object
}
