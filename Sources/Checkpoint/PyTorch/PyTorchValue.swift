/// What a file of PyTorch holds: tensors and what was saved with them, such as the number of the
/// epoch or an optimizer's settings.
public enum PyTorchValue: Sendable, Hashable {
    /// `None`.
    case none
    /// `True` or `False`.
    case bool(Bool)
    /// An integer of 64 bits.
    case int(Int)
    /// A floating-point number.
    case double(Double)
    /// A text.
    case string(String)
    /// A list.
    case list([PyTorchValue])
    /// A tuple, or the size of a tensor.
    case tuple([PyTorchValue])
    /// A set.
    case set([PyTorchValue])
    /// A dictionary, in its order.
    case dictionary([Member])
    /// A tensor, by its name in ``PyTorchFile/names``.
    case tensor(String)
    /// A type of elements, such as `torch.float32`.
    case elementType(PyTorchFile.ElementType)
    /// A device, such as `cuda:1`.
    case device(String)
    /// Something that is neither needed for tensors nor kept, in words: "an integer of more than 64
    /// bits".
    case other(String)

    /// A member of a dictionary.
    public struct Member: Sendable, Hashable {
        /// The key; an integer in decimal digits.
        public let key: String
        /// What stands under it.
        public let value: PyTorchValue
    }

    /// The value under a key, or nil if there is none or this is no dictionary.
    public subscript(key: String) -> PyTorchValue? {
        guard case .dictionary(let members) = self else { return nil }
        return members.first { $0.key.hasSameBytes(as: key) }?.value
    }

    /// An element of a list or tuple, or nil if there is none or this is neither.
    public subscript(index: Int) -> PyTorchValue? {
        switch self {
        case .list(let items), .tuple(let items): items.indices.contains(index) ? items[index] : nil
        default: nil
        }
    }

    /// The members of a dictionary; none if this is something else.
    public var members: [Member] {
        if case .dictionary(let members) = self { members } else { [] }
    }
}
