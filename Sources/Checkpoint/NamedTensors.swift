public import Layers
public import Tensor

/// Tensors with names, read from one file or a set of files.
///
/// Names are told apart by their UTF-8 bytes, so the two forms of `é` are two names. A tensor is
/// mapped from its file where that is possible; ``UnsupportedElementType`` is thrown for one whose
/// elements a ``Tensor`` cannot hold.
public protocol NamedTensors: ParameterProvider, Sendable {
    /// The file or index that was opened, for messages.
    var path: String { get }

    /// The names, in the order of the bytes in the file, and of the files in a set.
    var names: [String] { get }

    /// The shape of a tensor, or nil if there is none of that name.
    func shape(of name: String) -> Tensor.Shape?

    /// The element type of a tensor, or nil if there is none of that name or a ``Tensor`` cannot
    /// hold it.
    func dtype(of name: String) -> Tensor.DType?
}

extension NamedTensors {
    /// The most similar of ``names``, if any is near.
    public func nearestName(to name: String) -> String? {
        Checkpoint.nearestName(to: name, in: names)
    }
}

/// A tensor in a file has elements that a ``Tensor`` cannot hold, such as 8-bit floating point.
public struct UnsupportedElementType: Error, Hashable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// The tensor.
    public let name: String
    /// What the file calls the type.
    public let type: String

    /// Which tensor of which file, and what to do.
    public var description: String {
        "the tensor '\(name)' in '\(path)' has elements of the type \(type), which this library "
            + "cannot compute with; convert the file to F32, F16 or BF16"
    }
}

/// A name as a dictionary's key, told apart by its UTF-8 bytes. (`String`'s own equality also joins
/// canonically equal strings.)
struct ByteKey: Hashable, Sendable {
    let name: String

    init(_ name: String) { self.name = name }

    static func == (left: Self, right: Self) -> Bool { left.name.hasSameBytes(as: right.name) }

    func hash(into hasher: inout Hasher) {
        var name = name
        name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
