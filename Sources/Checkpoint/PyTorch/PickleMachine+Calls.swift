/// What PyTorch would do with the globals that a pickle calls, on descriptions.
extension PickleMachine {
    /// `REDUCE` and `NEWOBJ`: takes arguments and a global, and gives what it makes of them.
    mutating func call(_ opcode: PickleOpcode) throws(PickleError) {
        let (arguments, callee) = (try pop(opcode), try pop(opcode))
        guard case .global(let global) = callee else {
            throw failure(
                .wrongOperand(
                    opcode: opcode.name, expected: "a global", found: kindName(callee)))
        }
        guard let items = tuple(arguments) else {
            throw failure(
                .wrongOperand(
                    opcode: opcode.name, expected: "a tuple of arguments",
                    found: kindName(arguments)))
        }
        try push(try result(of: global, items))
    }

    private mutating func result(
        of global: PickleGlobal, _ arguments: [PickleValue]
    ) throws(PickleError) -> PickleValue {
        switch global {
        case .orderedDictionary: return try orderedDictionary(arguments)
        case .rebuildTensor: return try tensor(arguments, counts: 4...4, "_rebuild_tensor")
        case .rebuildTensor2: return try tensor(arguments, counts: 6...7, "_rebuild_tensor_v2")
        case .rebuildTensor3: return try tensor(arguments, counts: 7...8, "_rebuild_tensor_v3")
        case .rebuildParameter:
            return try parameter(arguments, counts: 3...3, "torch._utils._rebuild_parameter")
        case .rebuildParameterWithState:
            return try parameter(
                arguments, counts: 4...4, "torch._utils._rebuild_parameter_with_state")
        case .parameter:
            return try parameter(arguments, counts: 1...2, "torch.nn.parameter.Parameter")
        case .size: return try size(arguments)
        case .device: return try device(arguments)
        case .elementType(let type): throw wrong("torch.\(type.rawValue)", "arguments at all")
        case .storage(let type):
            throw wrong("torch.\(type.storageName ?? type.rawValue)", "arguments at all")
        case .untypedStorage: throw wrong("torch.storage.UntypedStorage", "arguments at all")
        }
    }

    private func wrong(_ global: String, _ problem: String) -> PickleError {
        failure(.wrongArguments(global: global, problem: problem))
    }

    private func tuple(_ value: PickleValue) -> [PickleValue]? {
        guard case .object(let index) = value, case .tuple = objects[index].kind else {
            return nil
        }
        return objects[index].items
    }

    /// The items of a tuple or list, or nil if it is neither.
    private func items(_ value: PickleValue) -> [PickleValue]? {
        guard case .object(let index) = value else { return nil }
        switch objects[index].kind {
        case .tuple, .list: return objects[index].items
        default: return nil
        }
    }

    /// The integers in a tuple or list, or nil if there is anything else.
    private func integers(_ value: PickleValue) -> [Int]? {
        guard let items = items(value) else { return nil }
        var numbers: [Int] = []
        for item in items {
            guard case .integer(let number) = item else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    private func checkCount(
        _ arguments: [PickleValue], _ counts: ClosedRange<Int>, _ global: String
    ) throws(PickleError) {
        guard counts.contains(arguments.count) else {
            let expected =
                counts.count == 1
                ? "\(counts.lowerBound)" : "\(counts.lowerBound) or \(counts.upperBound)"
            throw wrong(global, "\(arguments.count) arguments instead of \(expected)")
        }
    }

    // MARK: Dictionaries, parameters, sizes, devices

    /// An empty dictionary, which is filled later; Python 2 gave a list of keys and values in pairs.
    private mutating func orderedDictionary(
        _ arguments: [PickleValue]
    ) throws(PickleError) -> PickleValue {
        let global = "collections.OrderedDict"
        try checkCount(arguments, 0...1, global)
        guard let argument = arguments.first else { return try add(.dictionary) }
        guard let pairs = items(argument) else {
            throw wrong(global, "\(kindName(argument)) in place of the pairs")
        }
        var members: [PickleValue] = []
        for pair in pairs {
            guard let pair = items(pair), pair.count == 2 else {
                throw wrong(global, "something else than pairs")
            }
            guard isKey(pair[0]) else {
                throw failure(.unsupportedKey(found: kindName(pair[0])))
            }
            members += pair
        }
        return try add(.dictionary, members)
    }

    /// A parameter is its tensor: whether it trains is for the caller to say.
    private func parameter(
        _ arguments: [PickleValue], counts: ClosedRange<Int>, _ global: String
    ) throws(PickleError) -> PickleValue {
        try checkCount(arguments, counts, global)
        guard case .object(let index) = arguments[0], case .tensor = objects[index].kind else {
            throw wrong(global, "\(kindName(arguments[0])) in place of the tensor")
        }
        return arguments[0]
    }

    private mutating func size(_ arguments: [PickleValue]) throws(PickleError) -> PickleValue {
        try checkCount(arguments, 1...1, "torch.Size")
        guard integers(arguments[0]) != nil else {
            throw wrong("torch.Size", "something else than integers")
        }
        return arguments[0]
    }

    private mutating func device(_ arguments: [PickleValue]) throws(PickleError) -> PickleValue {
        try checkCount(arguments, 1...2, "torch.device")
        guard case .text = arguments[0] else {
            throw wrong("torch.device", "\(kindName(arguments[0])) in place of the kind")
        }
        if arguments.count == 2 {
            guard case .integer = arguments[1] else {
                throw wrong("torch.device", "\(kindName(arguments[1])) in place of the number")
            }
        }
        return try add(.device, arguments)
    }

    /// `BUILD` gives an object attributes, such as the versions of the modules that a state
    /// dictionary came from. They are not kept.
    mutating func build() throws(PickleError) {
        let state = try pop(.build)
        let target = try top(.build)
        guard case .object(let index) = target, case .dictionary = objects[index].kind else {
            throw failure(
                .wrongOperand(
                    opcode: "BUILD", expected: "a dictionary", found: kindName(target)))
        }
        guard case .object(let other) = state, case .dictionary = objects[other].kind else {
            throw failure(
                .wrongOperand(
                    opcode: "BUILD", expected: "a dictionary of attributes",
                    found: kindName(state)))
        }
    }

    // MARK: Storages

    /// `BINPERSID`: a storage, given as `('storage', type, key, location, count)`, and in the layout
    /// without records by what it is a view of, which is None.
    mutating func storage(_ reference: PickleValue) throws(PickleError) -> PickleValue {
        func invalid(_ problem: String) -> PickleError {
            failure(.invalidStorage(problem: problem))
        }
        guard let items = tuple(reference) else { throw invalid(kindName(reference)) }
        guard items.count == (isLegacy ? 6 : 5) else {
            throw invalid("\(items.count) values instead of \(isLegacy ? 6 : 5)")
        }
        guard case .text(let kind) = items[0], kind.hasSameBytes(as: "storage") else {
            throw invalid("something else than 'storage'")
        }
        let type: PyTorchFile.ElementType?
        switch items[1] {
        case .global(.storage(let named)): type = named
        case .global(.untypedStorage): type = nil
        default: throw invalid("\(kindName(items[1])) in place of its type")
        }
        guard case .text(let key) = items[2] else {
            throw invalid("\(kindName(items[2])) in place of its key")
        }
        guard case .text = items[3] else {
            throw invalid("\(kindName(items[3])) in place of its device")
        }
        guard case .integer(let count) = items[4] else {
            throw invalid("\(kindName(items[4])) in place of its size")
        }
        guard count >= 0 else { throw invalid("the size \(count)") }
        if isLegacy {
            guard case .none = items[5] else { throw invalid("the storage that it is a view of") }
        }
        return try add(.storage(try position(ofStorage: key, type, count)))
    }

    private mutating func position(
        ofStorage key: String, _ type: PyTorchFile.ElementType?, _ count: Int
    ) throws(PickleError) -> Int {
        if let position = positionOfStorage[ByteKey(key)] {
            guard storages[position].declaredType == type else {
                throw failure(.storageOfTwoTypes(key: key))
            }
            guard storages[position].count == count else {
                throw failure(.storageOfTwoSizes(key: key))
            }
            return position
        }
        guard !count.multipliedReportingOverflow(by: type?.byteCount ?? 1).overflow else {
            throw failure(.invalidStorage(problem: "the size \(count)"))
        }
        try budget.spend(128, at: offset)
        storages.append(PickleStorage(key: key, declaredType: type, count: count, type: type))
        positionOfStorage[ByteKey(key)] = storages.count - 1
        return storages.count - 1
    }

    // MARK: Tensors

    /// `_rebuild_tensor(storage, offset, size, stride)`. The second version adds whether it trains
    /// and its hooks, the third the type of the elements, and both may be given metadata.
    private mutating func tensor(
        _ arguments: [PickleValue], counts: ClosedRange<Int>, _ function: String
    ) throws(PickleError) -> PickleValue {
        let global = "torch._utils." + function
        try checkCount(arguments, counts, global)
        guard case .object(let index) = arguments[0],
            case .storage(let storage) = objects[index].kind
        else { throw wrong(global, "\(kindName(arguments[0])) in place of the storage") }
        guard case .integer(let first) = arguments[1] else {
            throw wrong(global, "\(kindName(arguments[1])) in place of the offset")
        }
        guard let shape = integers(arguments[2]) else {
            throw wrong(global, "something else than integers as the size")
        }
        guard let strides = integers(arguments[3]) else {
            throw wrong(global, "something else than integers as the stride")
        }
        let type = try elementType(
            of: storage, counts.lowerBound == 7 ? arguments[6] : nil, global)
        let tensor = PickleTensor(
            storage: storage, type: type, offset: first, shape: shape, strides: strides)
        if let problem = problem(tensor) { throw failure(.invalidTensor(problem)) }
        try budget.spend(
            MemoryLayout<PickleTensor>.stride + 64 + 16 * shape.count, at: offset)
        tensors.append(tensor)
        return try add(.tensor(tensors.count - 1))
    }

    /// The type of a tensor's elements: its storage's, or the one that it names itself. All tensors
    /// of a storage have the same.
    private mutating func elementType(
        of storage: Int, _ named: PickleValue?, _ global: String
    ) throws(PickleError) -> PyTorchFile.ElementType {
        var type = storages[storage].declaredType
        if let named {
            guard case .global(.elementType(let own)) = named else {
                throw wrong(global, "\(kindName(named)) in place of the type")
            }
            type = own
        }
        guard let type else { throw wrong(global, "a storage without a type") }
        guard storages[storage].type ?? type == type else {
            throw failure(.storageOfTwoTypes(key: storages[storage].key))
        }
        storages[storage].type = type
        return type
    }

    private mutating func problem(_ tensor: PickleTensor) -> PickleError.TensorProblem? {
        guard tensor.offset >= 0 else { return .negativeOffset(tensor.offset) }
        guard tensor.shape.count <= PyTorchFile.rankLimit else {
            return .rankTooHigh(tensor.shape.count)
        }
        guard tensor.shape.count == tensor.strides.count else {
            return .strideCount(expected: tensor.shape.count, found: tensor.strides.count)
        }
        if let size = tensor.shape.first(where: { $0 < 0 }) { return .negativeSize(size) }
        if let stride = tensor.strides.first(where: { $0 < 0 }) { return .negativeStride(stride) }
        // A dimension of 0 does not excuse the others from being countable.
        var byteCount = tensor.type.byteCount
        for size in tensor.shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: max(size, 1))
            guard !overflow else { return .tooLarge }
            byteCount = product
        }
        guard !tensor.shape.contains(0) else { return nil }
        let storage = storages[tensor.storage]
        guard let last = lastPosition(tensor),
            last < storage.byteCount / tensor.type.byteCount
        else { return .pastEnd(storage: storage.key) }
        repeatedByteCount += min(max(0, byteCount - storage.byteCount), Int.max / 2)
        guard repeatedByteCount <= PyTorchFile.expansionByteLimit else {
            return .expanded(byteCount: byteCount)
        }
        return nil
    }

    /// The position of the last element in the storage, or nil if it cannot be counted.
    private func lastPosition(_ tensor: PickleTensor) -> Int? {
        var last = tensor.offset
        for (size, stride) in zip(tensor.shape, tensor.strides) {
            let (length, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflow) = last.addingReportingOverflow(length)
            guard !overflow && !sumOverflow else { return nil }
            last = sum
        }
        return last
    }
}
