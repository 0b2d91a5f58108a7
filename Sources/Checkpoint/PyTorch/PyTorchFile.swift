public import Tensor

/// A file that `torch.save` wrote (`.pt`, `.pth`, `.bin`), mapped into memory.
///
/// Its pickle is interpreted, never executed: it may build dictionaries, lists, numbers, texts and
/// tensors, and name the few functions of PyTorch that stand for these, which are known here. Any
/// other is refused, with its name and place.
///
/// Tensors are named by the path that leads to them, joined by dots: the keys of dictionaries and
/// the positions in lists. A state dictionary has the names that it has in PyTorch; one that was
/// saved inside another dictionary has its key in front, and ``modelTensors()`` takes it off. What
/// is no tensor is in ``content``.
///
/// Both layouts are read: ZIP archives (PyTorch 1.6 and later), and the one without records before.
/// The file is accepted whole or refused. A tensor whose elements lie in the file as they would in
/// memory is a view of it; others (strided, unaligned, big-endian) are copied when they are asked
/// for.
public struct PyTorchFile: NamedTensors {
    /// The most dimensions that a tensor may have.
    public static let rankLimit = 64
    /// The most objects inside one another, such as dictionaries in dictionaries.
    public static let depthLimit = 100
    /// By how many bytes all tensors together may be larger than the storages that they view. A file can
    /// say that one element stands for a million; a small file must not take much memory.
    public static let expansionByteLimit = 1 << 24

    /// The path that the file was opened by.
    public let path: String
    /// What the file says about its tensors, in the order of their bytes.
    public let entries: [Entry]
    /// All that the file holds, tensors by their names.
    public let content: PyTorchValue

    private let file: MappedFile
    private let isBigEndian: Bool
    private let positions: [ByteKey: Int]

    /// What a file says about one tensor.
    public struct Entry: Sendable, Hashable {
        /// The tensor's name: any text, never to be used as a path. Empty if the file is this tensor
        /// and nothing else.
        public let name: String
        /// The type of its elements.
        public let type: ElementType
        /// The sizes of its dimensions.
        public let shape: Tensor.Shape
        /// Elements between neighbours along each dimension.
        public let strides: [Int]
        /// The storage that it views; tensors that share numbers have the same.
        public let storage: String
        /// Where it begins in its storage, in elements.
        public let storageOffset: Int

        let byteOffset: Int
    }

    /// Opens a file and checks all of it.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - verifyingChecksums: Whether to compare all bytes with their checksums, so that a damaged
    ///     file is refused. That reads the whole file once. Say no for files whose writer left them
    ///     out (`torch.serialization.set_crc32_options(False)`). The layout before PyTorch 1.6 has
    ///     none.
    /// - Throws: ``PyTorchFileError``, naming the place.
    public init(path: String, verifyingChecksums: Bool = true) throws(PyTorchFileError) {
        do throws(PyTorchFileError.Reason) {
            try self.init(checking: path, verifyingChecksums: verifyingChecksums)
        } catch {
            throw PyTorchFileError(path: path, reason: error)
        }
    }

    private init(
        checking path: String, verifyingChecksums: Bool
    ) throws(PyTorchFileError.Reason) {
        do throws(FileError) {
            file = try MappedFile(path: path)
        } catch {
            throw .unreadable(error)
        }
        let layout = try PyTorchLayout(file.bytes, verifyingChecksums: verifyingChecksums)
        let found: PyTorchContent
        do throws(PickleError) {
            found = try PyTorchContent(of: layout.root, in: layout.machine)
        } catch {
            throw .pickle(error)
        }
        let unsorted = found.tensors.map { Entry($0.name, $0.tensor, layout) }
        // The place in the pickle decides between tensors that begin at the same byte.
        let order = unsorted.indices.sorted {
            (unsorted[$0].byteOffset, $0) < (unsorted[$1].byteOffset, $1)
        }
        entries = order.map { unsorted[$0] }
        positions = Dictionary(
            uniqueKeysWithValues: order.enumerated().map {
                (ByteKey(unsorted[$0.element].name), $0.offset)
            })
        (self.path, content, isBigEndian) = (path, found.root, layout.isBigEndian)
    }

    /// The tensors' names, in the order of their bytes.
    public var names: [String] { entries.map(\.name) }

    /// What the file says about the tensor of that name, or nil if there is none.
    public func entry(named name: String) -> Entry? {
        positions[ByteKey(name)].map { entries[$0] }
    }

    /// The shape of a tensor, or nil if there is none of that name.
    public func shape(of name: String) -> Tensor.Shape? { entry(named: name)?.shape }

    /// The element type of a tensor, or nil if there is none of that name or a ``Tensor`` cannot
    /// hold it.
    public func dtype(of name: String) -> Tensor.DType? { entry(named: name)?.type.dtype }

    /// The tensor of that name, contiguous, or nil if there is none.
    ///
    /// - Throws: ``UnsupportedElementType`` if a ``Tensor`` cannot hold its elements.
    public func tensor(named name: String) throws(UnsupportedElementType) -> Tensor? {
        guard let entry = entry(named: name) else { return nil }
        guard let dtype = entry.type.dtype else {
            throw UnsupportedElementType(path: path, name: name, type: entry.type.rawValue)
        }
        return MappedElements(
            byteOffset: entry.byteOffset, shape: entry.shape, strides: entry.strides, dtype: dtype,
            isBigEndian: isBigEndian
        ).tensor(in: file)
    }

    /// The other names of the same tensor, such as of an output layer that shares the embeddings'
    /// weights.
    public func aliases(of name: String) -> [String] {
        guard let entry = entry(named: name) else { return [] }
        return entries.filter {
            $0.storage.hasSameBytes(as: entry.storage) && $0.byteOffset == entry.byteOffset
                && $0.shape == entry.shape && $0.strides == entry.strides
                && !$0.name.hasSameBytes(as: name)
        }.map(\.name)
    }
}

extension PyTorchFile.Entry {
    fileprivate init(_ name: String, _ tensor: PickleTensor, _ layout: PyTorchLayout) {
        let storage = layout.machine.storages[tensor.storage]
        let begin = layout.storageRanges[tensor.storage].lowerBound
        self.name = name
        type = tensor.type
        shape = Tensor.Shape(tensor.shape)
        strides = tensor.strides
        self.storage = storage.key
        storageOffset = tensor.offset
        // A tensor without elements may begin anywhere.
        byteOffset =
            tensor.shape.contains(0) ? begin : begin + tensor.offset * tensor.type.byteCount
    }
}
