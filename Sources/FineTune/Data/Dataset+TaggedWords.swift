/// Texts as words, with a tag for each word.
public typealias TaggedWords = Dataset<[String], [String]>

extension Dataset where Input == [String], Target == [String] {
    /// Reads tagged words from a file in the format of the CoNLL shared tasks, UTF-8: a word and its tag
    /// on each line, with other columns in between, and a blank line after each text (Tjong Kim Sang
    /// and De Meulder, "Introduction to the CoNLL-2003 Shared Task", 2003).
    ///
    /// Columns are separated by spaces or tabs. Texts of the single word `-DOCSTART-` are left out.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - word: The column of the word, from 0.
    ///   - tag: The column of the tag, from 0; the last one by default.
    /// - Throws: ``DataError`` with the line for a missing column, wrong encoding or a file without
    ///   texts.
    public init(conll path: String, word: Int = 0, tag: Int? = nil) throws(DataError) {
        var examples: [Example<[String], [String]>] = []
        var current = Example<[String], [String]>(input: [], target: [])
        func finish() {
            if !current.input.isEmpty, current.input != ["-DOCSTART-"] { examples.append(current) }
            current = Example(input: [], target: [])
        }
        var last = 0
        try TextFile(path: path).forEachLine { text, line throws(DataError) in
            // Lines without any character are not handed over.
            if line > last + 1 || text.isBlank { finish() }
            last = line
            guard !text.isBlank else { return }
            let fields = text.split { $0 == " " || $0 == "\t" }
            let tag = tag ?? Swift.max(fields.count - 1, word + 1)
            for column in [word, tag] where !fields.indices.contains(column) {
                throw DataError(
                    .missingColumn(.at(column), existing: fields.indices.map(String.init)),
                    path: path, line: line)
            }
            current.input.append(String(fields[word]))
            current.target.append(String(fields[tag]))
        }
        finish()
        guard !examples.isEmpty else { throw DataError(.noExamples, path: path) }
        self.init(examples)
    }

    /// Reads tagged words from an XML file as the `parserator` family of Python packages trains from:
    /// `usaddress`, `probablepeople` and others.
    ///
    /// The root holds an element for each text, and that an element for each word, whose name is its
    /// tag:
    ///
    /// ```xml
    /// <AddressCollection>
    ///   <AddressString><AddressNumber>219</AddressNumber> <StreetName>Dearborn</StreetName></AddressString>
    /// </AddressCollection>
    /// ```
    ///
    /// Several words in one element have the same tag. Characters that follow an element without a
    /// space belong to its last word.
    ///
    /// - Parameter path: The file, UTF-8.
    /// - Throws: ``DataError`` with the line for what is no such XML, wrong encoding or a file without
    ///   texts.
    public init(parserator path: String) throws(DataError) {
        let file = try TextFile(path: path)
        defer { withExtendedLifetime(file) {} }
        var reader = XMLReader(file.bytes, path: path)
        var examples: [Example<[String], [String]>] = []
        var current = Example<[String], [String]>(input: [], target: [])
        var open: [String] = []
        while let event = try reader.next() {
            switch event {
            case .begin(let name):
                guard open.count < 3 else {
                    throw reader.error("'\(name)' stands inside the word '\(open[2])'")
                }
                open.append(name)
                if open.count == 2 { current = Example(input: [], target: []) }
            case .end:
                if open.count == 2, !current.input.isEmpty { examples.append(current) }
                open.removeLast()
            case .text(let text):
                try current.append(text, in: open, reader)
            }
        }
        guard !examples.isEmpty else { throw DataError(.noExamples, path: path) }
        self.init(examples)
    }
}

extension Example where Input == [String], Target == [String] {
    /// Adds the words of a text that stands inside these elements.
    fileprivate mutating func append(
        _ text: String, in open: [String], _ reader: XMLReader
    ) throws(DataError) {
        if open.count == 3 {
            let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
            input += words
            target += words.map { _ in open[2] }
            return
        }
        var rest = text[...]
        if open.count == 2, let last = input.popLast() {
            let tail = rest.prefix { !$0.isWhitespace }
            input.append(last + tail)
            rest = rest.dropFirst(tail.count)
        }
        guard String(rest).isBlank else {
            throw reader.error("'\(String(rest).shortened(to: 40))' stands in no word")
        }
    }
}
