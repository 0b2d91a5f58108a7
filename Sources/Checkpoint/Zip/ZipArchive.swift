/// The entries of a ZIP archive whose bytes are stored as they are, so that they can be mapped
/// (PKWARE, "APPNOTE.TXT", 6.3.10).
///
/// Everything but the entries' content is checked at opening: the directory lies at the end, each
/// entry agrees with the header in front of its bytes, and no two share a byte or a name.
struct ZipArchive: Sendable {
    typealias Reason = ZipError

    /// A file in the archive.
    struct Entry: Sendable, Hashable {
        /// Any text, never to be used as a path.
        let name: String
        /// Where its bytes lie in the archive.
        let byteRange: Range<Int>
        /// The CRC-32 that its bytes should have.
        let checksum: UInt32
    }

    /// In the order of the directory.
    let entries: [Entry]
    private let positions: [ByteKey: Int]

    /// Reads the directory of an archive.
    init(_ file: UnsafeRawBufferPointer) throws(ZipError) {
        let directory = try ZipDirectory(file)
        var entries: [Entry] = []
        var positions: [ByteKey: Int] = [:]
        var extents: [(range: Range<Int>, name: String)] = []
        for record in directory.records {
            guard positions.updateValue(entries.count, forKey: ByteKey(record.name)) == nil else {
                throw .duplicateEntry(record.name)
            }
            let place = try ZipLocalHeader(record, in: file, before: directory.range.lowerBound)
            entries.append(
                Entry(name: record.name, byteRange: place.content, checksum: record.checksum))
            extents.append((place.extent, record.name))
        }
        extents.sort { $0.range.lowerBound < $1.range.lowerBound }
        for (first, second) in zip(extents, extents.dropFirst())
        where second.range.lowerBound < first.range.upperBound {
            throw .overlap(second.name, other: first.name)
        }
        (self.entries, self.positions) = (entries, positions)
    }

    /// The entry of that name, or nil if there is none.
    func entry(named name: String) -> Entry? { positions[ByteKey(name)].map { entries[$0] } }

    /// Whether the file begins as an archive does.
    static func isArchive(_ file: UnsafeRawBufferPointer) -> Bool {
        file.starts(with: [0x50, 0x4B, 3, 4]) || file.starts(with: [0x50, 0x4B, 5, 6])
    }
}

extension ZipArchive.Entry {
    /// Compares the bytes with their checksum.
    func verify(in file: UnsafeRawBufferPointer) throws(ZipError) {
        let found = CRC32.checksum(UnsafeRawBufferPointer(rebasing: file[byteRange]))
        guard found == checksum else {
            throw .wrongChecksum(name, expected: checksum, found: found)
        }
    }
}
