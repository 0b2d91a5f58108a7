/// A ZIP archive that cannot be read: what is wrong, and where.
public enum ZipError: Error, Hashable, CustomStringConvertible {
    // The directory

    /// The file does not end with a directory of its entries.
    case missingDirectory
    /// The archive is one part of several.
    case severalDisks
    /// A number does not fit in 32 bits, and the record that has it in 64 is missing.
    case missingZip64Record
    /// The end record of 64 bits is not where it should be.
    case invalidZip64Record
    /// The end records of 32 and of 64 bits say different things.
    case endRecordsDisagree(field: String)
    /// The directory lies outside of the file.
    case directoryPastEnd
    /// Between the directory and the end record is something else, or nothing where it should be.
    case directoryNotAtEnd(expected: Int, found: Int)
    /// There are not as many entries as the end record says.
    case entryCount(expected: UInt64)
    /// The record of an entry, counted from 0, is cut off or is something else.
    case truncatedDirectory(entry: Int)
    /// The name of an entry, counted from 0, is not UTF-8.
    case invalidName(entry: Int)
    /// A number of an entry does not fit in 32 bits, and the field that has it in 64 is missing.
    case missingZip64Field(String)

    // An entry

    /// Two entries have the same name.
    case duplicateEntry(String)
    /// An entry is encrypted.
    case encrypted(String)
    /// An entry is compressed by this method: 8 is deflate.
    case compressed(String, method: Int)
    /// An entry has a feature that is not known here.
    case unknownFlags(String, flags: UInt16)
    /// An entry that is not compressed takes another number of bytes than it has.
    case sizesDiffer(String, stored: UInt64, original: UInt64)
    /// There is no header in front of an entry.
    case missingHeader(String, position: Int)
    /// An entry does not end before the directory begins.
    case entryPastEnd(String)
    /// The header in front of an entry, or the descriptor behind it, says something else than the
    /// directory.
    case headerDisagrees(String, field: String)
    /// Two entries share bytes.
    case overlap(String, other: String)
    /// The bytes of an entry are not those that were written.
    case wrongChecksum(String, expected: UInt32, found: UInt32)

    /// What is wrong, where.
    public var description: String {
        switch self {
        case .duplicateEntry, .encrypted, .compressed, .unknownFlags, .sizesDiffer, .missingHeader,
            .entryPastEnd, .headerDisagrees, .overlap, .wrongChecksum:
            entryDescription
        default: directoryDescription
        }
    }

    private var directoryDescription: String {
        switch self {
        case .missingDirectory:
            "it does not end with a directory of its entries; was its download interrupted?"
        case .severalDisks: "it is one part of an archive in several parts"
        case .missingZip64Record: "the end record of 64 bits (ZIP64) is missing"
        case .invalidZip64Record: "the end record of 64 bits (ZIP64) is not where it should be"
        case .endRecordsDisagree(let field): "its two end records differ in the \(field)"
        case .directoryPastEnd: "its directory lies outside of the file"
        case .directoryNotAtEnd(let expected, let found):
            "its directory ends at byte \(found) instead of \(expected)"
        case .entryCount(let expected): "its directory does not hold \(expected) entries"
        case .truncatedDirectory(let entry): "entry \(entry) of its directory is damaged"
        case .invalidName(let entry):
            "the name of entry \(entry) of its directory is not UTF-8"
        case .missingZip64Field(let name):
            "the entry '\(name)' lacks its sizes of 64 bits (ZIP64)"
        default: ""
        }
    }

    private var entryDescription: String {
        switch self {
        case .duplicateEntry(let name): "two of its entries are called '\(name)'"
        case .encrypted(let name): "its entry '\(name)' is encrypted"
        case .compressed(let name, let method):
            "its entry '\(name)' is compressed (method \(method)), so that it cannot be mapped; "
                + "write the file again without compression"
        case .unknownFlags(let name, let flags):
            "its entry '\(name)' has the flags \(flags), which are not supported"
        case .sizesDiffer(let name, let stored, let original):
            "its entry '\(name)' is not compressed, but takes \(stored) bytes for \(original)"
        case .missingHeader(let name, let position):
            "there is no header of the entry '\(name)' at byte \(position)"
        case .entryPastEnd(let name): "its entry '\(name)' does not end before the directory"
        case .headerDisagrees(let name, let field):
            "header and directory differ in the \(field) of the entry '\(name)'"
        case .overlap(let name, let other): "its entries '\(other)' and '\(name)' overlap"
        case .wrongChecksum(let name, let expected, let found):
            "its entry '\(name)' has the checksum \(String(found, radix: 16)) instead of "
                + "\(String(expected, radix: 16)): the file is damaged; fetch it again"
        default: ""
        }
    }
}
