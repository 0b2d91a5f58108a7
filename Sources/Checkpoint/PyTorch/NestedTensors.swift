import Layers
public import Tensor

extension PyTorchFile {
    /// The tensors of the model in a training script's file.
    ///
    /// Such a script saves a dictionary of several things, one of them the model's state dictionary.
    /// If a tensor lies directly in the file's dictionary, the file is a state dictionary itself, and
    /// has all its tensors. Otherwise they are those below the first of the keys `state_dict`,
    /// `model_state_dict` and `model` that has any, under their names there; and all if none has.
    public func modelTensors() -> any NamedTensors {
        let members = content.members
        let isStateDictionary = members.contains {
            if case .tensor = $0.value { true } else { false }
        }
        guard !isStateDictionary else { return self }
        for key in ["state_dict", "model_state_dict", "model"] {
            let nested = NestedTensors(self, under: key)
            if !nested.names.isEmpty { return nested }
        }
        return self
    }
}

/// The tensors of a checkpoint whose names begin with a key and a dot, without these.
public struct NestedTensors: NamedTensors {
    /// The names that follow the key.
    public let names: [String]

    private let base: any NamedTensors
    private let prefix: String

    /// The tensors of `base` under `key`, such as `state_dict` or `checkpoint.model`.
    public init(_ base: any NamedTensors, under key: String) {
        let prefix = key + "."
        (self.base, self.prefix) = (base, prefix)
        names = base.names.filter { $0.utf8.starts(with: prefix.utf8) }
            .map { String(decoding: $0.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) }
    }

    /// The file or index that was opened.
    public var path: String { base.path }

    /// The shape of a tensor, or nil if there is none of that name.
    public func shape(of name: String) -> Tensor.Shape? { base.shape(of: prefix + name) }

    /// The element type of a tensor, or nil if there is none of that name or a ``Tensor`` cannot
    /// hold it.
    public func dtype(of name: String) -> Tensor.DType? { base.dtype(of: prefix + name) }

    /// The tensor of that name, or nil if there is none.
    ///
    /// - Throws: ``UnsupportedElementType`` if a ``Tensor`` cannot hold its elements.
    public func tensor(named name: String) throws -> Tensor? {
        try base.tensor(named: prefix + name)
    }
}
