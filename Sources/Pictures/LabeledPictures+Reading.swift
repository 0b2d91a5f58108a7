public import FineTune
import Synchronization
import Tensor

// A picture that cannot be used is left out by default, and the dataset says so (`leftOut`): of many
// thousand files from anywhere some are damaged, and one that is need not end the work of a night.
extension Dataset where Input == Picture, Target == String {
    /// Reads a folder of folders: the pictures of each class lie in a folder of its name, at any depth.
    ///
    /// Every file is decoded once, so that the dataset holds only what can be learned from; the pixels
    /// are not kept. The order is that of the paths' bytes. Left out without a word are what begins with
    /// a dot, folders that are links, and what lies beside the folders of classes. A link to a file is
    /// the file.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - classes: The folders in it that are classes, all by default.
    ///   - reading: Limits and background.
    ///   - isStrict: Whether a picture that cannot be used is an error. No by default: it is left out,
    ///     see `leftOut`.
    /// - Throws: ``PictureFolderError``; ``PictureError`` of the first such picture if strict.
    public init(
        folder path: String, classes: [String]? = nil, reading: PictureReading = PictureReading(),
        isStrict: Bool = false
    ) throws {
        var files: [PictureEntry] = []
        for label in try classes ?? FolderListing(path).folders {
            files += try FolderListing.files(below: "\(path)/\(label)").map {
                PictureEntry(path: $0, label: label)
            }
        }
        try self.init(files, in: path, reading: reading, isStrict: isStrict)
    }

    /// Reads a table of comma-separated values (RFC 4180), UTF-8, that names files and their classes.
    ///
    /// Every file is decoded once, as by ``init(folder:classes:reading:isStrict:)``.
    ///
    /// - Parameters:
    ///   - path: The table.
    ///   - picture: The column of paths, by name or position. They begin in the table's folder, unless
    ///     they begin with a slash.
    ///   - label: The column of classes, by name or position.
    ///   - separator: What stands between fields.
    ///   - reading: Limits and background.
    ///   - isStrict: Whether a picture that cannot be used is an error.
    /// - Throws: `DataError` for a table that cannot be read, ``PictureFolderError``; ``PictureError`` of
    ///   the first picture that cannot be used if strict.
    public init(
        csv path: String, picture: Column, label: Column, separator: Character = ",",
        reading: PictureReading = PictureReading(), isStrict: Bool = false
    ) throws {
        let table = try LabeledTexts(csv: path, text: picture, label: label, separator: separator)
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        try self.init(
            table.map { row in
                PictureEntry(
                    path: row.input.hasPrefix("/") ? row.input : folder + row.input,
                    label: row.target)
            }, in: path, reading: reading, isStrict: isStrict)
    }

    private init(
        _ entries: [PictureEntry], in place: String, reading: PictureReading, isStrict: Bool
    ) throws {
        let results = Locked([Result<Picture, PictureError>?](repeating: nil, count: entries.count))
        let isOver = Atomic(false)
        parallel(tiles: entries.count) { index in
            guard !isOver.load(ordering: .relaxed) else { return }
            let result = Result { () throws(PictureError) in
                try Picture(checking: entries[index].path, reading: reading)
            }
            if isStrict, case .failure = result { isOver.store(true, ordering: .relaxed) }
            results.withLock { $0[index] = result }
        }
        var examples: [Example<Picture, String>] = []
        var leftOut: [LeftOutExample] = []
        for (entry, result) in zip(entries, results.withLock { $0 }) {
            switch result {
            case .success(let picture):
                examples.append(Example(input: picture, target: entry.label))
            case .failure(let error):
                if isStrict { throw error }
                leftOut.append(LeftOutExample(place: entry.path, reason: "\(error)"))
            case nil: break
            }
        }
        guard !examples.isEmpty else {
            throw PictureFolderError.noPictures(place, leftOut: leftOut)
        }
        self.init(examples, leftOut: leftOut)
    }
}

/// A file that is to be a picture of a class.
private struct PictureEntry: Sendable {
    let path: String
    let label: String
}

/// A folder or table that no pictures come from.
public enum PictureFolderError: Error, Hashable, CustomStringConvertible {
    /// The folder cannot be read.
    case unreadable(FileError)
    /// There is no picture that can be used.
    case noPictures(String, leftOut: [LeftOutExample])

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .unreadable(let error): "\(error)"
        case .noPictures(let path, let leftOut):
            "there is no picture in '\(path)' that can be used; the pictures of a class are to lie in a "
                + "folder of its name" + (leftOut.isEmpty ? "" : "\n" + leftOut.listed)
        }
    }
}
