/// A value that a pickle builds.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer of more than 64 bits.
    case wideInteger
    case number(Double)
    case text(String)
    case global(PickleGlobal)
    /// The position of a ``PickleObject``. Values that may be in several places at once, or inside
    /// themselves, lie side by side in one array: releasing a deep chain of references would
    /// overflow the stack.
    case object(Int)

    /// What it is, for messages.
    var kindName: String {
        switch self {
        case .none: "None"
        case .bool: "a truth value"
        case .integer, .wideInteger: "an integer"
        case .number: "a number"
        case .text: "a string"
        case .global: "a global"
        case .object: "an object"
        }
    }
}

/// A value with an identity.
struct PickleObject {
    enum Kind {
        case tuple, list, set
        /// The items are keys and values in turn.
        case dictionary
        /// The position of a ``PickleStorage``.
        case storage(Int)
        /// The position of a ``PickleTensor``.
        case tensor(Int)
        case device
    }

    let kind: Kind
    var items: [PickleValue] = []
    /// Where the instruction stands that made it.
    let byteOffset: Int

    /// What it is, for messages.
    var kindName: String {
        switch kind {
        case .tuple: "a tuple"
        case .list: "a list"
        case .set: "a set"
        case .dictionary: "a dictionary"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .device: "a device"
        }
    }
}

/// Numbers that one or more tensors view, not yet found in the file.
struct PickleStorage {
    let key: String
    /// The type of its elements; nil for one of bytes, whose tensors say.
    let declaredType: PyTorchFile.ElementType?
    /// In elements, or in bytes if there is no type.
    let count: Int
    /// The type that the tensors gave it.
    var type: PyTorchFile.ElementType?

    /// How many bytes it takes. Checked for overflow when it was made.
    var byteCount: Int { count * (declaredType?.byteCount ?? 1) }
}

/// How a tensor views a storage; counted in elements.
struct PickleTensor {
    let storage: Int
    let type: PyTorchFile.ElementType
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}

/// Bounds what a file makes the reader hold, so that a small one cannot fill the memory.
struct PickleBudget {
    private(set) var byteCount: Int

    /// Enough for any file that PyTorch writes: in these, a tensor takes several hundred bytes
    /// beside its elements.
    init(fileByteCount: Int) { byteCount = 12_000_000 + fileByteCount }

    mutating func spend(_ count: Int, at offset: Int) throws(PickleError) {
        byteCount -= count
        guard byteCount >= 0 else { throw PickleError(byteOffset: offset, reason: .tooManyObjects) }
    }
}
