import Checkpoint
import Tensor
import Testing

@Suite struct NumPyRefusalTests {
    typealias Reason = NumPyFileError.Reason

    /// A file that must be refused for this reason and no other.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let array: String?
        let reason: Reason

        init(_ description: String, _ bytes: [UInt8], array: String? = nil, _ reason: Reason) {
            (testDescription, self.bytes) = (description, bytes)
            (self.array, self.reason) = (array, reason)
        }

        /// One with this header in front of `count` bytes.
        init(_ header: String, count: Int = 8, _ reason: Reason) {
            self.init(header, npy(header, [UInt8](repeating: 0, count: count)), reason)
        }
    }

    /// An array with this header, which is not padded.
    private static func npy(
        _ header: String, _ data: [UInt8] = [], version: [UInt8] = [1, 0], length: Int? = nil
    ) -> [UInt8] {
        let length = length ?? header.utf8.count
        let field =
            version[0] == 1
            ? withUnsafeBytes(of: UInt16(length).littleEndian) { Array($0) }
            : withUnsafeBytes(of: UInt32(length).littleEndian) { Array($0) }
        return [0x93] + "NUMPY".utf8 + version + field + header.utf8 + data
    }

    private static func header(_ shape: String, _ type: String = "<f4") -> String {
        "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }\n"
    }

    private static let numbers: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
    private static let good = npy(header("(2,)"), numbers)
    private static let archive = TestArchive([("a.npy", good), ("b.npy", good)])

    @Test func acceptsTheUndamagedFiles() throws {
        #expect(try reason(Self.good) == nil && reason(Self.archive.bytes) == nil)
        for header in [
            "{'shape':(2,),'descr':\"<f4\",'fortran_order':False}",
            "{ 'shape' : ( 2 , ) , 'descr' : '<f4' , 'fortran_order' : True , } \t\r\n",
            "{'descr':'=f4','fortran_order':False,'shape':(1,2)}",
        ] {
            for version: [UInt8] in [[1, 0], [2, 0], [3, 0]] {
                #expect(
                    try reason(Self.npy(header, Self.numbers, version: version)) == nil)
            }
        }
    }

    static let framing: [Refusal] = [
        Refusal("empty", [], .empty),
        Refusal("text", Array("1,2,3\n".utf8), .unknownFormat),
        Refusal("pickle", Op.proto + Op.emptyList + Op.stop, .unknownFormat),
        Refusal("one byte", [0x93], .truncatedHeader),
        Refusal("only NUMPY", Array(good.prefix(6)), .truncatedHeader),
        Refusal("no length", Array(good.prefix(8)), .truncatedHeader),
        Refusal("half a length", Array(good.prefix(9)), .truncatedHeader),
        Refusal("half a header", Array(good.prefix(40)), .truncatedHeader),
        Refusal("version 0", good.with(UInt8(0), at: 6), .unsupportedVersion(major: 0, minor: 0)),
        Refusal("version 4", good.with(UInt8(4), at: 6), .unsupportedVersion(major: 4, minor: 0)),
        Refusal("version 1.1", good.with(UInt8(1), at: 7), .unsupportedVersion(major: 1, minor: 1)),
        Refusal(
            "header of 10001 bytes", npy(header("(2,)"), numbers, length: 10_001),
            .headerTooLong(byteCount: 10_001)),
        Refusal(
            "header of 4 GB", npy(header("(2,)"), numbers, version: [2, 0], length: 0xFFFF_FFFF),
            .headerTooLong(byteCount: 4_294_967_295)),
        Refusal(
            "header past the end", npy(header("(2,)"), length: 500), .truncatedHeader),
        Refusal("a byte too few", Array(good.dropLast()), .truncatedData(missingByteCount: 1)),
        Refusal("no data", npy(header("(2,)")), .truncatedData(missingByteCount: 8)),
        Refusal("a byte too many", good + [0], .trailingBytes(count: 1)),
        Refusal(
            "3.64 TiB", npy(header("(1000000, 1000000)"), numbers),
            .truncatedData(missingByteCount: 3_999_999_999_992)),
    ]

    private static func malformed(
        _ header: String, _ offset: Int, _ expected: String
    ) -> Refusal {
        Refusal(header, .malformedHeader(byteOffset: 10 + offset, expected: expected))
    }

    static let headers: [Refusal] = [
        malformed("", 0, "a dictionary"),
        malformed("[]", 0, "a dictionary"),
        malformed("__import__('os').system('x')", 0, "a dictionary"),
        malformed("{", 1, "a string"),
        malformed("{,}", 1, "a string"),
        malformed("{descr: 1}", 1, "a string"),
        malformed("{'descr", 1, "a string that ends"),
        malformed("{'de\\x73cr': '<f4'}", 1, "a string of plain characters"),
        malformed("{'déscr': '<f4'}", 1, "a string of plain characters"),
        malformed("{'descr' '<f4'}", 9, "a colon"),
        malformed("{'descr': '<f4' 'shape': ()}", 16, "a comma or the end of the dictionary"),
        malformed("{'descr': 4}", 10, "a string"),
        malformed("{'descr': eval('1')}", 10, "a string"),
        malformed("{'fortran_order': 0}", 18, "True or False"),
        malformed("{'fortran_order': true}", 18, "True or False"),
        malformed("{'shape': [2]}", 10, "a tuple"),
        malformed("{'shape': 2}", 10, "a tuple"),
        malformed("{'shape': (2)}", 12, "a comma"),
        malformed("{'shape': (2 3)}", 13, "a comma"),
        malformed("{'shape': (2, 3 4)}", 16, "a comma or the end of the tuple"),
        malformed("{'shape': (,)}", 11, "a size"),
        malformed("{'shape': (-1,)}", 11, "a size"),
        malformed("{'shape': (+1,)}", 11, "a size"),
        malformed("{'shape': (02,)}", 11, "a size"),
        malformed("{'shape': (2.0,)}", 12, "a comma"),
        malformed("{'shape': (1e3,)}", 12, "a comma"),
        malformed("{'shape': (True,)}", 11, "a size"),
        malformed("{'shape': ((2,),)}", 11, "a size"),
        malformed("{'shape': (2,", 13, "a size"),
        malformed("{} {}", 3, "the end of the header"),
        malformed("{}\0", 2, "the end of the header"),
        Refusal("{}", .missingField("descr")),
        Refusal("{'descr': '<f4', 'shape': (2,)}", .missingField("fortran_order")),
        Refusal("{'descr': '<f4', 'fortran_order': True}", .missingField("shape")),
        Refusal("{'descr': '<f4', 'descr': '<f4'}", .duplicateField("descr")),
        Refusal("{'descr': '<f4', 'order': 'C'}", .unknownField("order")),
        Refusal("{'__class__': 'x'}", .unknownField("__class__")),
    ]

    static let types: [Refusal] = [
        Refusal(header("(1,)", "|O"), .pythonObjects),
        Refusal(header("(1,)", "|O8"), .pythonObjects),
        Refusal("{'descr': [('a', '<f4')], 'shape': (2,)}", .structured),
        Refusal("{'descr': ('<f4', (2,))}", .structured),
        Refusal(header("(1,)", ""), .unknownType("")),
        Refusal(header("(1,)", "f4"), .unknownType("f4")),
        Refusal(header("(1,)", "<f"), .unknownType("<f")),
        Refusal(header("(1,)", "<i3"), .unknownType("<i3")),
        Refusal(header("(1,)", "<b8"), .unknownType("<b8")),
        Refusal(header("(1,)", "<z4"), .unknownType("<z4")),
        Refusal(header("(1,)", "<f4x"), .unknownType("<f4x")),
        Refusal(header("(1,)", "<f99999999999999999999"), .unknownType("<f99999999999999999999")),
    ]

    static let shapes: [Refusal] = [
        Refusal(header("(9223372036854775808,)"), .tooLarge),
        Refusal(header("(99999999999999999999999,)"), .tooLarge),
        Refusal(header("(4294967296, 4294967296)"), .tooLarge),
        Refusal(header("(4611686018427387904,)"), .tooLarge),
        Refusal(header("(0, 4611686018427387904)"), .tooLarge),
        Refusal(header("(4294967296, 4294967296)", "|S0"), .tooLarge),
        Refusal(
            header("(\(repeatElement("1", count: 65).joined(separator: ", ")))"),
            .rankTooHigh(65)),
    ]

    private static let deflated =
        archive.with(UInt16(8), at: archive.records[1] + 10)

    static let archives: [Refusal] = [
        Refusal(
            "compressed", deflated, .archive(.compressed("b.npy", method: 8))),
        Refusal(
            "encrypted", archive.with(UInt16(0x0801), at: archive.records[0] + 8),
            .archive(.encrypted("a.npy"))),
        Refusal(
            "flipped bit", archive.with(UInt8(1), at: archive.contents[1] + good.count - 8),
            .archive(
                .wrongChecksum(
                    "b.npy", expected: TestArchive.checksum(good),
                    found: TestArchive.checksum(good.with(UInt8(1), at: good.count - 8))))),
        Refusal("cut off", Array(archive.bytes.dropLast(30)), .archive(.missingDirectory)),
        Refusal(
            "duplicate", TestArchive([("a.npy", good), ("a.npy", good)]).bytes,
            .archive(.duplicateEntry("a.npy"))),
        Refusal(
            "text file", TestArchive([("a.npy", good), ("read.me", [])]).bytes, array: "read.me",
            .notAnArray),
        Refusal(
            "name in capitals", TestArchive([("a.NPY", good)]).bytes, array: "a.NPY", .notAnArray),
        Refusal("empty array", TestArchive([("a.npy", [])]).bytes, array: "a", .empty),
        Refusal(
            "archive in an archive", TestArchive([("a.npy", archive.bytes)]).bytes, array: "a",
            .unknownFormat),
        Refusal(
            "array that goes on", TestArchive([("a.npy", good), ("b.npy", good + [0])]).bytes,
            array: "b", .trailingBytes(count: 1)),
        Refusal(
            "objects in an archive", TestArchive([("a.npy", npy(header("(1,)", "|O")))]).bytes,
            array: "a", .pythonObjects),
    ]

    @Test(arguments: framing + headers + types + shapes + archives)
    func refuses(_ refusal: Refusal) throws {
        let error = try failure(refusal.bytes)
        #expect(error?.reason == refusal.reason && error?.array == refusal.array)
    }

    @Test func thereAreEnoughCases() {
        let arrays = Self.framing.count + Self.headers.count + Self.types.count + Self.shapes.count
        #expect(arrays + Self.archives.count >= 40)
    }

    @Test func saysWhatToDo() throws {
        let error = try #require(try failure(Self.deflated))
        #expect(
            error.description == "'\(error.path)' is not a readable array of NumPy: its entry "
                + "'b.npy' is compressed (method 8), so that it cannot be mapped; write the file "
                + "again without compression: use numpy.savez instead of savez_compressed")
        let missing = #expect(throws: NumPyFileError.self) { try NumPyFile(path: "/absent.npy") }
        #expect(missing?.description == "cannot open '/absent.npy': No such file or directory")
    }

    // MARK: Damage

    @Test func refusesEveryPrefix() throws {
        for bytes in [Self.good, Self.archive.bytes] {
            for length in bytes.indices { #expect(try reason(Array(bytes[..<length])) != nil) }
        }
    }

    /// No flipped bit traps, and in an archive none changes a number.
    @Test func survivesEveryFlippedBit() throws {
        for (bytes, isArchive) in [(Self.good, false), (Self.archive.bytes, true)] {
            try withTemporaryFolder { folder throws in
                let path = folder + "/array"
                for position in 0..<(bytes.count * 8) {
                    var damaged = bytes
                    damaged[position / 8] ^= 1 << (position % 8)
                    try write(damaged, to: path)
                    guard let file = try? NumPyFile(path: path) else { continue }
                    let tensors = file.names.compactMap { try? file.tensor(named: $0) }
                    guard isArchive else { continue }
                    #expect(file.names == ["a", "b"] && tensors.count == 2, "bit \(position)")
                    for tensor in tensors { #expect(tensor.elements(as: Float.self) == [1, 2]) }
                }
            }
        }
    }

    private func failure(_ bytes: [UInt8]) throws -> NumPyFileError? {
        try withTemporaryFolder { folder throws in
            let path = folder + "/array.npy"
            try write(bytes, to: path)
            do throws(NumPyFileError) {
                _ = try NumPyFile(path: path)
                return nil
            } catch {
                #expect(error.path == path && error.description.contains(path))
                #expect(!error.reason.description.isEmpty)
                return error
            }
        }
    }

    private func reason(_ bytes: [UInt8]) throws -> Reason? { try failure(bytes)?.reason }
}
