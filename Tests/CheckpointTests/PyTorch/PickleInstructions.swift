/// Instructions of the pickle format, put together by hand.
enum Op {
    static let proto: [UInt8] = [0x80, 2]
    static let stop: [UInt8] = [0x2E]
    static let mark: [UInt8] = [0x28]
    static let none: [UInt8] = [0x4E]
    static let yes: [UInt8] = [0x88]
    static let no: [UInt8] = [0x89]
    static let emptyTuple: [UInt8] = [0x29]
    static let emptyList: [UInt8] = [0x5D]
    static let emptyDictionary: [UInt8] = [0x7D]
    static let emptySet: [UInt8] = [0x8F]
    static let tuple: [UInt8] = [0x74]
    static let tuple1: [UInt8] = [0x85]
    static let tuple2: [UInt8] = [0x86]
    static let tuple3: [UInt8] = [0x87]
    static let append: [UInt8] = [0x61]
    static let appends: [UInt8] = [0x65]
    static let setItem: [UInt8] = [0x73]
    static let setItems: [UInt8] = [0x75]
    static let addItems: [UInt8] = [0x90]
    static let reduce: [UInt8] = [0x52]
    static let build: [UInt8] = [0x62]
    static let newObject: [UInt8] = [0x81]
    static let persistentID: [UInt8] = [0x51]
    static let memoize: [UInt8] = [0x94]
    static let stackGlobal: [UInt8] = [0x93]

    static func put(_ index: UInt8) -> [UInt8] { [0x71, index] }
    static func get(_ index: UInt8) -> [UInt8] { [0x68, index] }

    static func global(_ module: String, _ name: String) -> [UInt8] {
        [0x63] + module.utf8 + [0x0A] + name.utf8 + [0x0A]
    }

    static func text(_ text: String) -> [UInt8] {
        [0x58] + withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { Array($0) } + text.utf8
    }

    static func integer(_ number: Int) -> [UInt8] {
        if (0...255).contains(number) { return [0x4B, UInt8(number)] }
        return [0x8A, 8] + withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    static func number(_ number: Double) -> [UInt8] {
        [0x47] + withUnsafeBytes(of: number.bitPattern.bigEndian) { Array($0) }
    }

    /// A tuple of integers.
    static func sizes(_ sizes: [Int]) -> [UInt8] { mark + sizes.flatMap(integer) + tuple }

    /// The hooks of a tensor: none.
    static let hooks = global("collections", "OrderedDict") + emptyTuple + reduce

    /// What refers to a storage, without the instruction that looks it up.
    static func reference(
        _ type: String = "FloatStorage", key: String = "0", count: Int, isLegacy: Bool = false
    ) -> [UInt8] {
        mark + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(count)
            + (isLegacy ? none : []) + tuple
    }

    /// A tensor but for the instruction that makes it.
    static func tensor(
        _ storage: [UInt8], offset: Int = 0, sizes shape: [Int], strides: [Int]
    ) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2") + mark + storage + persistentID
            + integer(offset) + sizes(shape) + sizes(strides) + no + hooks + tuple
    }
}

/// A file in the layout of PyTorch 1.6 and later with this pickle and these storages.
func torchArchive(
    _ pickle: [UInt8], storages: [(String, [UInt8])] = [], byteOrder: String? = "little",
    version: String? = "3\n", folder: String = "archive/"
) -> TestArchive {
    var entries = [(folder + "data.pkl", pickle)]
    if let byteOrder { entries.append((folder + "byteorder", Array(byteOrder.utf8))) }
    entries += storages.map { (folder + "data/" + $0.0, $0.1) }
    if let version { entries.append((folder + "version", Array(version.utf8))) }
    return TestArchive(entries)
}

/// A file in the layout of before PyTorch 1.6.
func torchLegacy(
    _ pickle: [UInt8], keys: [String] = [], storages: [UInt8] = [], version: Int = 1001,
    system: [UInt8]? = nil
) -> [UInt8] {
    let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    let system =
        system ?? Op.emptyDictionary + Op.text("little_endian") + Op.yes + Op.setItem
    let list = Op.emptyList + Op.mark + keys.flatMap(Op.text) + Op.appends
    let pickles = [magic, Op.integer(version), system].flatMap { Op.proto + $0 + Op.stop }
    return pickles + pickle + Op.proto + list + Op.stop + storages
}

/// A storage in the layout of before PyTorch 1.6.
func legacyStorage(_ count: Int, _ bytes: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: count.littleEndian) { Array($0) } + bytes
}
