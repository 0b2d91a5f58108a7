public import Tensor

/// A picture that cannot be used: which, why, and what to do.
public struct PictureError: Error, Hashable, CustomStringConvertible {
    /// What is wrong with it.
    public enum Problem: Sendable, Hashable {
        /// The file cannot be read: missing, forbidden, a folder.
        case unreadable(FileError)
        /// There is not a single byte.
        case empty
        /// It is larger than a file may be.
        case tooManyBytes(Int, limit: Int)
        /// It is neither PNG nor JPEG. What it is, as far as its first bytes tell.
        case unknownFormat(String?)
        /// The header asks for more pixels than are allowed: a decompression bomb.
        case tooManyPixels(width: Int, height: Int, limit: Int)
        /// A side is longer than 65,535, the most that a JPEG can have.
        case tooLong(width: Int, height: Int)
        /// The file ends before its picture does.
        case truncated(PictureFormat)
        /// It breaks the rules of its format; in the decoder's words.
        case damaged(PictureFormat, String)
        /// It keeps the rules, but is of a kind that is not read; in the decoder's words.
        case unsupported(PictureFormat, String)
        /// It has inks, whose colours depend on a printer.
        case cmyk
        /// There is not enough memory for its pixels.
        case outOfMemory
    }

    /// What is wrong with it.
    public let problem: Problem
    /// The file; nil for bytes in memory.
    public let path: String?

    /// An error of a picture in a file, or in memory.
    public init(_ problem: Problem, path: String? = nil) {
        (self.problem, self.path) = (problem, path)
    }

    /// Which picture, what is wrong and what to do.
    public var description: String {
        if case .unreadable(let error) = problem { return "\(error)" }
        return (path.map { "the picture '\($0)'" } ?? "the picture") + " \(problem)"
    }
}

extension PictureError.Problem: CustomStringConvertible {
    /// What is wrong and what to do, without the file's name.
    public var description: String {
        switch self {
        case .unreadable(let error): "\(error)"
        case .empty: "is empty; it was perhaps never written to the end"
        case .tooManyBytes(let count, let limit):
            "has \(count) bytes, and \(limit) are allowed; raise PictureReading.maximumBytes if "
                + "that is right"
        case .unknownFormat(let name):
            "is neither PNG nor JPEG" + (name.map { ", but \($0)" } ?? "")
                + "; convert it to one of them"
        case .tooManyPixels(let width, let height, let limit):
            "has \(width) × \(height) pixels, and \(limit) are allowed in all; make it smaller, or "
                + "raise PictureReading.maximumPixels if the memory suffices"
        case .tooLong(let width, let height):
            "has \(width) × \(height) pixels, and a side may have 65535; cut it into parts"
        case .truncated(let format):
            "ends too early for a \(format.name); copy or fetch it again"
        case .damaged(let format, let reason):
            "is damaged: the \(format.name) reader says '\(reason)'; copy or fetch it again"
        case .unsupported(let format, let reason):
            "is a \(format.name) of a kind that is not read: '\(reason)'; convert "
                + "it to one with 8 bits a colour"
        case .cmyk:
            "is in CMYK: what colours its inks have, only its printer knows; convert it to RGB"
        case .outOfMemory: "needs more memory than there is; make it smaller"
        }
    }
}

/// The formats that are read.
public enum PictureFormat: String, Sendable, Hashable, CaseIterable {
    /// Portable Network Graphics (ISO/IEC 15948).
    case png
    /// JPEG in a JFIF or EXIF file (ITU-T T.81).
    case jpeg

    /// As people write it.
    public var name: String { self == .png ? "PNG" : "JPEG" }
}
