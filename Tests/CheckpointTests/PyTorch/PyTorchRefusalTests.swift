import Checkpoint
import Tensor
import Testing

/// A file that must be refused for this reason and no other.
struct PyTorchRefusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let reason: PyTorchFileError.Reason

    init(_ description: String, _ bytes: [UInt8], _ reason: PyTorchFileError.Reason) {
        (testDescription, self.bytes, self.reason) = (description, bytes, reason)
    }
}

/// Why a file is refused, or nil if it is not.
func pyTorchReason(_ bytes: [UInt8]) throws -> PyTorchFileError.Reason? {
    try withTemporaryFolder { folder throws in
        let path = folder + "/model.pt"
        try write(bytes, to: path)
        do throws(PyTorchFileError) {
            _ = try PyTorchFile(path: path)
            return nil
        } catch {
            #expect(error.path == path && error.description.contains(path))
            #expect(!error.reason.description.isEmpty)
            return error.reason
        }
    }
}

@Suite struct PyTorchRefusalTests {
    /// Two floats, 1 and 2.
    static let numbers: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
    static let pickle =
        Op.proto + Op.tensor(Op.reference(count: 2), sizes: [2], strides: [1]) + Op.reduce
        + Op.stop
    static let archive = torchArchive(pickle, storages: [("0", numbers)])
    static let archive64 = TestArchive(
        [
            ("archive/data.pkl", pickle), ("archive/data/0", numbers),
            ("archive/version", Array("3".utf8)),
        ], hasDescriptors: true, isZip64: true)

    @Test func acceptsTheUndamagedFiles() throws {
        #expect(try pyTorchReason(Self.archive.bytes) == nil)
        #expect(try pyTorchReason(Self.archive64.bytes) == nil)
        #expect(try pyTorchReason(Self.legacy) == nil)
    }

    // MARK: Other formats

    static let formats: [PyTorchRefusal] = [
        PyTorchRefusal("empty", [], .empty),
        PyTorchRefusal("one byte", [0x50], .unknownFormat),
        PyTorchRefusal("two bytes of an archive", [0x50, 0x4B], .unknownFormat),
        PyTorchRefusal("gzip", [0x1F, 0x8B, 8, 0], .compressed),
        PyTorchRefusal(
            "Git LFS", Array("version https://git-lfs.github.com/spec/v1\noid ".utf8),
            .largeFilePointer),
        PyTorchRefusal(
            "tar", Array((String(repeating: "a", count: 257) + "ustar\u{0}00").utf8), .tarArchive),
        PyTorchRefusal("text", Array("<!DOCTYPE html>".utf8), .unknownFormat),
        PyTorchRefusal("safetensors", safetensors("{}"), .unknownFormat),
        PyTorchRefusal("bare pickle", Op.proto + Op.emptyDictionary + Op.stop, .barePickle),
        PyTorchRefusal("bare pickle of protocol 4", [0x80, 4, 0x95] + Op.none, .barePickle),
        PyTorchRefusal("another number", Op.proto + [0x8A, 10] + [UInt8](0..<10), .barePickle),
        PyTorchRefusal("half of the number", Array(legacy.prefix(9)), .barePickle),
        PyTorchRefusal(
            "TorchScript",
            TestArchive([("m/constants.pkl", [1]), ("m/data.pkl", pickle)]).bytes, .torchScript),
        PyTorchRefusal(
            "TorchScript by its code",
            TestArchive([("m/data.pkl", pickle), ("m/code/__torch__.py", [])]).bytes, .torchScript),
    ]

    // MARK: Records

    private static func records(
        _ description: String, _ archive: TestArchive, _ reason: PyTorchFileError.Reason
    ) -> PyTorchRefusal {
        PyTorchRefusal(description, archive.bytes, reason)
    }

    static let layouts: [PyTorchRefusal] = [
        records(
            "no pickle", TestArchive([("archive/version", [0x33])]),
            .missingRecord("data.pkl")),
        records("nothing", TestArchive([]), .missingRecord("version")),
        records(
            "no folder", torchArchive(pickle, storages: [("0", numbers)], folder: ""),
            .outsideFolder("data.pkl")),
        records(
            "two folders",
            TestArchive([("a/data.pkl", pickle), ("b/version", [0x33])]),
            .outsideFolder("b/version")),
        records(
            "a folder whose name only begins so",
            TestArchive([("a/data.pkl", pickle), ("ab/version", [0x33])]),
            .outsideFolder("ab/version")),
        records("no version", torchArchive(pickle, version: nil), .missingRecord("version")),
        records("version 0", torchArchive(pickle, version: "0"), .unsupportedVersion),
        records("version 11", torchArchive(pickle, version: "11\n"), .unsupportedVersion),
        records("empty version", torchArchive(pickle, version: ""), .unsupportedVersion),
        records("version in words", torchArchive(pickle, version: "three"), .unsupportedVersion),
        records(
            "endless version",
            torchArchive(pickle, version: String(repeating: "3", count: 100)),
            .unsupportedVersion),
        records(
            "byte order in the middle", torchArchive(pickle, byteOrder: "middle"),
            .invalidByteOrder),
        records("empty byte order", torchArchive(pickle, byteOrder: ""), .invalidByteOrder),
        records(
            "two pickles", torchArchive(pickle + pickle, storages: [("0", numbers)]),
            .trailingBytes(count: pickle.count)),
        records(
            "a byte after the pickle", torchArchive(pickle + [0], storages: [("0", numbers)]),
            .trailingBytes(count: 1)),
        records("no storage", torchArchive(pickle), .missingRecord("data/0")),
        records(
            "another storage", torchArchive(pickle, storages: [("00", numbers)]),
            .missingRecord("data/0")),
        records(
            "empty storage", torchArchive(pickle, storages: [("0", [])]),
            .storageSize(key: "0", expected: 8, found: 0)),
        records(
            "storage too short",
            torchArchive(pickle, storages: [("0", Array(numbers.dropLast()))]),
            .storageSize(key: "0", expected: 8, found: 7)),
        records(
            "storage too long", torchArchive(pickle, storages: [("0", numbers + [0])]),
            .storageSize(key: "0", expected: 8, found: 9)),
        records(
            "a key that leads elsewhere",
            torchArchive(
                Op.proto
                    + Op.tensor(
                        Op.reference(key: "../../etc/passwd", count: 2), sizes: [2], strides: [1])
                    + Op.reduce + Op.stop, storages: [("0", numbers)]),
            .missingRecord("data/../../etc/passwd")),
    ]

    // MARK: The layout without records

    private static let legacyPickle =
        Op.proto
        + Op.tensor(Op.reference(count: 2, isLegacy: true), sizes: [2], strides: [1]) + Op.reduce
        + Op.stop
    private static let legacy = torchLegacy(
        legacyPickle, keys: ["0"], storages: legacyStorage(2, numbers))

    static let legacyLayouts: [PyTorchRefusal] = [
        PyTorchRefusal(
            "legacy: version 1000",
            torchLegacy(
                legacyPickle, keys: ["0"], storages: legacyStorage(2, numbers), version: 1000),
            .unsupportedVersion),
        PyTorchRefusal(
            "legacy: big-endian",
            torchLegacy(
                legacyPickle, keys: ["0"], storages: legacyStorage(2, numbers),
                system: Op.emptyDictionary + Op.text("little_endian") + Op.no + Op.setItem),
            .invalidSystem),
        PyTorchRefusal(
            "legacy: no system",
            torchLegacy(
                legacyPickle, keys: ["0"], storages: legacyStorage(2, numbers), system: Op.none),
            .invalidSystem),
        PyTorchRefusal(
            "legacy: a list as system",
            torchLegacy(
                legacyPickle, keys: ["0"], storages: legacyStorage(2, numbers),
                system: Op.emptyList), .invalidSystem),
        PyTorchRefusal(
            "legacy: keys in a dictionary",
            Array(torchLegacy(legacyPickle).dropLast(4)) + Op.emptyDictionary + Op.stop,
            .invalidStorageKeys),
        PyTorchRefusal(
            "legacy: a number as key",
            Array(torchLegacy(legacyPickle).dropLast(3)) + Op.mark + Op.integer(0) + Op.appends
                + Op.stop, .invalidStorageKeys),
        PyTorchRefusal(
            "legacy: storage not listed", torchLegacy(legacyPickle), .missingRecord("0")),
        PyTorchRefusal(
            "legacy: storage that no tensor uses",
            torchLegacy(legacyPickle, keys: ["1"], storages: legacyStorage(2, numbers)),
            .unusedStorage(key: "1")),
        PyTorchRefusal(
            "legacy: storage twice",
            torchLegacy(
                legacyPickle, keys: ["0", "0"],
                storages: legacyStorage(2, numbers) + legacyStorage(2, numbers)),
            .storageTwice(key: "0")),
        PyTorchRefusal(
            "legacy: no bytes of a storage", torchLegacy(legacyPickle, keys: ["0"]),
            .truncatedStorage(key: "0")),
        PyTorchRefusal(
            "legacy: a byte too few", Array(legacy.dropLast()), .truncatedStorage(key: "0")),
        PyTorchRefusal("legacy: a byte too many", legacy + [0], .trailingBytes(count: 1)),
        PyTorchRefusal(
            "legacy: another size",
            torchLegacy(legacyPickle, keys: ["0"], storages: legacyStorage(3, numbers)),
            .storageSize(key: "0", expected: 2, found: 3)),
        PyTorchRefusal(
            "legacy: negative size",
            torchLegacy(legacyPickle, keys: ["0"], storages: legacyStorage(-1, numbers)),
            .storageSize(key: "0", expected: 2, found: .max)),
    ]

    @Test(arguments: formats + directories + entries + layouts + legacyLayouts)
    func refuses(_ refusal: PyTorchRefusal) throws {
        #expect(try pyTorchReason(refusal.bytes) == refusal.reason)
    }

    @Test func thereAreEnoughCases() {
        let count =
            Self.formats.count + Self.directories.count + Self.entries.count + Self.layouts.count
            + Self.legacyLayouts.count
        #expect(count >= 100)
    }

    @Test func namesThePathInItsMessage() throws {
        try withTemporaryFolder { folder throws in
            let path = folder + "/model.pt"
            let missing = #expect(throws: PyTorchFileError.self) { try PyTorchFile(path: path) }
            #expect(missing?.description == "cannot open '\(path)': No such file or directory")
            try write(
                torchArchive(Op.proto + Op.global("os", "system") + Op.stop).bytes, to: path)
            let hostile = #expect(throws: PyTorchFileError.self) { try PyTorchFile(path: path) }
            #expect(
                hostile?.description == "'\(path)' is not a readable file of PyTorch: in its "
                    + "pickle, at byte 2, the pickle asks for 'os.system', which is not executed; "
                    + "save only the state dictionary (torch.save(model.state_dict(), …)), or "
                    + "convert it to safetensors")
        }
    }

    // MARK: Damage

    /// A file that ends too early is refused wherever it ends.
    @Test func refusesEveryPrefix() throws {
        for bytes in [Self.archive.bytes, Self.archive64.bytes, Self.legacy] {
            for length in bytes.indices {
                #expect(try pyTorchReason(Array(bytes[..<length])) != nil)
            }
        }
    }

    /// No flipped bit traps, and in an archive none changes a number: the file is refused, or holds
    /// the same.
    @Test func survivesEveryFlippedBit() throws {
        for (bytes, hasChecksums) in [
            (Self.archive.bytes, true), (Self.archive64.bytes, true), (Self.legacy, false),
        ] {
            try withTemporaryFolder { folder throws in
                let path = folder + "/model.pt"
                for position in 0..<(bytes.count * 8) {
                    var damaged = bytes
                    damaged[position / 8] ^= 1 << (position % 8)
                    try write(damaged, to: path)
                    guard let file = try? PyTorchFile(path: path) else { continue }
                    let tensors = file.names.compactMap { try? file.tensor(named: $0) }
                    guard hasChecksums else { continue }
                    #expect(file.names == [""] && tensors.first?.shape == [2])
                    #expect(tensors.first?.elements(as: Float.self) == [1, 2], "bit \(position)")
                }
            }
        }
    }
}
