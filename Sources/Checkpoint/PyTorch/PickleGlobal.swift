/// The functions and classes that a pickle may name. They are only names here: what PyTorch would do
/// with one is known, and done on descriptions of tensors.
enum PickleGlobal: Hashable, Sendable {
    case orderedDictionary
    /// `_rebuild_tensor`, the oldest way to make a tensor of a storage.
    case rebuildTensor
    case rebuildTensor2
    /// Names the type of the elements, for types that no storage is named after.
    case rebuildTensor3
    case rebuildParameter
    case rebuildParameterWithState
    case parameter
    case size
    case device
    case elementType(PyTorchFile.ElementType)
    case storage(PyTorchFile.ElementType)
    /// A storage of bytes, whose tensors name their type.
    case untypedStorage

    /// The global of that name, or nil if it is not one of these.
    init?(module: String, name: String) {
        guard !name.utf8.contains(UInt8(ascii: ".")),
            let global = Self.known[ByteKey(module + "." + name)]
        else { return nil }
        self = global
    }

    private static let known: [ByteKey: Self] = {
        var known: [String: Self] = [
            "collections.OrderedDict": .orderedDictionary,
            "torch._utils._rebuild_tensor": .rebuildTensor,
            "torch._utils._rebuild_tensor_v2": .rebuildTensor2,
            "torch._utils._rebuild_tensor_v3": .rebuildTensor3,
            "torch._utils._rebuild_parameter": .rebuildParameter,
            "torch._utils._rebuild_parameter_with_state": .rebuildParameterWithState,
            "torch.nn.parameter.Parameter": .parameter,
            "torch.Size": .size,
            "torch.device": .device,
            "torch.storage.UntypedStorage": .untypedStorage,
            "torch.UntypedStorage": .untypedStorage,
        ]
        for type in PyTorchFile.ElementType.allCases {
            known["torch.\(type.rawValue)"] = .elementType(type)
            guard let storage = type.storageName else { continue }
            // Very old files name the storage of the processor that a tensor was on.
            known["torch.\(storage)"] = .storage(type)
            known["torch.cuda.\(storage)"] = .storage(type)
        }
        return Dictionary(uniqueKeysWithValues: known.map { (ByteKey($0.key), $0.value) })
    }()
}
