public import Tensor

/// A file of NumPy that cannot be read: which, and why.
public struct NumPyFileError: Error, Hashable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// The array in it, if it has several.
    public let array: String?
    /// Why.
    public let reason: Reason

    /// The message, with the path.
    public var description: String {
        if case .unreadable(let error) = reason { return error.description }
        let place = array.map { "the array '\($0)' in '\(path)'" } ?? "'\(path)'"
        return "\(place) is not a readable array of NumPy: \(reason)"
    }
}

extension NumPyFileError {
    /// Why a file is refused.
    public enum Reason: Error, Hashable {
        /// The file could not be opened.
        case unreadable(FileError)
        /// The file, or a member of the archive, has no byte.
        case empty
        /// It does not begin as an array of NumPy does.
        case unknownFormat
        /// The ZIP archive of an `.npz` cannot be read.
        case archive(ZipError)
        /// A member of the archive is called otherwise than an array.
        case notAnArray

        // Header

        /// The file ends within the header.
        case truncatedHeader
        /// The format's version is not 1.0, 2.0 or 3.0.
        case unsupportedVersion(major: Int, minor: Int)
        /// The header is longer than ``NumPyFile/headerByteLimit``.
        case headerTooLong(byteCount: Int)
        /// Something else stands in the header at a byte of the array.
        case malformedHeader(byteOffset: Int, expected: String)
        /// The header has a field twice.
        case duplicateField(String)
        /// The header has a field that the format does not.
        case unknownField(String)
        /// The header lacks `descr`, `fortran_order` or `shape`.
        case missingField(String)
        /// The elements are Python objects, which only executing a pickle would make.
        case pythonObjects
        /// The elements are records of several fields.
        case structured
        /// The type of the elements is none of NumPy's.
        case unknownType(String)
        /// There are more dimensions than ``NumPyFile/rankLimit``.
        case rankTooHigh(Int)
        /// A size, the number of elements or of their bytes does not fit in 63 bits.
        case tooLarge

        // Data

        /// The file is shorter than its elements.
        case truncatedData(missingByteCount: Int)
        /// The file is longer than its elements.
        case trailingBytes(count: Int)
    }
}

extension NumPyFileError.Reason: CustomStringConvertible {
    /// What is wrong, and what to do where that is not plain.
    public var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .archive(.compressed(let entry, let method)):
            "\(ZipError.compressed(entry, method: method)): use numpy.savez instead of "
                + "savez_compressed"
        case .archive(let error): error.description
        case .empty: "it is empty; was its download interrupted?"
        case .unknownFormat: "it begins like no file that NumPy writes"
        case .notAnArray: "its name does not end in '.npy'"
        case .truncatedData(let count):
            "\(count) bytes are missing at its end; was its download interrupted?"
        case .trailingBytes(let count): "\(count) bytes follow its end"
        default: headerDescription
        }
    }

    private var headerDescription: String {
        switch self {
        case .truncatedHeader: "it ends within its header; was its download interrupted?"
        case .unsupportedVersion(let major, let minor):
            "its format has the version \(major).\(minor), not 1.0 to 3.0"
        case .headerTooLong(let count):
            "its header claims \(count) bytes, more than \(NumPyFile.headerByteLimit)"
        case .malformedHeader(let offset, let expected):
            "\(expected) should stand at byte \(offset) of its header"
        case .duplicateField(let name): "its header has '\(name)' twice"
        case .unknownField(let name): "its header has the unknown field '\(name)'"
        case .missingField(let name): "its header has no '\(name)'"
        case .pythonObjects:
            "it holds Python objects, which are not executed; save numbers instead"
        case .structured: "it holds records of several fields; save each as an array of its own"
        case .unknownType(let type): "the type '\(type)' of its elements is not one of NumPy's"
        case .rankTooHigh(let rank): "it has \(rank) dimensions, more than \(NumPyFile.rankLimit)"
        case .tooLarge: "it has more elements than can be counted"
        default: ""
        }
    }
}
