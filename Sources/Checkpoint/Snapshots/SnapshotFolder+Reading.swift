import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension SnapshotFolder {
    /// Reads a snapshot and checks every byte of it.
    ///
    /// - Throws: ``SnapshotError/damaged(path:_:)`` if it is not as it was written,
    ///   ``SnapshotError/file(_:)`` if the system cannot read it.
    static func read(_ path: String) throws(SnapshotError) -> SnapshotContent {
        let manifest = try manifest(of: path)
        let expected = [SnapshotContent.tensorsFile, SnapshotContent.fieldsFile]
        guard manifest.entries.map(\.name) == expected else {
            throw .damaged(path: path, .files(manifest.entries.map(\.name)))
        }
        let tensors = try checkedFile(manifest.entries[0], in: path)
        let fields = try checkedFile(manifest.entries[1], in: path)
        do throws(SnapshotError.Damage) {
            return try SnapshotContent(fieldsFile: fields, tensorsFile: tensors)
        } catch {
            throw .damaged(path: path, error)
        }
    }

    private static func manifest(of path: String) throws(SnapshotError) -> SnapshotManifest {
        let file = path + "/" + SnapshotManifest.fileName
        let content: MappedFile
        do throws(FileError) {
            content = try self.content(of: file) { $0 <= SnapshotManifest.byteLimit }
        } catch {
            switch error.code {
            case ENOENT, ENOTDIR: throw .damaged(path: path, .noManifest)
            case EINVAL: throw .damaged(path: path, .manifest("it is no file, or far too large"))
            default: throw .file(error)
            }
        }
        let bytes = withExtendedLifetime(content) { Array(content.bytes) }
        do throws(SnapshotError.Damage) {
            return try SnapshotManifest(parsing: bytes)
        } catch {
            throw .damaged(path: path, error)
        }
    }

    /// The bytes of a file, if they are those that the manifest tells of.
    private static func checkedFile(
        _ entry: SnapshotManifest.Entry, in path: String
    ) throws(SnapshotError) -> MappedFile {
        var found: Int?
        let content: MappedFile
        do throws(FileError) {
            content = try self.content(of: path + "/" + entry.name) {
                found = $0
                return $0 == entry.byteCount
            }
        } catch {
            guard [ENOENT, ENOTDIR, EINVAL].contains(error.code) else { throw .file(error) }
            throw .damaged(
                path: path,
                .size(file: entry.name, expected: entry.byteCount, found: found))
        }
        var digest = Digest()
        digest.add(content.bytes)
        guard digest.text == entry.digest else {
            throw .damaged(
                path: path,
                .digest(file: entry.name, expected: entry.digest, found: digest.text))
        }
        return content
    }

    /// The score of a snapshot, which is not checked otherwise; nil if it has none or cannot be read.
    static func score(of path: String) -> Double? {
        let file = try? content(of: path + "/" + SnapshotContent.fieldsFile) { _ in true }
        return file.flatMap { SnapshotContent.score(in: $0) }
    }

    /// The content of a regular file, read into memory.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - isExpected: Whether the file may have this size; if not, it is not read.
    /// - Returns: The content, as a mapped file would show it.
    /// - Throws: ``FileError``, with the code `EINVAL` for another size and for what is no regular
    ///   file.
    private static func content(
        of path: String, isExpected: (_ byteCount: Int) -> Bool
    ) throws(FileError) -> MappedFile {
        let descriptor = uninterrupted { SystemCalls.current.openFile(path) }
        guard descriptor >= 0 else {
            throw FileError(operation: "open", path: path, code: errno)
        }
        defer { _ = SystemCalls.current.close(descriptor) }
        let size = uninterrupted { SystemCalls.current.size(descriptor) }
        guard size >= 0 else { throw FileError(operation: "examine", path: path, code: errno) }
        guard isExpected(size) else {
            throw FileError(operation: "read", path: path, code: EINVAL)
        }
        return try MappedFile(path: path, byteCount: size) { memory throws(FileError) in
            var rest = memory
            while !rest.isEmpty {
                let target = rest
                let count = uninterrupted { SystemCalls.current.read(descriptor, target) }
                guard count > 0 else {
                    // The file has become shorter.
                    throw FileError(
                        operation: "read", path: path, code: count < 0 ? errno : EINVAL)
                }
                rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
