import Checkpoint

/// Archives whose directory or whose entries are damaged.
extension PyTorchRefusalTests {
    // MARK: ZIP

    private static func zip(
        _ description: String, _ bytes: [UInt8], _ reason: ZipError
    ) -> PyTorchRefusal {
        PyTorchRefusal(description, bytes, .archive(reason))
    }

    private static func checksum(_ position: Int) -> UInt32 {
        TestArchive.checksum([pickle, Array("little".utf8), numbers, Array("3\n".utf8)][position])
    }

    static let directories: [PyTorchRefusal] = [
        zip("only a header", Array("PK\u{3}\u{4}".utf8), .missingDirectory),
        zip("a byte too few", Array(archive.bytes.dropLast()), .missingDirectory),
        zip("a byte too many", archive.bytes + [0], .missingDirectory),
        zip("without an end record", Array(archive.bytes.prefix(archive.end)), .missingDirectory),
        zip(
            "comment that is not there", archive.with(UInt16(1), at: archive.end + 20),
            .missingDirectory),
        zip("second disk", archive.with(UInt16(1), at: archive.end + 4), .severalDisks),
        zip(
            "directory on a second disk", archive.with(UInt16(1), at: archive.end + 6),
            .severalDisks),
        zip(
            "entries on another disk", archive.with(UInt16(3), at: archive.end + 8),
            .severalDisks),
        zip(
            "entry on another disk", archive.with(UInt16(1), at: archive.records[0] + 34),
            .severalDisks),
        zip(
            "64 bits announced", archive.with(UInt32.max, at: archive.end + 16),
            .missingZip64Record),
        zip(
            "64 bits announced for the count", archive.with(UInt16.max, at: archive.end + 10),
            .missingZip64Record),
        zip(
            "directory past the end", archive.with(UInt32(1 << 20), at: archive.end + 16),
            .directoryPastEnd),
        zip(
            "directory larger than the file", archive.with(UInt32(1 << 20), at: archive.end + 12),
            .directoryPastEnd),
        zip(
            "directory ends early",
            archive.with(UInt32(archive.records[0] - 1), at: archive.end + 16),
            .directoryNotAtEnd(expected: archive.end, found: archive.end - 1)),
        zip(
            "bytes before the directory's end",
            archive.bytes.inserting(0, at: archive.end),
            .directoryNotAtEnd(expected: archive.end + 1, found: archive.end)),
        zip(
            "an entry too many in the count",
            archive.with(UInt32(0x0005_0005), at: archive.end + 8),
            .truncatedDirectory(entry: 4)),
        zip(
            "an entry too few in the count",
            archive.with(UInt32(0x0003_0003), at: archive.end + 8), .entryCount(expected: 3)),
        zip(
            "no entry in the count", archive.with(UInt32(0), at: archive.end + 8),
            .entryCount(expected: 0)),
        zip(
            "65534 entries", archive.with(UInt32(0xFFFE_FFFE), at: archive.end + 8),
            .entryCount(expected: 65534)),
        zip(
            "record without its signature", archive.with(UInt32(0), at: archive.records[1]),
            .truncatedDirectory(entry: 1)),
        zip(
            "name longer than the directory",
            archive.with(UInt16(60_000), at: archive.records[3] + 28),
            .truncatedDirectory(entry: 3)),
        zip(
            "extra longer than the directory",
            archive.with(UInt16(60_000), at: archive.records[3] + 30),
            .truncatedDirectory(entry: 3)),
        zip(
            "comment longer than the directory",
            archive.with(UInt16(1), at: archive.records[3] + 32), .truncatedDirectory(entry: 3)),
        zip(
            "name that is not UTF-8", archive.with(UInt8(0xFF), at: archive.records[2] + 46),
            .invalidName(entry: 2)),
        zip(
            "64 bits: no record", archive64.with(UInt8(0), at: archive64.end64),
            .invalidZip64Record),
        zip(
            "64 bits: record of another size", archive64.with(UInt64(45), at: archive64.end64 + 4),
            .invalidZip64Record),
        zip(
            "64 bits: record elsewhere", archive64.with(UInt64(0), at: archive64.locator + 8),
            .invalidZip64Record),
        zip(
            "64 bits: record past the end",
            archive64.with(UInt64.max, at: archive64.locator + 8), .invalidZip64Record),
        zip(
            "64 bits: record on another disk",
            archive64.with(UInt32(1), at: archive64.locator + 4), .severalDisks),
        zip(
            "64 bits: written on another disk",
            archive64.with(UInt32(1), at: archive64.end64 + 16), .severalDisks),
        zip(
            "64 bits: another count", archive64.with(UInt64(9), at: archive64.end64 + 32),
            .endRecordsDisagree(field: "number of entries")),
        zip(
            "64 bits: another size", archive64.with(UInt64(9), at: archive64.end64 + 40),
            .endRecordsDisagree(field: "size of the directory")),
        zip(
            "64 bits: another position", archive64.with(UInt64(9), at: archive64.end64 + 48),
            .endRecordsDisagree(field: "position of the directory")),
        zip(
            "64 bits: position of 2^63",
            archive64.bytes.with(UInt64(0x8000_0000_0000_0000), at: archive64.end64 + 48)
                .with(UInt32.max, at: archive64.end + 16), .directoryPastEnd),
        zip(
            "64 bits: 2^63 entries",
            archive64.bytes.with(UInt64(0x8000_0000_0000_0000), at: archive64.end64 + 24)
                .with(UInt64(0x8000_0000_0000_0000), at: archive64.end64 + 32)
                .with(UInt32.max, at: archive64.end + 8),
            .entryCount(expected: 0x8000_0000_0000_0000)),
    ]

    static let entries: [PyTorchRefusal] = [
        zip(
            "encrypted", archive.with(UInt16(0x0801), at: archive.records[2] + 8),
            .encrypted("archive/data/0")),
        zip(
            "strongly encrypted", archive.with(UInt16(0x0840), at: archive.records[2] + 8),
            .encrypted("archive/data/0")),
        zip(
            "encrypted directory", archive.with(UInt16(0x2800), at: archive.records[2] + 8),
            .encrypted("archive/data/0")),
        zip(
            "deflated", archive.with(UInt16(8), at: archive.records[2] + 10),
            .compressed("archive/data/0", method: 8)),
        zip(
            "compressed with zstandard", archive.with(UInt16(93), at: archive.records[0] + 10),
            .compressed("archive/data.pkl", method: 93)),
        zip(
            "patched", archive.with(UInt16(0x0820), at: archive.records[0] + 8),
            .unknownFlags("archive/data.pkl", flags: 0x0820)),
        zip(
            "sizes that differ", archive.with(UInt32(4), at: archive.records[2] + 20),
            .sizesDiffer("archive/data/0", stored: 4, original: 8)),
        zip(
            "size of 64 bits that is not there",
            archive.with(UInt32.max, at: archive.records[2] + 24),
            .missingZip64Field("archive/data/0")),
        zip(
            "position of 64 bits that is not there",
            archive.with(UInt32.max, at: archive.records[2] + 42),
            .missingZip64Field("archive/data/0")),
        zip(
            "position elsewhere", archive.with(UInt32(3), at: archive.records[2] + 42),
            .missingHeader("archive/data/0", position: 3)),
        zip(
            "position past the directory",
            archive.with(UInt32(archive.end), at: archive.records[2] + 42),
            .missingHeader("archive/data/0", position: archive.end)),
        zip(
            "position near 2^32", archive.with(UInt32.max - 1, at: archive.records[2] + 42),
            .missingHeader("archive/data/0", position: 4_294_967_294)),
        zip(
            "position of another entry",
            archive.with(UInt32(archive.headers[1]), at: archive.records[2] + 42),
            .headerDisagrees("archive/data/0", field: "name")),
        zip(
            "header without its signature", archive.with(UInt8(0), at: archive.headers[1]),
            .missingHeader("archive/byteorder", position: archive.headers[1])),
        zip(
            "another name", archive.with(UInt8(ascii: "1"), at: archive.contents[2] - 1),
            .headerDisagrees("archive/data/0", field: "name")),
        zip(
            "longer name", archive.with(UInt16(20), at: archive.headers[2] + 26),
            .headerDisagrees("archive/data/0", field: "name")),
        zip(
            "name past the directory", archive.with(UInt16.max, at: archive.headers[2] + 26),
            .entryPastEnd("archive/data/0")),
        zip(
            "other flags", archive.with(UInt16(0), at: archive.headers[2] + 6),
            .headerDisagrees("archive/data/0", field: "flags")),
        zip(
            "another method", archive.with(UInt16(8), at: archive.headers[2] + 8),
            .headerDisagrees("archive/data/0", field: "method")),
        zip(
            "another checksum in front", archive.with(UInt32(7), at: archive.headers[2] + 14),
            .headerDisagrees("archive/data/0", field: "checksum")),
        zip(
            "another size in front", archive.with(UInt32(7), at: archive.headers[2] + 22),
            .headerDisagrees("archive/data/0", field: "size")),
        zip(
            "another stored size in front", archive.with(UInt32(7), at: archive.headers[2] + 18),
            .headerDisagrees("archive/data/0", field: "size")),
        zip(
            "larger than the file",
            archive.bytes.with(UInt32(9999), at: archive.records[2] + 20)
                .with(UInt32(9999), at: archive.records[2] + 24), .entryPastEnd("archive/data/0")),
        zip(
            "overlap",
            archive.bytes.with(UInt32(30), at: archive.records[2] + 20)
                .with(UInt32(30), at: archive.records[2] + 24)
                .with(UInt32(30), at: archive.headers[2] + 18)
                .with(UInt32(30), at: archive.headers[2] + 22),
            .overlap("archive/version", other: "archive/data/0")),
        zip(
            "duplicate name",
            TestArchive([("archive/data.pkl", pickle), ("archive/data.pkl", [])]).bytes,
            .duplicateEntry("archive/data.pkl")),
        zip(
            "another descriptor",
            archive64.with(UInt32(9), at: archive64.contents[1] + 8 + 8),
            .headerDisagrees("archive/data/0", field: "descriptor")),
        zip(
            "flipped bit in a storage", archive.with(UInt8(1), at: archive.contents[2]),
            .wrongChecksum(
                "archive/data/0", expected: checksum(2),
                found: TestArchive.checksum([1, 0, 0x80, 0x3F, 0, 0, 0, 0x40]))),
        zip(
            "flipped bit in the pickle", archive.with(UInt8(0x8B), at: archive.contents[0]),
            .wrongChecksum(
                "archive/data.pkl", expected: checksum(0),
                found: TestArchive.checksum([0x8B] + pickle.dropFirst()))),
        zip(
            "wrong checksum",
            archive.bytes.with(UInt32(7), at: archive.records[2] + 16)
                .with(UInt32(7), at: archive.headers[2] + 14),
            .wrongChecksum("archive/data/0", expected: 7, found: checksum(2))),
    ]
}
