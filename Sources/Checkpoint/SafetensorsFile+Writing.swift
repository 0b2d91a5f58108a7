public import Tensor

extension SafetensorsFile {
    /// Writes tensors into a file that appears whole or not at all, see ``AtomicFile``.
    ///
    /// The widest elements come first and names break ties, so that every tensor is aligned and
    /// equal content gives equal bytes. The header is padded with spaces to a multiple of 8.
    ///
    /// - Parameters:
    ///   - tensors: The tensors, in any order. Views are written as the elements they show.
    ///   - metadata: Texts to keep with them, such as `["format": "pt"]`, which Transformers asks
    ///     for. Every value must be a string.
    ///   - path: The file; if it exists, it is replaced.
    /// - Throws: ``SafetensorsError``.
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], metadata: JSON.Object = [:],
        to path: String
    ) throws(SafetensorsError) {
        let parts = try Parts(of: tensors, metadata: metadata, path: path)
        do throws(FileError) {
            var file = try AtomicFile(path: path)
            try parts.forEach { (bytes) throws(FileError) in try file.write(bytes) }
            try file.commit()
        } catch {
            throw SafetensorsError(path: path, reason: .unwritable(error))
        }
    }

    /// The bytes of a file with these tensors, part by part.
    struct Parts {
        private let header: [UInt8]
        private let tensors: [Tensor]

        /// - Throws: ``SafetensorsError`` if no file can hold the tensors.
        init(
            of tensors: [(name: String, tensor: Tensor)], metadata: JSON.Object = [:], path: String
        ) throws(SafetensorsError) {
            let sorted = tensors.sorted(by: precedes)
            do throws(SafetensorsError.WritingProblem) {
                header = try SafetensorsFile.header(sorted, metadata)
            } catch {
                throw SafetensorsError(path: path, reason: .unsuitableTensors(error))
            }
            self.tensors = sorted.map(\.tensor)
        }

        /// Gives `body` the parts in order.
        func forEach<Failure: Error>(
            _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
        ) throws(Failure) {
            try header.withUnsafeBufferPointer { bytes throws(Failure) in
                try body(UnsafeRawBufferPointer(bytes))
            }
            for tensor in tensors {
                try tensor.withUnsafeBytes { bytes throws(Failure) in try body(bytes) }
            }
        }
    }

    private static func precedes(
        _ left: (name: String, tensor: Tensor), _ right: (name: String, tensor: Tensor)
    ) -> Bool {
        let (leftWidth, rightWidth) = (left.tensor.dtype.byteCount, right.tensor.dtype.byteCount)
        if leftWidth != rightWidth { return leftWidth > rightWidth }
        return left.name.precedesInBytes(right.name)
    }

    /// The header with its length in front.
    private static func header(
        _ tensors: [(name: String, tensor: Tensor)], _ metadata: JSON.Object
    ) throws(SafetensorsError.WritingProblem) -> [UInt8] {
        var root = JSON.Object()
        for (key, value) in metadata where value.string == nil {
            throw .metadataNotString(key: key)
        }
        if !metadata.isEmpty { root["__metadata__"] = .object(metadata) }
        var offset = 0
        for (name, tensor) in tensors {
            guard !name.hasSameBytes(as: "__metadata__") else { throw .reservedName }
            guard tensor.rank <= rankLimit else {
                throw .rankTooHigh(tensor: name, rank: tensor.rank)
            }
            let end = offset + tensor.byteCount
            let entry: JSON = [
                "dtype": .string(ElementType(tensor.dtype).rawValue),
                "shape": .array(tensor.shape.map { JSON($0) }),
                "data_offsets": [JSON(offset), JSON(end)],
            ]
            guard root.append(key: name, value: entry) else { throw .duplicateName(name) }
            offset = end
        }
        var text = JSON.object(root).serializedBytes()
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: -text.count & 7))
        guard text.count <= headerByteLimit else {
            throw .headerTooLong(byteCount: text.count)
        }
        return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
    }
}
