public import Tensor

/// A file of PyTorch that cannot be read: which, and why.
public struct PyTorchFileError: Error, Hashable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// Why.
    public let reason: Reason

    /// The message, with the path.
    public var description: String {
        if case .unreadable(let error) = reason { return error.description }
        return "'\(path)' is not a readable file of PyTorch: \(reason)"
    }
}

extension PyTorchFileError {
    /// Why a file is refused.
    public enum Reason: Error, Hashable {
        /// The file could not be opened.
        case unreadable(FileError)

        // Other formats

        /// The file has no byte.
        case empty
        /// The file is compressed with gzip.
        case compressed
        /// The file is a tar archive, PyTorch's layout of before 2017.
        case tarArchive
        /// The file stands for another that Git LFS has not fetched.
        case largeFilePointer
        /// The file is a pickle that PyTorch did not write.
        case barePickle
        /// The file holds a program of TorchScript.
        case torchScript
        /// The file is something else.
        case unknownFormat

        // Layout

        /// The ZIP archive cannot be read.
        case archive(ZipError)
        /// A record does not lie in the folder of the others.
        case outsideFolder(String)
        /// A record is missing.
        case missingRecord(String)
        /// The layout's version is not one that is known.
        case unsupportedVersion
        /// `byteorder` is neither `little` nor `big`.
        case invalidByteOrder
        /// The description of the system that wrote the file is none, or one of big-endian numbers.
        case invalidSystem
        /// The keys of the storages are not a list of texts.
        case invalidStorageKeys
        /// No tensor uses a storage.
        case unusedStorage(key: String)
        /// A storage is in the file twice.
        case storageTwice(key: String)
        /// The file ends within a storage.
        case truncatedStorage(key: String)
        /// A storage takes another number of bytes (in the layout without records, another number of
        /// elements) than the pickle says.
        case storageSize(key: String, expected: Int, found: Int)
        /// More bytes follow the end.
        case trailingBytes(count: Int)

        /// The pickle is refused.
        case pickle(PickleError)
    }
}

extension PyTorchFileError.Reason: CustomStringConvertible {
    /// What is wrong, and what to do where that is not plain.
    public var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .archive(let error): error.description
        case .pickle(let error): "in its pickle, \(error)"
        case .empty: "it is empty; was its download interrupted?"
        case .compressed: "it is compressed with gzip; decompress it first"
        case .tarArchive:
            "it has the layout of before 2017 (tar); load and save it with a newer PyTorch"
        case .largeFilePointer:
            "it only names a file that Git LFS has not fetched; run git lfs pull"
        case .barePickle: "it is a pickle, but not one that torch.save wrote"
        case .torchScript:
            "it holds a program (TorchScript), which is not executed; save the state dictionary "
                + "instead: torch.save(torch.jit.load(…).state_dict(), …)"
        case .unknownFormat: "it begins like no file that torch.save writes"
        default: layoutDescription
        }
    }

    private var layoutDescription: String {
        switch self {
        case .outsideFolder(let name): "its record '\(name)' lies outside of the others' folder"
        case .missingRecord(let name): "its record '\(name)' is missing"
        case .unsupportedVersion: "its layout has a version that is not known"
        case .invalidByteOrder: "'byteorder' is neither 'little' nor 'big'"
        case .invalidSystem: "it was not written by a little-endian system"
        case .invalidStorageKeys: "the keys of its storages are not a list of strings"
        case .unusedStorage(let key): "no tensor uses its storage '\(key)'"
        case .storageTwice(let key): "its storage '\(key)' is there twice"
        case .truncatedStorage(let key):
            "it ends within the storage '\(key)'; was its download interrupted?"
        case .storageSize(let key, let expected, let found):
            "the storage '\(key)' should take \(expected), but takes \(found)"
        case .trailingBytes(let count): "\(count) bytes follow its end"
        default: ""
        }
    }
}
