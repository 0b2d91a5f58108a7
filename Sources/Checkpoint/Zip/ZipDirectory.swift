/// The directory at the end of a ZIP archive: one record for each entry, and behind them the record
/// that says where they are, in its form of 32 or of 64 bits.
struct ZipDirectory {
    /// Where the records lie.
    let range: Range<Int>
    /// What the directory says about each entry.
    let records: [Record]

    /// What the directory says about an entry.
    struct Record {
        let name: String
        let flags: UInt16
        let method: UInt16
        let checksum: UInt32
        let byteCount: Int
        let headerPosition: Int
    }

    init(_ file: UnsafeRawBufferPointer) throws(ZipError) {
        let (range, count) = try Self.place(in: file)
        self.range = range
        records = try Self.records(file, range, count: count)
    }

    // MARK: Where it is

    private static func place(
        in file: UnsafeRawBufferPointer
    ) throws(ZipError) -> (range: Range<Int>, entryCount: Int) {
        let end = try endRecord(file)
        let fields = UnsafeRawBufferPointer(rebasing: file[end...])
        func number(_ position: Int) -> UInt64 {
            UInt64(fields.littleEndian(UInt16.self, at: position) ?? 0)
        }
        func wide(_ position: Int) -> UInt64 {
            UInt64(fields.littleEndian(UInt32.self, at: position) ?? 0)
        }
        guard number(4) == 0 || number(4) == 0xFFFF, number(6) == 0 || number(6) == 0xFFFF else {
            throw .severalDisks
        }
        let small = Place(entriesHere: number(8), entries: number(10), size: wide(12), at: wide(16))
        let large = try zip64Place(file, before: end)
        let found = large?.place ?? small
        if let large {
            try check(small, against: large.place)
        } else if small.hasPlaceholder {
            throw .missingZip64Record
        }
        guard found.entriesHere == found.entries else { throw .severalDisks }
        let directoryEnd = large?.position ?? end
        guard let begin = Int(exactly: found.at), let size = Int(exactly: found.size),
            begin <= directoryEnd, size <= directoryEnd - begin
        else { throw .directoryPastEnd }
        guard begin + size == directoryEnd else {
            throw .directoryNotAtEnd(expected: directoryEnd, found: begin + size)
        }
        // A record takes 46 bytes at least.
        guard let count = Int(exactly: found.entries), count <= size / 46 else {
            throw .entryCount(expected: found.entries)
        }
        return (begin..<directoryEnd, count)
    }

    /// What an end record says.
    private struct Place: Equatable {
        let entriesHere: UInt64
        let entries: UInt64
        let size: UInt64
        let at: UInt64

        /// Whether a field says that the record of 64 bits has it.
        var hasPlaceholder: Bool {
            entriesHere == 0xFFFF || entries == 0xFFFF || size == 0xFFFF_FFFF || at == 0xFFFF_FFFF
        }
    }

    /// The position of the end record: the last whose comment ends with the file.
    private static func endRecord(_ file: UnsafeRawBufferPointer) throws(ZipError) -> Int {
        var position = file.count - 22
        let lowest = max(0, position - 0xFFFF)
        while position >= lowest {
            if file.littleEndian(UInt32.self, at: position) == 0x0605_4B50,
                let comment = file.littleEndian(UInt16.self, at: position + 20),
                Int(comment) == file.count - position - 22
            {
                return position
            }
            position -= 1
        }
        throw .missingDirectory
    }

    /// What the end record of 64 bits says, and its position; nil if there is none.
    private static func zip64Place(
        _ file: UnsafeRawBufferPointer, before end: Int
    ) throws(ZipError) -> (place: Place, position: Int)? {
        let locator = end - 20
        guard file.littleEndian(UInt32.self, at: locator) == 0x0706_4B50 else { return nil }
        guard let written = file.littleEndian(UInt64.self, at: locator + 8),
            let position = Int(exactly: written), position <= locator - 56,
            let fields = file.part(at: position, count: 56),
            fields.littleEndian(UInt32.self, at: 0) == 0x0606_4B50,
            let size = fields.littleEndian(UInt64.self, at: 4),
            Int(exactly: size) == locator - position - 12
        else { throw .invalidZip64Record }
        guard file.littleEndian(UInt32.self, at: locator + 4) == 0,
            fields.littleEndian(UInt32.self, at: 16) == 0,
            fields.littleEndian(UInt32.self, at: 20) == 0
        else { throw .severalDisks }
        func number(_ position: Int) -> UInt64 {
            fields.littleEndian(UInt64.self, at: position) ?? 0
        }
        let place = Place(
            entriesHere: number(24), entries: number(32), size: number(40), at: number(48))
        return (place, position)
    }

    private static func check(_ small: Place, against large: Place) throws(ZipError) {
        for (field, value, wide, placeholder) in [
            ("number of entries", small.entriesHere, large.entriesHere, 0xFFFF),
            ("number of entries", small.entries, large.entries, 0xFFFF),
            ("size of the directory", small.size, large.size, 0xFFFF_FFFF),
            ("position of the directory", small.at, large.at, 0xFFFF_FFFF),
        ] as [(String, UInt64, UInt64, UInt64)] where value != wide && value != placeholder {
            throw .endRecordsDisagree(field: field)
        }
    }

    // MARK: What it says

    private static func records(
        _ file: UnsafeRawBufferPointer, _ range: Range<Int>, count: Int
    ) throws(ZipError) -> [Record] {
        var records: [Record] = []
        var position = range.lowerBound
        for index in 0..<count {
            guard let bytes = file.part(position..<range.upperBound) else {
                throw .truncatedDirectory(entry: index)
            }
            let (record, length) = try record(bytes, index: index)
            records.append(record)
            position += length
        }
        guard position == range.upperBound else { throw .entryCount(expected: UInt64(count)) }
        return records
    }

    private static func record(
        _ bytes: UnsafeRawBufferPointer, index: Int
    ) throws(ZipError) -> (Record, byteCount: Int) {
        func small(_ position: Int) -> UInt16 { bytes.littleEndian(UInt16.self, at: position) ?? 0 }
        func wide(_ position: Int) -> UInt32 { bytes.littleEndian(UInt32.self, at: position) ?? 0 }
        guard wide(0) == 0x0201_4B50, bytes.count >= 46 else {
            throw .truncatedDirectory(entry: index)
        }
        let (nameCount, extraCount) = (Int(small(28)), Int(small(30)))
        let length = 46 + nameCount + extraCount + Int(small(32))
        guard length <= bytes.count, let extra = bytes.part(at: 46 + nameCount, count: extraCount)
        else { throw .truncatedDirectory(entry: index) }
        guard let name = bytes.part(at: 46, count: nameCount)?.utf8Text else {
            throw .invalidName(entry: index)
        }
        let fields = try Zip64Fields(
            size: wide(24), storedSize: wide(20), headerPosition: wide(42), extra: extra, of: name)
        guard small(34) == 0 || small(34) == 0xFFFF else { throw .severalDisks }
        try check(flags: small(8), method: small(10), of: name)
        guard fields.size == fields.storedSize else {
            throw .sizesDiffer(name, stored: fields.storedSize, original: fields.size)
        }
        guard let size = Int(exactly: fields.size), let at = Int(exactly: fields.headerPosition)
        else { throw .entryPastEnd(name) }
        let record = Record(
            name: name, flags: small(8), method: small(10), checksum: wide(16), byteCount: size,
            headerPosition: at)
        return (record, length)
    }

    /// Bit 3 says that sizes and checksum follow the bytes, bit 11 that the name is UTF-8, and bits
    /// 1 and 2 say how a compressed entry was compressed.
    private static func check(
        flags: UInt16, method: UInt16, of name: String
    ) throws(ZipError) {
        guard flags & 0x2041 == 0 else { throw .encrypted(name) }
        guard method == 0 else { throw .compressed(name, method: Int(method)) }
        guard flags & ~0x080E == 0 else { throw .unknownFlags(name, flags: flags) }
    }
}

/// The sizes and the position of an entry, of which those that do not fit in 32 bits stand in an
/// extra field (APPNOTE 4.5.3).
struct Zip64Fields {
    private(set) var size: UInt64
    private(set) var storedSize: UInt64
    private(set) var headerPosition: UInt64

    init(
        size: UInt32, storedSize: UInt32, headerPosition: UInt32, extra: UnsafeRawBufferPointer,
        of name: String
    ) throws(ZipError) {
        (self.size, self.storedSize) = (UInt64(size), UInt64(storedSize))
        self.headerPosition = UInt64(headerPosition)
        guard size == .max || storedSize == .max || headerPosition == .max else { return }
        guard var fields = Self.field(1, of: extra) else { throw .missingZip64Field(name) }
        func next() throws(ZipError) -> UInt64 {
            guard let value = fields.littleEndian(UInt64.self, at: 0) else {
                throw .missingZip64Field(name)
            }
            fields = UnsafeRawBufferPointer(rebasing: fields[8...])
            return value
        }
        if size == .max { self.size = try next() }
        if storedSize == .max { self.storedSize = try next() }
        if headerPosition == .max { self.headerPosition = try next() }
    }

    /// The content of the extra field of that kind, or nil if there is none.
    private static func field(
        _ kind: UInt16, of extra: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        var position = 0
        while let found = extra.littleEndian(UInt16.self, at: position),
            let length = extra.littleEndian(UInt16.self, at: position + 2)
        {
            if found == kind { return extra.part(at: position + 4, count: Int(length)) }
            position += 4 + Int(length)
        }
        return nil
    }
}
