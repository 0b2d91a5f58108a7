import Tensor

/// What a pickle holds, as a tree, with the names of its tensors.
///
/// A tensor's name is the path that leads to it: the keys of dictionaries and the positions in lists
/// and tuples, joined by dots.
struct PyTorchContent {
    private(set) var root = PyTorchValue.none
    /// In the order of the pickle.
    private(set) var tensors: [(name: String, tensor: PickleTensor)] = []

    private let objects: [PickleObject]
    private let descriptions: [PickleTensor]
    private var budget: PickleBudget
    private var isOpen: [Bool]
    private var names: Set<ByteKey> = []

    init(of value: PickleValue, in machine: PickleMachine) throws(PickleError) {
        (objects, descriptions, budget) = (machine.objects, machine.tensors, machine.budget)
        isOpen = [Bool](repeating: false, count: objects.count)
        root = try tree(value, path: "", depth: 0, at: 0)
    }

    private mutating func tree(
        _ value: PickleValue, path: String, depth: Int, at offset: Int
    ) throws(PickleError) -> PyTorchValue {
        try budget.spend(MemoryLayout<PyTorchValue>.stride, at: offset)
        switch value {
        case .none: return .none
        case .bool(let value): return .bool(value)
        case .integer(let value): return .int(value)
        case .wideInteger: return .other("an integer of more than 64 bits")
        case .number(let value): return .double(value)
        case .text(let text): return .string(text)
        case .global(.elementType(let type)): return .elementType(type)
        case .global: return .other("a class")
        case .object(let index): return try tree(of: index, path: path, depth: depth)
        }
    }

    private mutating func tree(
        of index: Int, path: String, depth: Int
    ) throws(PickleError) -> PyTorchValue {
        let object = objects[index]
        guard !isOpen[index] else { throw failure(object, .containsItself) }
        guard depth < PyTorchFile.depthLimit else { throw failure(object, .tooDeep) }
        isOpen[index] = true
        defer { isOpen[index] = false }
        switch object.kind {
        case .tuple: return .tuple(try elements(of: object, path: path, depth: depth))
        case .list: return .list(try elements(of: object, path: path, depth: depth))
        case .set: return .set(try elements(of: object, path: path, depth: depth))
        case .dictionary: return .dictionary(try members(of: object, path: path, depth: depth))
        case .storage: return .other("a storage")
        case .device: return .device(Self.device(object.items))
        case .tensor(let position):
            guard names.insert(ByteKey(path)).inserted else {
                throw failure(object, .duplicateName(path))
            }
            try budget.spend(256 + path.utf8.count, at: object.byteOffset)
            tensors.append((path, descriptions[position]))
            return .tensor(path)
        }
    }

    private func failure(_ object: PickleObject, _ reason: PickleError.Reason) -> PickleError {
        PickleError(byteOffset: object.byteOffset, reason: reason)
    }

    private static func device(_ items: [PickleValue]) -> String {
        guard case .text(let kind) = items.first else { return "" }
        guard items.count > 1, case .integer(let number) = items[1] else { return kind }
        return "\(kind):\(number)"
    }

    private mutating func elements(
        of object: PickleObject, path: String, depth: Int
    ) throws(PickleError) -> [PyTorchValue] {
        var elements: [PyTorchValue] = []
        for (position, item) in object.items.enumerated() {
            elements.append(
                try child(item, key: "\(position)", of: object, path: path, depth: depth))
        }
        return elements
    }

    private mutating func members(
        of object: PickleObject, path: String, depth: Int
    ) throws(PickleError) -> [PyTorchValue.Member] {
        var members: [PyTorchValue.Member] = []
        var keys: Set<ByteKey> = []
        for position in stride(from: 0, to: object.items.count, by: 2) {
            let key: String
            switch object.items[position] {
            case .text(let text): key = text
            case .integer(let number): key = "\(number)"
            default: continue
            }
            guard keys.insert(ByteKey(key)).inserted else {
                throw failure(object, .duplicateKey(key))
            }
            let value = try child(
                object.items[position + 1], key: key, of: object, path: path, depth: depth)
            // A member also has its key, and the set of keys an entry.
            try budget.spend(64, at: object.byteOffset)
            members.append(PyTorchValue.Member(key: key, value: value))
        }
        return members
    }

    private mutating func child(
        _ value: PickleValue, key: String, of parent: PickleObject, path: String, depth: Int
    ) throws(PickleError) -> PyTorchValue {
        // Only objects need a path, and long ones cost time.
        guard case .object = value else {
            return try tree(value, path: "", depth: depth, at: parent.byteOffset)
        }
        let childPath = depth == 0 ? key : path + "." + key
        try budget.spend(childPath.utf8.count, at: parent.byteOffset)
        return try tree(value, path: childPath, depth: depth + 1, at: parent.byteOffset)
    }
}
