import Layers
public import Tensor

/// The tensors of a checkpoint under the names that another model gives them.
public struct RenamedTensors: NamedTensors {
    /// The names, translated, in the order of the checkpoint.
    public let names: [String]
    /// The names of the checkpoint that no pattern matches. They are left out.
    public let unmatchedNames: [String]

    private let base: any NamedTensors
    private let originalNames: [ByteKey: String]

    /// Translates the names of `base`.
    ///
    /// - Parameters:
    ///   - base: The checkpoint.
    ///   - map: Leads from the checkpoint's names forward to those wanted.
    /// - Throws: ``KeyMapError/ambiguous(_:translation:alternative:)`` if two names would become
    ///   one.
    public init(_ base: any NamedTensors, by map: KeyMap) throws(KeyMapError) {
        var names: [String] = []
        var unmatchedNames: [String] = []
        var originalNames: [ByteKey: String] = [:]
        for original in base.names {
            guard map.matchesForward(original) else {
                unmatchedNames.append(original)
                continue
            }
            let name = try map.forward(original)
            names.append(name)
            originalNames[ByteKey(name)] = original
        }
        (self.base, self.names, self.unmatchedNames) = (base, names, unmatchedNames)
        self.originalNames = originalNames
    }

    /// The file or index that was opened.
    public var path: String { base.path }

    /// The checkpoint's own name for a tensor, or nil if there is none of that name.
    public func originalName(of name: String) -> String? { originalNames[ByteKey(name)] }

    /// The shape of a tensor, or nil if there is none of that name.
    public func shape(of name: String) -> Tensor.Shape? {
        originalName(of: name).flatMap { base.shape(of: $0) }
    }

    /// The element type of a tensor, or nil if there is none of that name or a ``Tensor`` cannot
    /// hold it.
    public func dtype(of name: String) -> Tensor.DType? {
        originalName(of: name).flatMap { base.dtype(of: $0) }
    }

    /// The tensor of that name, or nil if there is none.
    ///
    /// - Throws: ``UnsupportedElementType`` if a ``Tensor`` cannot hold its elements.
    public func tensor(named name: String) throws -> Tensor? {
        guard let original = originalName(of: name) else { return nil }
        return try base.tensor(named: original)
    }
}
