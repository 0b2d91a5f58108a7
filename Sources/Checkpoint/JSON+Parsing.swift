import Tensor

extension JSON {
    /// What to make of a key that appears twice in one object.
    public enum DuplicateKeys: Sendable {
        /// An error. The default, because readers differ in which value they keep, so that two
        /// programs may see two files in one.
        case refused
        /// The last value stays, in the first one's place.
        case lastStays
    }

    /// Parses a text by the letter of RFC 8259: UTF-8 without a byte order mark, no comments,
    /// no trailing commas, no lone surrogates, one value.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - depthLimit: How many arrays and objects may lie inside one another. The default is
    ///     deeper than any checkpoint or configuration; a limit keeps a hostile file from
    ///     exhausting the stack.
    ///   - duplicateKeys: What to make of a key that appears twice in one object.
    /// - Throws: ``SyntaxError``.
    /// - Precondition: `depthLimit` lies in 0...1024.
    public init(
        parsing bytes: UnsafeRawBufferPointer, depthLimit: Int = 128,
        duplicateKeys: DuplicateKeys = .refused
    ) throws(SyntaxError) {
        precondition((0...1024).contains(depthLimit), "a depth limit of \(depthLimit)")
        var parser = JSONParser(bytes, depthLimit: depthLimit, duplicateKeys: duplicateKeys)
        self = try parser.parse()
    }

    /// Parses a text by the letter of RFC 8259, see ``init(parsing:depthLimit:duplicateKeys:)``.
    ///
    /// - Throws: ``SyntaxError``.
    public init(
        parsing bytes: [UInt8], depthLimit: Int = 128, duplicateKeys: DuplicateKeys = .refused
    ) throws(SyntaxError) {
        self = try bytes.withUnsafeBufferPointer { buffer throws(SyntaxError) in
            try JSON(
                parsing: UnsafeRawBufferPointer(buffer), depthLimit: depthLimit,
                duplicateKeys: duplicateKeys)
        }
    }

    /// Parses a text by the letter of RFC 8259, see ``init(parsing:depthLimit:duplicateKeys:)``.
    ///
    /// - Throws: ``SyntaxError``.
    public init(
        parsing text: String, depthLimit: Int = 128, duplicateKeys: DuplicateKeys = .refused
    ) throws(SyntaxError) {
        try self.init(
            parsing: Array(text.utf8), depthLimit: depthLimit, duplicateKeys: duplicateKeys)
    }

    /// Reads a file, see ``init(parsing:depthLimit:duplicateKeys:)``.
    ///
    /// - Throws: ``ReadError`` if the file cannot be read or is not JSON.
    public init(
        contentsOf path: String, depthLimit: Int = 128, duplicateKeys: DuplicateKeys = .refused
    ) throws(ReadError) {
        let file: MappedFile
        do throws(FileError) {
            file = try MappedFile(path: path)
        } catch {
            throw .unreadable(error)
        }
        defer { withExtendedLifetime(file) {} }
        do throws(SyntaxError) {
            try self.init(
                parsing: file.bytes, depthLimit: depthLimit, duplicateKeys: duplicateKeys)
        } catch {
            throw .malformed(path: path, error)
        }
    }
}
