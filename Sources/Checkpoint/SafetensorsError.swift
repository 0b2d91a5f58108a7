public import Tensor

/// A safetensors file that cannot be read or written: which, and why.
public struct SafetensorsError: Error, Hashable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// Why.
    public let reason: Reason

    /// The message, with the path.
    public var description: String {
        switch reason {
        case .unreadable(let error), .unwritable(let error): error.description
        case .unsuitableTensors(let problem): "cannot write '\(path)': \(problem)"
        default: "'\(path)' is not a valid safetensors file: \(reason)"
        }
    }
}

extension SafetensorsError {
    /// What is wrong with a file, or with what was to be written into one.
    public enum Reason: Error, Hashable {
        /// The file could not be opened.
        case unreadable(FileError)
        /// The file could not be written.
        case unwritable(FileError)
        /// The tensors to be written break a rule of the format.
        case unsuitableTensors(WritingProblem)

        // Framing

        /// The file has no byte.
        case empty
        /// The file ends within the eight bytes that give the header's length.
        case truncatedLength(fileByteCount: Int)
        /// The header has no byte.
        case emptyHeader
        /// The header is longer than ``SafetensorsFile/headerByteLimit``.
        case headerTooLong(byteCount: UInt64)
        /// The header is longer than the file.
        case headerPastEnd(byteCount: Int, fileByteCount: Int)
        /// The file is longer than the tensors.
        case trailingBytes(count: Int)
        /// The file is shorter than the tensors.
        case truncatedData(missingByteCount: Int)

        // Header

        /// The header is not JSON, or repeats a key.
        case malformedHeader(JSON.SyntaxError)
        /// The header is another JSON value than an object.
        case headerNotObject(found: String)
        /// `__metadata__` is neither an object nor null.
        case metadataNotObject(found: String)
        /// A member of `__metadata__` is no string.
        case metadataNotString(key: String, found: String)

        // Entries

        /// What stands under a tensor's name is no object.
        case entryNotObject(tensor: String, found: String)
        /// `dtype`, `shape` or `data_offsets` is missing.
        case missingField(tensor: String, field: String)
        /// A field of a tensor has a value of the wrong kind.
        case wrongField(tensor: String, field: String, found: String)
        /// A field that the format does not have holds a number that is too large for 64 bits of
        /// floating point.
        case numberTooLarge(tensor: String, field: String)
        /// The element type is not one of the format.
        case unknownType(tensor: String, type: String)
        /// A dimension is not a whole number from 0 to 2⁶³ − 1, spelled without fraction, exponent
        /// or sign.
        case invalidDimension(tensor: String, found: String)
        /// There are more dimensions than ``SafetensorsFile/rankLimit``.
        case rankTooHigh(tensor: String, rank: Int)
        /// There are not two offsets.
        case offsetCount(tensor: String, count: Int)
        /// An offset is not a whole number from 0 to 2⁶³ − 1.
        case invalidOffset(tensor: String, found: String)
        /// The end stands before the beginning.
        case reversedOffsets(tensor: String, begin: Int, end: Int)
        /// The number of elements, leaving dimensions of 0 aside, does not fit in 63 bits.
        case elementCountOverflow(tensor: String)
        /// The number of bits, leaving dimensions of 0 aside, does not fit in 63 bits.
        case byteCountOverflow(tensor: String)
        /// The elements do not fill whole bytes.
        case partialByte(tensor: String, bitCount: Int)
        /// The offsets leave another number of bytes than the shape takes.
        case sizeMismatch(tensor: String, expected: Int, found: Int)

        // Layout

        /// The first tensor does not begin where the header ends.
        case firstOffsetNotZero(tensor: String, begin: Int)
        /// Bytes between two tensors belong to none.
        case hole(tensor: String, expected: Int, begin: Int)
        /// A tensor begins before the one in front of it ends.
        case overlap(tensor: String, other: String)
        /// Two tensors share all of their bytes.
        case sharedRange(tensor: String, other: String)
        /// A tensor without elements lies past the end of the file.
        case emptyTensorPastEnd(tensor: String, begin: Int)
    }

    /// A rule of the format that tensors to be written break.
    public enum WritingProblem: Error, Hashable, CustomStringConvertible {
        /// Two tensors have one name.
        case duplicateName(String)
        /// A tensor is called `__metadata__`.
        case reservedName
        /// A member of the metadata is no string.
        case metadataNotString(key: String)
        /// A tensor has more dimensions than ``SafetensorsFile/rankLimit``.
        case rankTooHigh(tensor: String, rank: Int)
        /// The header would be longer than ``SafetensorsFile/headerByteLimit``.
        case headerTooLong(byteCount: Int)

        /// What is wrong.
        public var description: String {
            switch self {
            case .duplicateName(let name): "two tensors have the name '\(name)'"
            case .reservedName: "'__metadata__' cannot be the name of a tensor"
            case .metadataNotString(let key): "the metadata '\(key)' is no string"
            case .rankTooHigh(let tensor, let rank):
                "the tensor '\(tensor)' has \(rank) dimensions, more than "
                    + "\(SafetensorsFile.rankLimit)"
            case .headerTooLong(let count):
                "the header would have \(count) bytes, more than \(SafetensorsFile.headerByteLimit)"
            }
        }
    }
}

extension SafetensorsError.Reason: CustomStringConvertible {
    /// What is wrong, where.
    public var description: String {
        switch self {
        case .unreadable(let error), .unwritable(let error): error.description
        case .unsuitableTensors(let problem): problem.description
        case .empty, .truncatedLength, .emptyHeader, .headerTooLong, .headerPastEnd,
            .trailingBytes, .truncatedData:
            framingDescription
        case .malformedHeader(let error): "in its header, \(error)"
        case .headerNotObject(let found): "its header is \(found), not an object"
        case .metadataNotObject(let found): "'__metadata__' is \(found), not an object"
        case .metadataNotString(let key, let found):
            "the metadata '\(key)' is \(found), not a string"
        case .firstOffsetNotZero, .hole, .overlap, .sharedRange, .emptyTensorPastEnd:
            layoutDescription
        default: entryDescription
        }
    }

    private var framingDescription: String {
        switch self {
        case .empty: "it is empty; was its download interrupted?"
        case .truncatedLength(let count):
            "it ends after \(count) bytes, within the length of the header"
        case .emptyHeader: "its header is empty"
        case .headerTooLong(let count):
            "its header claims \(count) bytes, more than \(SafetensorsFile.headerByteLimit)"
        case .headerPastEnd(let count, let fileByteCount):
            "its header claims \(count) bytes, but the file has only \(fileByteCount); was its "
                + "download interrupted?"
        case .trailingBytes(let count): "\(count) bytes at its end belong to no tensor"
        case .truncatedData(let count):
            "\(count) bytes are missing at its end; was its download interrupted?"
        default: ""
        }
    }

    private var entryDescription: String {
        switch self {
        case .entryNotObject(let tensor, let found):
            "what stands under '\(tensor)' is \(found), not an object"
        case .missingField(let tensor, let field): "the tensor '\(tensor)' has no '\(field)'"
        case .wrongField(let tensor, let field, let found):
            "the '\(field)' of the tensor '\(tensor)' is \(found)"
        case .numberTooLarge(let tensor, let field):
            "the '\(field)' of the tensor '\(tensor)' holds a number that is too large"
        case .unknownType(let tensor, let type):
            "the tensor '\(tensor)' has the unknown type '\(type)'"
        case .invalidDimension(let tensor, let found):
            "the tensor '\(tensor)' has the dimension \(found), which is no size"
        case .rankTooHigh(let tensor, let rank):
            "the tensor '\(tensor)' has \(rank) dimensions, more than "
                + "\(SafetensorsFile.rankLimit)"
        case .offsetCount(let tensor, let count):
            "the tensor '\(tensor)' has \(count) offsets instead of 2"
        case .invalidOffset(let tensor, let found):
            "the tensor '\(tensor)' has the offset \(found), which is no position"
        case .reversedOffsets(let tensor, let begin, let end):
            "the tensor '\(tensor)' begins at \(begin) and ends at \(end)"
        case .elementCountOverflow(let tensor):
            "the tensor '\(tensor)' has more elements than can be counted"
        case .byteCountOverflow(let tensor):
            "the tensor '\(tensor)' has more bytes than can be counted"
        case .partialByte(let tensor, let count):
            "the tensor '\(tensor)' has \(count) bits, which are no whole bytes"
        case .sizeMismatch(let tensor, let expected, let found):
            "the tensor '\(tensor)' takes \(expected) bytes by its shape, but \(found) by its "
                + "offsets"
        default: ""
        }
    }

    private var layoutDescription: String {
        switch self {
        case .firstOffsetNotZero(let tensor, let begin):
            "the first tensor '\(tensor)' begins at \(begin) instead of 0"
        case .hole(let tensor, let expected, let begin):
            "the tensor '\(tensor)' begins at \(begin), but the one before it ends at \(expected)"
        case .overlap(let tensor, let other): "the tensors '\(other)' and '\(tensor)' overlap"
        case .sharedRange(let tensor, let other):
            "the tensors '\(other)' and '\(tensor)' lie in the same bytes"
        case .emptyTensorPastEnd(let tensor, let begin):
            "the empty tensor '\(tensor)' lies at \(begin), past the end of the file"
        default: ""
        }
    }
}
