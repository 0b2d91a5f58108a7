/// Follows the instructions of one pickle and builds the values that they describe. It calls
/// nothing: a global is a name, and making a tensor is writing down how it views its storage.
struct PickleMachine {
    /// What was built, to which ``PickleValue/object(_:)`` refers.
    private(set) var objects: [PickleObject] = []
    /// The storages that tensors refer to, in the order of their first mention.
    var storages: [PickleStorage] = []
    /// The positions in ``storages``.
    var positionOfStorage: [ByteKey: Int] = [:]
    /// The tensors.
    var tensors: [PickleTensor] = []
    /// What may still be held.
    var budget: PickleBudget
    /// By how much tensors that repeat elements are larger than what they view.
    var repeatedByteCount = 0
    /// Whether a storage is referred to as in the layout without records.
    let isLegacy: Bool
    /// Where the instruction stands that is being followed.
    private(set) var offset: Int
    /// Where the next byte stands: behind the pickle, once it has run.
    private(set) var position: Int

    private let bytes: UnsafeRawBufferPointer
    private var stack: [PickleValue] = []
    private var highestStackCount = 0
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]

    /// Prepares to follow the pickle that begins at `position`.
    init(
        _ bytes: UnsafeRawBufferPointer, from position: Int = 0, budget: PickleBudget,
        isLegacy: Bool = false
    ) {
        (self.bytes, self.position, offset) = (bytes, position, position)
        (self.budget, self.isLegacy) = (budget, isLegacy)
    }

    /// Follows the instructions up to `STOP`.
    mutating func run() throws(PickleError) -> PickleValue {
        let proto = try? integer(UInt8.self)
        guard proto == PickleOpcode.proto.rawValue else { throw failure(.missingProtocol) }
        let version = try integer(UInt8.self)
        guard (2...5).contains(version) else {
            throw failure(.unsupportedProtocol(Int(version)))
        }
        while true {
            offset = position
            let byte = try integer(UInt8.self)
            guard let opcode = PickleOpcode(rawValue: byte) else {
                if let name = PickleOpcode.names[byte] { throw failure(.forbiddenOpcode(name)) }
                throw failure(.unknownOpcode(byte))
            }
            if opcode == .stop { return try finished() }
            try follow(opcode)
        }
    }

    private func finished() throws(PickleError) -> PickleValue {
        guard stack.count == 1, marks.isEmpty, let value = stack.last else {
            throw failure(.leftOver(count: stack.count + marks.count))
        }
        return value
    }

    private mutating func follow(_ opcode: PickleOpcode) throws(PickleError) {
        switch opcode {
        case .none, .newTrue, .newFalse, .binaryInteger, .binaryInteger1, .binaryInteger2, .long1,
            .binaryFloat, .binaryUnicode, .shortBinaryUnicode, .shortBinaryString:
            try push(try constant(opcode))
        case .emptyTuple, .tuple, .tuple1, .tuple2, .tuple3, .emptyList, .emptySet,
            .emptyDictionary:
            try makeContainer(opcode)
        case .append, .appends, .setItem, .setItems, .addItems: try fillContainer(opcode)
        case .binaryGet: try recall(Int(try integer(UInt8.self)))
        case .longBinaryGet: try recall(Int(try integer(UInt32.self)))
        case .binaryPut: try store(Int(try integer(UInt8.self)), opcode)
        case .longBinaryPut: try store(Int(try integer(UInt32.self)), opcode)
        case .memoize: try store(memo.count, opcode)
        case .mark:
            try budget.spend(8, at: offset)
            marks.append(stack.count)
        case .global, .stackGlobal: try push(.global(try global(opcode)))
        case .reduce, .newObject: try call(opcode)
        case .build: try build()
        case .binaryPersistentID:
            let reference = try pop(opcode)
            try push(try storage(reference))
        case .frame:
            let length = try integer(UInt64.self)
            guard length <= bytes.count - position else { throw failure(.frameTooLong) }
        case .proto, .stop: throw failure(.forbiddenOpcode(opcode.name))
        }
    }

    func failure(_ reason: PickleError.Reason) -> PickleError {
        PickleError(byteOffset: offset, reason: reason)
    }

    // MARK: Bytes

    private mutating func integer<Number: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _: Number.Type
    ) throws(PickleError) -> Number {
        guard let number = bytes.littleEndian(Number.self, at: position) else {
            throw failure(.truncated)
        }
        position += MemoryLayout<Number>.size
        return number
    }

    private mutating func take(_ count: Int) throws(PickleError) -> UnsafeRawBufferPointer {
        guard let part = bytes.part(at: position, count: count) else { throw failure(.truncated) }
        position += count
        return part
    }

    private mutating func text(_ byteCount: Int) throws(PickleError) -> PickleValue {
        let bytes = try take(byteCount)
        try budget.spend(byteCount > 15 ? byteCount + 32 : 0, at: offset)
        guard let text = bytes.utf8Text else { throw failure(.invalidText) }
        return .text(text)
    }

    private mutating func constant(_ opcode: PickleOpcode) throws(PickleError) -> PickleValue {
        switch opcode {
        case .newTrue: return .bool(true)
        case .newFalse: return .bool(false)
        case .binaryInteger:
            return .integer(Int(Int32(bitPattern: try integer(UInt32.self))))
        case .binaryInteger1: return .integer(Int(try integer(UInt8.self)))
        case .binaryInteger2: return .integer(Int(try integer(UInt16.self)))
        case .long1: return long(try take(Int(try integer(UInt8.self))))
        case .binaryFloat:
            return .number(Double(bitPattern: try integer(UInt64.self).byteSwapped))
        case .binaryUnicode: return try text(Int(try integer(UInt32.self)))
        case .shortBinaryUnicode, .shortBinaryString: return try text(Int(try integer(UInt8.self)))
        default: return .none
        }
    }

    /// A little-endian integer in two's complement, of as few bytes as it needs.
    private func long(_ bytes: UnsafeRawBufferPointer) -> PickleValue {
        guard bytes.count <= 8 else { return .wideInteger }
        var bits: Int = bytes.last.map { $0 >= 0x80 ? -1 : 0 } ?? 0
        for byte in bytes.reversed() { bits = bits << 8 | Int(byte) }
        return .integer(bits)
    }

    private mutating func global(_ opcode: PickleOpcode) throws(PickleError) -> PickleGlobal {
        let module: String
        let name: String
        if opcode == .global {
            module = try line()
            name = try line()
        } else {
            let (last, first) = (try pop(opcode), try pop(opcode))
            guard case .text(let text) = last, case .text(let path) = first else {
                throw failure(
                    .wrongOperand(
                        opcode: opcode.name, expected: "two strings",
                        found: kindName(kindName(first) == "a string" ? last : first)))
            }
            (module, name) = (path, text)
        }
        guard module.utf8.count + name.utf8.count <= 256 else { throw failure(.invalidGlobal) }
        guard let global = PickleGlobal(module: module, name: name) else {
            throw failure(.forbiddenGlobal(module + "." + name))
        }
        return global
    }

    /// A text up to the end of the line.
    private mutating func line() throws(PickleError) -> String {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[position...].prefix(257))
        guard let end = rest.firstIndex(of: 0x0A) else {
            throw failure(rest.count < 257 ? .truncated : .invalidGlobal)
        }
        let line = try take(end).utf8Text
        position += 1
        guard let line else { throw failure(.invalidGlobal) }
        return line
    }

    // MARK: Stack and memo

    mutating func push(_ value: PickleValue) throws(PickleError) {
        stack.append(value)
        guard stack.count > highestStackCount else { return }
        highestStackCount = stack.count
        try budget.spend(MemoryLayout<PickleValue>.stride, at: offset)
    }

    mutating func pop(_ opcode: PickleOpcode) throws(PickleError) -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
            throw failure(.stackUnderflow(opcode: opcode.name))
        }
        return value
    }

    /// The values above the last mark, which goes with them.
    private mutating func popToMark(_ opcode: PickleOpcode) throws(PickleError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw failure(.missingMark(opcode: opcode.name)) }
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    private mutating func pop(
        _ count: Int, _ opcode: PickleOpcode
    ) throws(PickleError) -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else {
            throw failure(.stackUnderflow(opcode: opcode.name))
        }
        let values = Array(stack.suffix(count))
        stack.removeLast(count)
        return values
    }

    /// The value at the top, which stays there.
    func top(_ opcode: PickleOpcode) throws(PickleError) -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.last else {
            throw failure(.stackUnderflow(opcode: opcode.name))
        }
        return value
    }

    private mutating func recall(_ index: Int) throws(PickleError) {
        guard let value = memo[index] else { throw failure(.missingMemo(index)) }
        try push(value)
    }

    private mutating func store(_ index: Int, _ opcode: PickleOpcode) throws(PickleError) {
        let value = try top(opcode)
        // A dictionary's place takes a key, a value and the room that it keeps free.
        try budget.spend(64, at: offset)
        memo[index] = value
    }

    // MARK: Containers

    /// Keeps an object and gives its value.
    mutating func add(
        _ kind: PickleObject.Kind, _ items: [PickleValue] = []
    ) throws(PickleError) -> PickleValue {
        try budget.spend(
            MemoryLayout<PickleObject>.stride + itemsByteCount(items.count), at: offset)
        objects.append(PickleObject(kind: kind, items: items, byteOffset: offset))
        return .object(objects.count - 1)
    }

    private func itemsByteCount(_ count: Int) -> Int {
        count == 0 ? 0 : 32 + count * MemoryLayout<PickleValue>.stride
    }

    private mutating func makeContainer(_ opcode: PickleOpcode) throws(PickleError) {
        let value =
            switch opcode {
            case .tuple: try add(.tuple, try popToMark(opcode))
            case .tuple1: try add(.tuple, try pop(1, opcode))
            case .tuple2: try add(.tuple, try pop(2, opcode))
            case .tuple3: try add(.tuple, try pop(3, opcode))
            case .emptyList: try add(.list)
            case .emptySet: try add(.set)
            case .emptyDictionary: try add(.dictionary)
            default: try add(.tuple)
            }
        try push(value)
    }

    private mutating func fillContainer(_ opcode: PickleOpcode) throws(PickleError) {
        let items =
            switch opcode {
            case .append: try pop(1, opcode)
            case .setItem: try pop(2, opcode)
            default: try popToMark(opcode)
            }
        let target = try top(opcode)
        let expected =
            switch opcode {
            case .append, .appends: "a list"
            case .addItems: "a set"
            default: "a dictionary"
            }
        guard case .object(let index) = target, objects[index].kindName == expected else {
            throw failure(
                .wrongOperand(
                    opcode: opcode.name, expected: expected, found: kindName(target)))
        }
        if opcode == .setItem || opcode == .setItems { try checkKeys(items, opcode) }
        let isFirst = objects[index].items.isEmpty
        try budget.spend(
            items.count * MemoryLayout<PickleValue>.stride + (isFirst ? 32 : 0), at: offset)
        objects[index].items.append(contentsOf: items)
    }

    private func checkKeys(
        _ items: [PickleValue], _ opcode: PickleOpcode
    ) throws(PickleError) {
        guard items.count % 2 == 0 else { throw failure(.oddItems(opcode: opcode.name)) }
        for position in stride(from: 0, to: items.count, by: 2) where !isKey(items[position]) {
            throw failure(.unsupportedKey(found: kindName(items[position])))
        }
    }

    /// Whether a value may be the key of a dictionary.
    func isKey(_ value: PickleValue) -> Bool {
        switch value {
        case .text, .integer: true
        default: false
        }
    }

    /// What a value is, for messages.
    func kindName(_ value: PickleValue) -> String {
        if case .object(let index) = value { objects[index].kindName } else { value.kindName }
    }
}
