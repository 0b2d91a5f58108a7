/// A pickle that is refused: what in it, and where. Nothing in it was executed.
public struct PickleError: Error, Hashable, CustomStringConvertible {
    /// Where the instruction stands that is refused, in bytes from the beginning of the pickle's
    /// record, or of the file in the layout without records, as `pickletools` counts.
    public let byteOffset: Int
    /// Why.
    public let reason: Reason

    /// The message, with the place.
    public var description: String { "at byte \(byteOffset), \(reason)" }
}

extension PickleError {
    /// Why a pickle is refused. Instructions are called by Python's names.
    public enum Reason: Hashable, Sendable {
        // Instructions

        /// It ends within an instruction, or before `STOP`.
        case truncated
        /// It does not begin with `PROTO`.
        case missingProtocol
        /// It is of another protocol than 2 to 5.
        case unsupportedProtocol(Int)
        /// A byte that is no instruction.
        case unknownOpcode(UInt8)
        /// An instruction that PyTorch does not write.
        case forbiddenOpcode(String)
        /// The name of a function or class that no tensor file needs.
        case forbiddenGlobal(String)
        /// The name of a global is not UTF-8, or longer than 256 bytes.
        case invalidGlobal
        /// A text is not UTF-8.
        case invalidText
        /// A frame ends after the pickle does.
        case frameTooLong
        /// An instruction takes more values than there are.
        case stackUnderflow(opcode: String)
        /// An instruction looks for a mark, and there is none.
        case missingMark(opcode: String)
        /// Nothing was stored under that number.
        case missingMemo(Int)
        /// A key without a value.
        case oddItems(opcode: String)
        /// An instruction got something else than it takes.
        case wrongOperand(opcode: String, expected: String, found: String)
        /// A dictionary's key is neither a string nor an integer.
        case unsupportedKey(found: String)
        /// At the end there is not exactly one value.
        case leftOver(count: Int)
        /// There is more than a file of this size can need.
        case tooManyObjects

        // Calls

        /// A global was called with other arguments than PyTorch gives it.
        case wrongArguments(global: String, problem: String)
        /// A tensor that does not fit its storage, or cannot be.
        case invalidTensor(TensorProblem)
        /// A storage is referred to in another way than PyTorch does.
        case invalidStorage(problem: String)
        /// A storage is said to have two types.
        case storageOfTwoTypes(key: String)
        /// A storage is said to have two sizes.
        case storageOfTwoSizes(key: String)

        // Content

        /// More objects inside one another than ``PyTorchFile/depthLimit``.
        case tooDeep
        /// An object contains itself.
        case containsItself
        /// A dictionary has a key twice.
        case duplicateKey(String)
        /// Two tensors would have the same name.
        case duplicateName(String)
    }

    /// What is wrong with a tensor.
    public enum TensorProblem: Hashable, Sendable {
        /// Its first element lies before its storage.
        case negativeOffset(Int)
        /// A dimension is smaller than 0.
        case negativeSize(Int)
        /// A stride is smaller than 0.
        case negativeStride(Int)
        /// There are not as many strides as dimensions.
        case strideCount(expected: Int, found: Int)
        /// There are more dimensions than ``PyTorchFile/rankLimit``.
        case rankTooHigh(Int)
        /// Its elements, or their bytes, cannot be counted.
        case tooLarge
        /// Its last element lies outside of its storage.
        case pastEnd(storage: String)
        /// It repeats the elements of its storage, and with it all tensors do so to more than
        /// ``PyTorchFile/expansionByteLimit``.
        case expanded(byteCount: Int)
    }
}

extension PickleError.Reason: CustomStringConvertible {
    /// What is wrong, and what to do where that is not plain.
    public var description: String {
        switch self {
        case .wrongArguments(let global, let problem): "'\(global)' is called with \(problem)"
        case .invalidTensor(let problem): "a tensor \(problem)"
        case .invalidStorage(let problem): "a storage is given by \(problem)"
        case .storageOfTwoTypes(let key): "the storage '\(key)' is said to have two types"
        case .storageOfTwoSizes(let key): "the storage '\(key)' is said to have two sizes"
        case .tooDeep:
            "objects lie inside one another deeper than \(PyTorchFile.depthLimit)"
        case .containsItself: "an object contains itself"
        case .duplicateKey(let key): "a dictionary has the key '\(key)' twice"
        case .duplicateName(let name): "two tensors would have the name '\(name)'"
        default: instructionDescription
        }
    }

    private var instructionDescription: String {
        switch self {
        case .truncated: "the pickle is cut off; was its download interrupted?"
        case .missingProtocol: "the pickle does not begin with PROTO"
        case .unsupportedProtocol(let number): "the pickle has the protocol \(number), not 2 to 5"
        case .unknownOpcode(let byte): "the byte 0x\(String(byte, radix: 16)) is no instruction"
        case .forbiddenOpcode(let name):
            "the instruction \(name) is not one that tensors need, and is refused"
        case .forbiddenGlobal(let name):
            "the pickle asks for '\(name)', which is not executed; save only the state dictionary "
                + "(torch.save(model.state_dict(), …)), or convert it to safetensors"
        case .invalidGlobal: "the name of a global is not one"
        case .invalidText: "a text is not UTF-8"
        case .frameTooLong: "FRAME goes past the end of the pickle"
        case .stackUnderflow(let opcode): "\(opcode) takes more values than there are"
        case .missingMark(let opcode): "\(opcode) finds no mark"
        case .missingMemo(let index): "nothing was stored under the number \(index)"
        case .oddItems(let opcode): "\(opcode) has a key without a value"
        case .wrongOperand(let opcode, let expected, let found):
            "\(opcode) takes \(expected), not \(found)"
        case .unsupportedKey(let found):
            "the key of a dictionary is \(found), not a string or an integer"
        case .leftOver(let count): "STOP finds \(count) values instead of one"
        case .tooManyObjects: "the pickle has more objects than a file of its size can need"
        default: ""
        }
    }
}

extension PickleError.TensorProblem: CustomStringConvertible {
    /// What is wrong.
    public var description: String {
        switch self {
        case .negativeOffset(let offset): "begins at \(offset)"
        case .negativeSize(let size): "has the dimension \(size)"
        case .negativeStride(let stride): "has the stride \(stride)"
        case .strideCount(let expected, let found):
            "has \(found) strides for \(expected) dimensions"
        case .rankTooHigh(let rank):
            "has \(rank) dimensions, more than \(PyTorchFile.rankLimit)"
        case .tooLarge: "has more elements than can be counted"
        case .pastEnd(let storage): "reaches past the end of its storage '\(storage)'"
        case .expanded(let count):
            "repeats the elements of its storage to \(count) bytes; all tensors of a file together may "
                + "repeat \(PyTorchFile.expansionByteLimit) bytes"
        }
    }
}
