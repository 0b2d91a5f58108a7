/// Where an entry lies, according to the header in front of its bytes, which must say what the
/// directory says.
struct ZipLocalHeader {
    /// The bytes of the entry.
    let content: Range<Int>
    /// The same with the header in front of them, and what follows them.
    let extent: Range<Int>

    /// Reads the header of an entry that lies before `end`, where the directory begins.
    init(
        _ record: ZipDirectory.Record, in file: UnsafeRawBufferPointer, before end: Int
    ) throws(ZipError) {
        let name = record.name
        guard record.headerPosition < end,
            let header = file.part(record.headerPosition..<end), header.count >= 30,
            header.littleEndian(UInt32.self, at: 0) == 0x0403_4B50
        else { throw .missingHeader(name, position: record.headerPosition) }
        func small(_ position: Int) -> UInt16 {
            header.littleEndian(UInt16.self, at: position) ?? 0
        }
        let (nameCount, extraCount) = (Int(small(26)), Int(small(28)))
        guard let extra = header.part(at: 30 + nameCount, count: extraCount) else {
            throw .entryPastEnd(name)
        }
        guard header.part(at: 30, count: nameCount)?.elementsEqual(name.utf8) == true else {
            throw .headerDisagrees(name, field: "name")
        }
        guard small(6) == record.flags else { throw .headerDisagrees(name, field: "flags") }
        guard small(8) == record.method else { throw .headerDisagrees(name, field: "method") }
        let begin = 30 + nameCount + extraCount
        guard record.byteCount <= header.count - begin else { throw .entryPastEnd(name) }
        try Self.checkSizes(header, extra, record)
        let descriptor = try Self.descriptorByteCount(
            UnsafeRawBufferPointer(rebasing: header[(begin + record.byteCount)...]), record)
        let start = record.headerPosition
        content = (start + begin)..<(start + begin + record.byteCount)
        extent = start..<(content.upperBound + descriptor)
    }

    /// The header repeats checksum and sizes, unless a descriptor behind the bytes does.
    private static func checkSizes(
        _ header: UnsafeRawBufferPointer, _ extra: UnsafeRawBufferPointer,
        _ record: ZipDirectory.Record
    ) throws(ZipError) {
        func wide(_ position: Int) -> UInt32 { header.littleEndian(UInt32.self, at: position) ?? 0 }
        let isDeferred = record.flags & 8 != 0
        if isDeferred && wide(14) == 0 && wide(18) == 0 && wide(22) == 0 { return }
        guard wide(14) == record.checksum || isDeferred && wide(14) == 0 else {
            throw .headerDisagrees(record.name, field: "checksum")
        }
        let fields = try Zip64Fields(
            size: wide(22), storedSize: wide(18), headerPosition: 0, extra: extra, of: record.name)
        for size in [fields.size, fields.storedSize]
        where size != record.byteCount && !(isDeferred && size == 0) {
            throw .headerDisagrees(record.name, field: "size")
        }
    }

    /// The bytes of the descriptor that follows an entry: its checksum and sizes once more, of 32 or
    /// 64 bits, with a signature or without (APPNOTE 4.3.9).
    private static func descriptorByteCount(
        _ rest: UnsafeRawBufferPointer, _ record: ZipDirectory.Record
    ) throws(ZipError) -> Int {
        guard record.flags & 8 != 0 else { return 0 }
        let size = UInt64(record.byteCount)
        for begin in rest.littleEndian(UInt32.self, at: 0) == 0x0807_4B50 ? [4, 0] : [0] {
            guard rest.littleEndian(UInt32.self, at: begin) == record.checksum else { continue }
            if rest.littleEndian(UInt64.self, at: begin + 4) == size,
                rest.littleEndian(UInt64.self, at: begin + 12) == size
            {
                return begin + 20
            }
            if UInt64(rest.littleEndian(UInt32.self, at: begin + 4) ?? .max) == size,
                UInt64(rest.littleEndian(UInt32.self, at: begin + 8) ?? .max) == size
            {
                return begin + 12
            }
        }
        throw .headerDisagrees(record.name, field: "descriptor")
    }
}
