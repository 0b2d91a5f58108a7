import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What lies in a folder, in the order of the names' bytes. What begins with a dot does not count.
struct FolderListing {
    /// The names of folders that are no links.
    private(set) var folders: [String] = []
    /// The names of everything else, also of pipes and links that lead nowhere: whoever reads them finds
    /// out.
    private(set) var files: [String] = []

    /// Reads a folder.
    ///
    /// - Throws: ``PictureFolderError``.
    init(_ path: String) throws(PictureFolderError) {
        guard !path.utf8.contains(0), let folder = opendir(path) else {
            throw .unreadable(
                FileError(
                    operation: "read the folder", path: path,
                    code: path.utf8.contains(0) ? ENOENT : errno))
        }
        defer { closedir(folder) }
        func next() -> UnsafeMutablePointer<dirent>? {
            errno = 0
            return readdir(folder)
        }
        while let entry = next() {
            let (name, isFolder) = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                let end = bytes.firstIndex(of: 0) ?? bytes.count
                let name = bytes[..<end].map { CChar(bitPattern: $0) } + [0]
                var status = stat()
                let isFolder =
                    fstatat(dirfd(folder), name, &status, AT_SYMLINK_NOFOLLOW) == 0
                    && status.st_mode & S_IFMT == S_IFDIR
                return (Array(bytes[..<end]), isFolder)
            }
            guard name.first != UInt8(ascii: ".") else { continue }
            let text = String(decoding: name, as: UTF8.self)
            // A file by a repaired name is missed when it is read; a folder would be missed by nobody.
            guard !isFolder || text.utf8.elementsEqual(name) else {
                throw .unreadable(
                    FileError(
                        operation: "read the folder", path: "\(path)/\(text)",
                        reason: "its name is not UTF-8; rename it"))
            }
            if isFolder { folders.append(text) } else { files.append(text) }
        }
        guard errno == 0 else {
            throw .unreadable(FileError(operation: "read the folder", path: path, code: errno))
        }
        folders.sort(by: Self.precedes)
        files.sort(by: Self.precedes)
    }

    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// The paths of all files below a folder. Links to folders are not followed, so that none is met
    /// twice.
    ///
    /// - Throws: ``PictureFolderError``.
    static func files(below path: String) throws(PictureFolderError) -> [String] {
        var (found, waiting) = ([String](), [path])
        while let folder = waiting.popLast() {
            let listing = try FolderListing(folder)
            found += listing.files.map { "\(folder)/\($0)" }
            waiting += listing.folders.map { "\(folder)/\($0)" }
        }
        return found.sorted(by: precedes)
    }
}
