import Tensor

/// Where a file of PyTorch has its pickle and its storages.
struct PyTorchLayout {
    typealias Reason = PyTorchFileError.Reason

    let root: PickleValue
    let machine: PickleMachine
    /// Where each of the machine's storages lies in the file.
    let storageRanges: [Range<Int>]
    let isBigEndian: Bool

    /// Finds out how a file is laid out, and reads all of it but the numbers.
    init(_ file: UnsafeRawBufferPointer, verifyingChecksums: Bool) throws(Reason) {
        if ZipArchive.isArchive(file) {
            self = try Self(archive: file, verifyingChecksums: verifyingChecksums)
        } else if let begin = Self.endOfMagicNumber(file) {
            self = try Self(withoutRecords: file, from: begin)
        } else {
            throw Self.otherFormat(file)
        }
    }

    private init(
        root: PickleValue, machine: PickleMachine, storageRanges: [Range<Int>], isBigEndian: Bool
    ) {
        (self.root, self.machine) = (root, machine)
        (self.storageRanges, self.isBigEndian) = (storageRanges, isBigEndian)
    }

    /// What a file is that PyTorch did not write, as far as its first bytes tell.
    private static func otherFormat(_ file: UnsafeRawBufferPointer) -> Reason {
        if file.isEmpty { return .empty }
        if file.starts(with: [0x1F, 0x8B]) { return .compressed }
        if file.starts(with: Array("version https://git-lfs".utf8)) { return .largeFilePointer }
        if file.count > 262, file[257..<262].elementsEqual("ustar".utf8) { return .tarArchive }
        if file.first == PickleOpcode.proto.rawValue { return .barePickle }
        return .unknownFormat
    }

    // MARK: With records (PyTorch 1.6 and later)

    /// A ZIP archive of one folder: `data.pkl`, `version`, `byteorder`, and a record `data/KEY` for
    /// each storage.
    private init(
        archive file: UnsafeRawBufferPointer, verifyingChecksums: Bool
    ) throws(Reason) {
        let records: PyTorchRecords
        do throws(ZipError) {
            records = try PyTorchRecords(
                ZipArchive(file), of: file, verifyingChecksums: verifyingChecksums)
        } catch {
            throw .archive(error)
        }
        try records.checkFolder()
        try records.checkVersion()
        let isBigEndian = try records.isBigEndian()
        let range = try records.range("data.pkl")
        var machine = PickleMachine(
            UnsafeRawBufferPointer(rebasing: file[range]),
            budget: PickleBudget(fileByteCount: file.count))
        let root = try Self.run(&machine)
        guard machine.position == range.count else {
            throw .trailingBytes(count: range.count - machine.position)
        }
        var ranges: [Range<Int>] = []
        for storage in machine.storages {
            let range = try records.range("data/" + storage.key)
            guard range.count == storage.byteCount else {
                throw .storageSize(
                    key: storage.key, expected: storage.byteCount, found: range.count)
            }
            ranges.append(range)
        }
        self.init(root: root, machine: machine, storageRanges: ranges, isBigEndian: isBigEndian)
    }

    private static func run(_ machine: inout PickleMachine) throws(Reason) -> PickleValue {
        do throws(PickleError) {
            return try machine.run()
        } catch {
            throw .pickle(error)
        }
    }

    // MARK: Without records (before PyTorch 1.6)

    /// The end of the pickle of the number that such a file begins with, 0x1950A86A20F9469CFC6C;
    /// nil if there is none.
    private static func endOfMagicNumber(_ file: UnsafeRawBufferPointer) -> Int? {
        guard file.first == PickleOpcode.proto.rawValue, file.count > 2 else { return nil }
        let begin = file[2] == PickleOpcode.frame.rawValue ? 11 : 2
        let number: [UInt8] = [
            0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
        ]
        guard let part = file.part(at: begin, count: number.count), part.elementsEqual(number)
        else { return nil }
        return begin + number.count
    }

    /// Pickles one after the other: the number, the version 1001, a description of the system, the
    /// content, and the keys of the storages, in whose order each follows with its size in elements.
    private init(
        withoutRecords file: UnsafeRawBufferPointer, from begin: Int
    ) throws(Reason) {
        var position = begin
        var budget = PickleBudget(fileByteCount: file.count)
        func next() throws(Reason) -> (PickleValue, PickleMachine) {
            var machine = PickleMachine(file, from: position, budget: budget, isLegacy: true)
            let value = try Self.run(&machine)
            (position, budget) = (machine.position, machine.budget)
            return (value, machine)
        }
        guard case .integer(1001) = try next().0 else { throw .unsupportedVersion }
        try Self.checkSystem(try next())
        let (root, machine) = try next()
        let keys = try Self.keys(try next())
        let ranges = try Self.storageRanges(keys, of: machine, in: file, from: position)
        self.init(root: root, machine: machine, storageRanges: ranges, isBigEndian: false)
    }

    /// The order of a number's bytes must be ours: PyTorch writes no other.
    private static func checkSystem(
        _ system: (value: PickleValue, machine: PickleMachine)
    ) throws(Reason) {
        guard case .object(let index) = system.value,
            case .dictionary = system.machine.objects[index].kind
        else { throw .invalidSystem }
        let items = system.machine.objects[index].items
        for position in stride(from: 0, to: items.count, by: 2) {
            guard case .text(let key) = items[position], key.hasSameBytes(as: "little_endian")
            else { continue }
            guard case .bool(true) = items[position + 1] else { throw .invalidSystem }
        }
    }

    private static func keys(
        _ list: (value: PickleValue, machine: PickleMachine)
    ) throws(Reason) -> [String] {
        guard case .object(let index) = list.value, case .list = list.machine.objects[index].kind
        else { throw .invalidStorageKeys }
        var keys: [String] = []
        for item in list.machine.objects[index].items {
            guard case .text(let key) = item else { throw .invalidStorageKeys }
            keys.append(key)
        }
        return keys
    }

    private static func storageRanges(
        _ keys: [String], of machine: PickleMachine, in file: UnsafeRawBufferPointer,
        from begin: Int
    ) throws(Reason) -> [Range<Int>] {
        var position = begin
        var ranges = [Range<Int>?](repeating: nil, count: machine.storages.count)
        for key in keys {
            guard let index = machine.positionOfStorage[ByteKey(key)] else {
                throw .unusedStorage(key: key)
            }
            guard ranges[index] == nil else { throw .storageTwice(key: key) }
            let storage = machine.storages[index]
            guard let count = file.littleEndian(UInt64.self, at: position) else {
                throw .truncatedStorage(key: key)
            }
            guard count == storage.count else {
                throw .storageSize(
                    key: key, expected: storage.count, found: Int(clamping: count))
            }
            guard file.part(at: position + 8, count: storage.byteCount) != nil else {
                throw .truncatedStorage(key: key)
            }
            ranges[index] = (position + 8)..<(position + 8 + storage.byteCount)
            position += 8 + storage.byteCount
        }
        guard position == file.count else { throw .trailingBytes(count: file.count - position) }
        var found: [Range<Int>] = []
        for (storage, range) in zip(machine.storages, ranges) {
            guard let range else { throw .missingRecord(storage.key) }
            found.append(range)
        }
        return found
    }
}

/// The records of a file of PyTorch, all in one folder.
struct PyTorchRecords {
    typealias Reason = PyTorchFileError.Reason

    private let archive: ZipArchive
    private let file: UnsafeRawBufferPointer
    private let folder: String

    /// The records of an archive, whose checksums are verified if that is wanted.
    init(
        _ archive: ZipArchive, of file: UnsafeRawBufferPointer, verifyingChecksums: Bool
    ) throws(ZipError) {
        (self.archive, self.file) = (archive, file)
        let first = archive.entries.first?.name.utf8 ?? "".utf8
        let slash = first.firstIndex(of: UInt8(ascii: "/"))
        folder = slash.flatMap { String(first[...$0]) } ?? ""
        guard verifyingChecksums else { return }
        for entry in archive.entries { try entry.verify(in: file) }
    }

    func checkFolder() throws(Reason) {
        for entry in archive.entries
        where folder.isEmpty || !entry.name.utf8.starts(with: folder.utf8) {
            throw .outsideFolder(entry.name)
        }
        for entry in archive.entries {
            let name = entry.name.utf8.dropFirst(folder.utf8.count)
            if name.elementsEqual("constants.pkl".utf8) || name.starts(with: "code/".utf8) {
                throw .torchScript
            }
        }
    }

    /// Where a record lies in the file.
    func range(_ name: String) throws(Reason) -> Range<Int> {
        guard let entry = archive.entry(named: folder + name) else { throw .missingRecord(name) }
        return entry.byteRange
    }

    private func text(_ name: String) throws(Reason) -> Substring? {
        guard let bytes = file.part(try range(name)), bytes.count < 64 else { return nil }
        return bytes.utf8Text.map { text in
            text.utf8.last == 0x0A ? Substring(text.utf8.dropLast()) : text[...]
        }
    }

    /// PyTorch has written the versions 1 to 10.
    func checkVersion() throws(Reason) {
        guard let version = try text("version").flatMap({ Int($0) }), (1...10).contains(version)
        else { throw .unsupportedVersion }
    }

    /// Whether numbers begin with their highest byte. Files before PyTorch 2.1 do not say.
    func isBigEndian() throws(Reason) -> Bool {
        guard archive.entry(named: folder + "byteorder") != nil else { return false }
        let order = try text("byteorder")
        if order == "little" { return false }
        guard order == "big" else { throw .invalidByteOrder }
        return true
    }
}
