public import Tensor

/// An array that NumPy saved (`.npy`), or several in one file (`.npz`), mapped into memory.
///
/// The versions 1 to 3 of the format are read (`numpy.lib.format`), in both orders of dimensions and
/// of bytes. Arrays of Python objects are refused, because reading them would mean to execute what
/// the file says, and so are compressed ones: write with `numpy.savez`, not `savez_compressed`.
///
/// The file is accepted whole or refused. An array whose elements lie in the file as they would in
/// memory is a view of it; others are copied when they are asked for.
public struct NumPyFile: NamedTensors {
    /// The most bytes that the description of an array may have: NumPy's own limit.
    public static let headerByteLimit = 10_000
    /// The most dimensions that an array may have: as many as NumPy allows.
    public static let rankLimit = 64

    /// The path that the file was opened by.
    public let path: String
    /// What the file says about its arrays, in the order of their bytes.
    public let entries: [Entry]

    private let file: MappedFile
    private let positions: [ByteKey: Int]

    /// What a file says about one array.
    public struct Entry: Sendable, Hashable {
        /// The array's name: the one it was saved under in an `.npz`, and empty in an `.npy`.
        public let name: String
        /// The type of its elements as NumPy spells it, such as `<f4`.
        public let type: String
        /// The type of a ``Tensor`` of these elements, or nil if it cannot hold them.
        public let dtype: Tensor.DType?
        /// The sizes of its dimensions.
        public let shape: Tensor.Shape
        /// Whether the first dimension varies fastest in the file. The tensor does not show it.
        public let isFortranOrder: Bool

        let byteOffset: Int
        let isBigEndian: Bool

        init(_ header: NumPyHeader, name: String, byteOffset: Int) {
            self.name = name
            type = header.type.text
            dtype = header.type.dtype
            shape = Tensor.Shape(header.shape)
            isFortranOrder = header.isFortranOrder
            isBigEndian = header.type.isBigEndian
            self.byteOffset = byteOffset + header.headerEnd
        }

        /// Elements between neighbours along each dimension.
        var strides: [Int]? {
            guard isFortranOrder, !shape.contains(0) else { return nil }
            var strides: [Int] = []
            var step = 1
            for size in shape {
                strides.append(step)
                step *= size
            }
            return strides
        }
    }

    /// Opens a file and checks all of it.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - verifyingChecksums: Whether to compare the numbers of an `.npz` with their checksums,
    ///     which reads the whole file once. An `.npy` has none.
    /// - Throws: ``NumPyFileError``, naming the place.
    public init(path: String, verifyingChecksums: Bool = true) throws(NumPyFileError) {
        let file: MappedFile
        do throws(FileError) {
            file = try MappedFile(path: path)
        } catch {
            throw NumPyFileError(path: path, array: nil, reason: .unreadable(error))
        }
        (self.path, self.file) = (path, file)
        let entries =
            ZipArchive.isArchive(file.bytes)
            ? try Self.archived(file, verifyingChecksums: verifyingChecksums)
            : [try Self.entry(file, 0..<file.bytes.count, name: nil)]
        self.entries = entries.sorted { $0.byteOffset < $1.byteOffset }
        positions = Dictionary(
            uniqueKeysWithValues: self.entries.enumerated().map {
                (ByteKey($0.element.name), $0.offset)
            })
    }

    private static func archived(
        _ file: MappedFile, verifyingChecksums: Bool
    ) throws(NumPyFileError) -> [Entry] {
        let archive: ZipArchive
        do throws(ZipError) {
            archive = try ZipArchive(file.bytes)
            if verifyingChecksums {
                for entry in archive.entries { try entry.verify(in: file.bytes) }
            }
        } catch {
            throw NumPyFileError(path: file.path, array: nil, reason: .archive(error))
        }
        var entries: [Entry] = []
        for member in archive.entries {
            guard member.name.utf8.suffix(4).elementsEqual(".npy".utf8) else {
                throw NumPyFileError(path: file.path, array: member.name, reason: .notAnArray)
            }
            let name = String(decoding: member.name.utf8.dropLast(4), as: UTF8.self)
            entries.append(try entry(file, member.byteRange, name: name))
        }
        return entries
    }

    private static func entry(
        _ file: MappedFile, _ range: Range<Int>, name: String?
    ) throws(NumPyFileError) -> Entry {
        do throws(NumPyFileError.Reason) {
            let header = try NumPyHeader(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
            return Entry(header, name: name ?? "", byteOffset: range.lowerBound)
        } catch {
            throw NumPyFileError(path: file.path, array: name, reason: error)
        }
    }

    /// The arrays' names, in the order of their bytes: one empty name for an `.npy`.
    public var names: [String] { entries.map(\.name) }

    /// What the file says about the array of that name, or nil if there is none.
    public func entry(named name: String) -> Entry? {
        positions[ByteKey(name)].map { entries[$0] }
    }

    /// The shape of an array, or nil if there is none of that name.
    public func shape(of name: String) -> Tensor.Shape? { entry(named: name)?.shape }

    /// The element type of an array, or nil if there is none of that name or a ``Tensor`` cannot
    /// hold it.
    public func dtype(of name: String) -> Tensor.DType? { entry(named: name)?.dtype }

    /// The array of that name, in row-major order, or nil if there is none.
    ///
    /// - Throws: ``UnsupportedElementType`` if a ``Tensor`` cannot hold its elements.
    public func tensor(named name: String) throws(UnsupportedElementType) -> Tensor? {
        guard let entry = entry(named: name) else { return nil }
        guard let dtype = entry.dtype else {
            throw UnsupportedElementType(path: path, name: name, type: entry.type)
        }
        return MappedElements(
            byteOffset: entry.byteOffset, shape: entry.shape, strides: entry.strides, dtype: dtype,
            isBigEndian: entry.isBigEndian
        ).tensor(in: file)
    }
}
