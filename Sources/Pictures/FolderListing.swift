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
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            var status = stat()
            let isFolder =
                lstat("\(path)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            if isFolder { folders.append(name) } else { files.append(name) }
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
