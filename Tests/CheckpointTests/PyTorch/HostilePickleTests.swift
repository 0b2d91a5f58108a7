import Checkpoint
import Testing

/// A pickle that must be refused at one of its instructions.
struct HostilePickle: Sendable, CustomTestStringConvertible {
    typealias Reason = PickleError.Reason

    let testDescription: String
    let bytes: [UInt8]
    let byteOffset: Int
    let reason: Reason

    /// - Parameters:
    ///   - description: Its name.
    ///   - before: Instructions that are followed, after `PROTO`.
    ///   - refused: The instruction that is refused.
    ///   - after: The rest.
    ///   - reason: Why.
    init(
        _ description: String, _ before: [UInt8] = [], at refused: [UInt8], _ after: [UInt8],
        _ reason: Reason
    ) {
        testDescription = description
        bytes = Op.proto + before + refused + after
        byteOffset = Op.proto.count + before.count
        self.reason = reason
    }

    /// One that ends after the instruction.
    init(
        _ description: String, _ before: [UInt8] = [], at refused: [UInt8], _ reason: Reason
    ) {
        self.init(description, before, at: refused, Op.stop, reason)
    }
}

@Suite struct HostilePickleTests {
    // MARK: Globals

    /// What attackers, other libraries and PyTorch's own functions are called.
    private static let names = [
        "os system", "os popen", "os execv", "os.path join", "posix system", "nt system",
        "subprocess Popen", "subprocess check_output", "subprocess run", "builtins eval",
        "builtins exec", "builtins compile", "builtins open", "builtins getattr",
        "builtins setattr", "builtins __import__", "builtins print", "builtins map",
        "__builtin__ eval", "__builtin__ set", "__main__ Model", "_pickle loads", "pickle loads",
        "pickle Unpickler", "marshal loads", "types FunctionType", "types CodeType", "sys exit",
        "sys modules", "runpy run_path", "runpy _run_code", "importlib import_module",
        "pty spawn", "socket socket", "shutil rmtree", "tempfile mkstemp", "ctypes CDLL",
        "webbrowser open", "urllib.request urlopen", "http.client HTTPConnection",
        "asyncio run", "code interact", "pdb run", "bdb Bdb", "timeit timeit",
        "cProfile run", "functools partial", "operator attrgetter", "operator methodcaller",
        "itertools chain", "copyreg _reconstructor", "copy_reg _reconstructor",
        "_codecs encode", "codecs decode", "base64 b64decode", "numpy.core.multiarray scalar",
        "numpy.core.multiarray _reconstruct", "numpy dtype", "numpy ndarray",
        "numpy.testing._private.utils runstring", "pip main", "setuptools setup",
        "torch load", "torch save", "torch hub", "torch.hub load", "torch.jit load",
        "torch.serialization load", "torch.storage _load_from_bytes", "torch tensor",
        "torch.utils.cpp_extension load_inline", "torch._utils _rebuild_sparse_tensor",
        "torch._utils _rebuild_qtensor", "torch._utils _rebuild_meta_tensor_no_storage",
        "torch._utils _rebuild_wrapper_subclass", "torch._tensor _rebuild_from_type_v2",
        "torch._utils _rebuild_tensor_v9", "torch._utils _Rebuild_tensor_v2",
        "torch._utils _rebuild_tensor_v2 ", "torch QInt8Storage", "torch TypedStorage",
        "torch floatStorage", "torch Float32", "torch nn", "torch.nn.modules.linear Linear",
        "torch.distributed.rpc rpc_sync", "torch.package PackageImporter",
        "torch.fx.graph_module reduce_graph_module", "torch._inductor.codecache compile_file",
        "collections defaultdict", "collections Counter", "collections namedtuple",
        "collections.OrderedDict __init__", "collections OrderedDıct",
        "transformers.training_args TrainingArguments", "argparse Namespace",
        "pathlib PosixPath", "datetime datetime", "random Random", "yaml unsafe_load",
        "joblib load", "dill loads", "cloudpickle loads", "pandas read_pickle",
    ]

    private static func split(_ name: String) -> (module: String, name: String) {
        let space = name.firstIndex(of: " ") ?? name.endIndex
        return (String(name[..<space]), String(name[space...].dropFirst()))
    }

    static let globals = names.map { text in
        let (module, name) = split(text)
        return HostilePickle(
            "GLOBAL " + text, at: Op.global(module, name),
            Op.text("echo hostile") + Op.tuple1 + Op.reduce + Op.stop,
            .forbiddenGlobal("\(module).\(name)"))
    }

    static let stackGlobals = names.map { text in
        let (module, name) = split(text)
        return HostilePickle(
            "STACK_GLOBAL " + text, Op.text(module) + Op.memoize + Op.text(name),
            at: Op.stackGlobal, Op.emptyTuple + Op.reduce + Op.stop,
            .forbiddenGlobal("\(module).\(name)"))
    }

    private static let system = Op.global("os", "system")
    private static let forbidden = HostilePickle.Reason.forbiddenGlobal("os.system")

    static let hidden: [HostilePickle] = [
        HostilePickle("key", Op.emptyDictionary, at: system, forbidden),
        HostilePickle("value", Op.emptyDictionary + Op.text("a"), at: system, forbidden),
        HostilePickle("in a list of lists", Op.emptyList + Op.emptyList, at: system, forbidden),
        HostilePickle("below a mark", Op.mark + Op.mark, at: system, forbidden),
        HostilePickle(
            "in a reference to a storage", Op.mark + Op.text("storage"), at: system, forbidden),
        HostilePickle(
            "as the hooks of a tensor",
            Op.global("torch._utils", "_rebuild_tensor_v2") + Op.mark + Op.reference(count: 4)
                + Op.persistentID + Op.integer(0) + Op.sizes([2]) + Op.sizes([1]) + Op.no,
            at: system, forbidden),
        HostilePickle(
            "as attributes", Op.hooks + Op.emptyDictionary + Op.text("a"), at: system,
            Op.setItem + Op.build + Op.stop, forbidden),
        HostilePickle(
            "after a complete tensor",
            Op.tensor(Op.reference(count: 4), sizes: [2], strides: [1]) + Op.reduce, at: system,
            forbidden),
        HostilePickle(
            "from the memo",
            Op.text("os") + Op.put(0) + Op.text("system") + Op.put(1)
                + Op.tuple2 + Op.get(0) + Op.get(1), at: Op.stackGlobal, forbidden),
        HostilePickle(
            "split at another dot", at: Op.global("torch", "_utils._rebuild_tensor_v2"),
            .forbiddenGlobal("torch._utils._rebuild_tensor_v2")),
        HostilePickle(
            "attribute of a class", at: Op.global("torch", "Size.__class__"),
            .forbiddenGlobal("torch.Size.__class__")),
        HostilePickle("no module", at: Op.global("", "eval"), .forbiddenGlobal(".eval")),
        HostilePickle("no name", at: Op.global("os", ""), .forbiddenGlobal("os.")),
        HostilePickle(
            "name of 300 bytes", at: Op.global("os", String(repeating: "a", count: 300)),
            .invalidGlobal),
        HostilePickle(
            "module of 300 bytes", at: Op.global(String(repeating: "a", count: 300), "b"),
            .invalidGlobal),
        HostilePickle(
            "name of 300 bytes on the stack",
            Op.text("os") + Op.text(String(repeating: "a", count: 300)), at: Op.stackGlobal,
            .invalidGlobal),
        HostilePickle(
            "name that is not UTF-8", at: [0x63, 0xFF, 0x0A, 0x61, 0x0A], .invalidGlobal),
    ]

    // MARK: Instructions

    private static let opcodes: [(name: String, byte: UInt8)] = [
        ("POP", 0x30), ("POP_MARK", 0x31), ("DUP", 0x32), ("BINBYTES", 0x42),
        ("SHORT_BINBYTES", 0x43), ("FLOAT", 0x46), ("INT", 0x49), ("LONG", 0x4C), ("PERSID", 0x50),
        ("STRING", 0x53), ("BINSTRING", 0x54), ("UNICODE", 0x56), ("DICT", 0x64), ("GET", 0x67),
        ("INST", 0x69), ("LIST", 0x6C), ("OBJ", 0x6F), ("PUT", 0x70), ("EXT1", 0x82),
        ("EXT2", 0x83), ("EXT4", 0x84), ("LONG4", 0x8B), ("BINUNICODE8", 0x8D),
        ("BINBYTES8", 0x8E), ("FROZENSET", 0x91), ("NEWOBJ_EX", 0x92), ("BYTEARRAY8", 0x96),
        ("NEXT_BUFFER", 0x97), ("READONLY_BUFFER", 0x98), ("PROTO", 0x80),
    ]
    private static let unknownBytes: [UInt8] = [
        0x00, 0x01, 0x0A, 0x20, 0x21, 0x40, 0x41, 0x5A, 0x60, 0x7B, 0x7F, 0x99, 0xA0, 0xFF,
    ]

    static let instructions: [HostilePickle] =
        opcodes.map { name, byte in
            HostilePickle(name, Op.none, at: [byte], [0x32, 0x0A, 0x2E], .forbiddenOpcode(name))
        }
        + unknownBytes.map { HostilePickle("byte \($0)", Op.none, at: [$0], .unknownOpcode($0)) }

    static let truncated: [HostilePickle] = [
        HostilePickle("no STOP", Op.none, at: [], [], .truncated),
        HostilePickle("BININT", at: [0x4A, 1, 2, 3], [], .truncated),
        HostilePickle("BININT1", at: [0x4B], [], .truncated),
        HostilePickle("BININT2", at: [0x4D, 1], [], .truncated),
        HostilePickle("LONG1 without a length", at: [0x8A], [], .truncated),
        HostilePickle("LONG1", at: [0x8A, 255, 1], [], .truncated),
        HostilePickle("BINFLOAT", at: [0x47, 1, 2, 3, 4, 5, 6, 7], [], .truncated),
        HostilePickle("BINUNICODE", at: [0x58, 5, 0, 0, 0, 0x61], [], .truncated),
        HostilePickle("BINUNICODE of 4 GB", at: [0x58, 255, 255, 255, 255], .truncated),
        HostilePickle("SHORT_BINUNICODE", at: [0x8C, 2, 0x61], [], .truncated),
        HostilePickle("SHORT_BINSTRING", at: [0x55, 2, 0x61], [], .truncated),
        HostilePickle("BINGET", at: [0x68], [], .truncated),
        HostilePickle("LONG_BINGET", at: [0x6A, 0, 0, 0], [], .truncated),
        HostilePickle("BINPUT", Op.none, at: [0x71], [], .truncated),
        HostilePickle("LONG_BINPUT", Op.none, at: [0x72, 0], [], .truncated),
        HostilePickle("GLOBAL without a line", at: [0x63], [], .truncated),
        HostilePickle("GLOBAL with one line", at: [0x63, 0x61, 0x0A, 0x62], [], .truncated),
        HostilePickle("FRAME", at: [0x95, 0, 0], [], .truncated),
        HostilePickle(
            "FRAME of 2^64 bytes", at: [0x95] + [UInt8](repeating: 255, count: 8), .frameTooLong),
        HostilePickle("FRAME past the end", at: [0x95, 2, 0, 0, 0, 0, 0, 0, 0], .frameTooLong),
        HostilePickle("text", at: [0x58, 2, 0, 0, 0, 0xC3, 0x28], .invalidText),
        HostilePickle("short text", at: [0x8C, 1, 0x80], .invalidText),
        HostilePickle("bytes as text", at: [0x55, 1, 0xFF], .invalidText),
    ]

    // MARK: Bombs

    /// Lists in lists, the innermost first.
    private static func nested(_ count: Int) -> [UInt8] {
        Op.emptyList + (1..<count).flatMap { _ in Op.tuple1 }
    }

    /// Each tuple has the one before it ten times: 10^12 in all.
    private static let bomb =
        Op.mark + Op.emptyList + Op.put(0)
        + (1...12).flatMap { index -> [UInt8] in
            Op.mark + (0..<10).flatMap { _ in Op.get(UInt8(index - 1)) } + Op.tuple
                + Op.put(UInt8(index))
        } + Op.tuple

    @Test func refusesDepth() throws {
        #expect(try pyTorchReason(torchArchive(Op.proto + Self.nested(100) + Op.stop).bytes) == nil)
        for count in [101, 5000, 50_000] {
            // Of the nested tuples, the 101st from outside is the first that is too deep.
            try expect(
                Op.proto + Self.nested(count) + Op.stop, Op.proto.count + count - 101, .tooDeep)
        }
    }

    /// Small files that would fill the memory, or take forever to be looked at.
    @Test func refusesBombs() throws {
        let longKey = Op.text(String(repeating: "k", count: 1_000_000))
        let longNames =
            Op.emptyList + (0..<90).flatMap { _ in Op.put(0) + Op.tuple1 }
            + Op.put(1) + Op.emptyDictionary + longKey + Op.get(1) + Op.setItem + Op.tuple2
        #expect(try failure(Op.proto + longNames + Op.stop)?.0 == .tooManyObjects)
        let values = [
            Self.bomb, Self.nested(1_000_000),
            Op.none + [UInt8](repeating: Op.memoize[0], count: 2_000_000),
        ]
        for value in values {
            #expect(try failure(Op.proto + value + Op.stop)?.0 == .tooManyObjects)
        }
        for repeated in [Op.none, Op.emptyList, Op.mark, Op.emptyTuple, Op.emptyDictionary] {
            let pickle = Op.proto + [UInt8](repeating: repeated[0], count: 3_000_000) + Op.stop
            #expect(try failure(pickle)?.0 == .tooManyObjects)
        }
    }

    /// One at a time into one list: the time must not grow with the square of their number.
    @Test func manyItemsTakeTimeInProportion() throws {
        let pickle =
            Op.proto + Op.emptyList + (0..<150_000).flatMap { _ in Op.none + Op.append } + Op.stop
        #expect(try pyTorchReason(torchArchive(pickle).bytes) == nil)
    }

    static let content: [HostilePickle] = [
        HostilePickle(
            "list in itself", at: Op.emptyList + Op.put(0) + Op.get(0) + Op.append,
            .containsItself),
        HostilePickle(
            "dictionary in itself",
            at: Op.emptyDictionary + Op.put(0) + Op.text("a") + Op.get(0) + Op.setItem,
            .containsItself),
        HostilePickle(
            "list in itself by way of a tuple",
            at: Op.emptyList + Op.put(0) + Op.get(0) + Op.tuple1 + Op.append, .containsItself),
        HostilePickle(
            "duplicate key",
            at: Op.emptyDictionary + Op.text("a") + Op.none + Op.setItem + Op.text("a") + Op.none
                + Op.setItem, .duplicateKey("a")),
        HostilePickle(
            "duplicate integer key",
            at: Op.emptyDictionary + Op.mark + Op.integer(1) + Op.none + Op.integer(1) + Op.none
                + Op.setItems, .duplicateKey("1")),
        HostilePickle(
            "integer and text as key",
            at: Op.emptyDictionary + Op.mark + Op.integer(1) + Op.none + Op.text("1") + Op.none
                + Op.setItems, .duplicateKey("1")),
        HostilePickle(
            "duplicate name",
            Op.emptyDictionary + Op.text("a.b") + tensor + Op.setItem + Op.text("a")
                + Op.emptyDictionary + Op.text("b")
                + Op.tensor(Op.reference(count: 4), sizes: [2], strides: [1]), at: Op.reduce,
            Op.setItem + Op.setItem + Op.stop, .duplicateName("a.b")),
    ]

    // MARK: Tests

    @Test(
        arguments: globals + stackGlobals + hidden + instructions + truncated + stack + content
            + tensors + calls + storages)
    func refuses(_ pickle: HostilePickle) throws {
        try expect(pickle.bytes, pickle.byteOffset, pickle.reason)
    }

    @Test func thereAreEnoughCases() {
        #expect(Self.globals.count + Self.hidden.count + Self.instructions.count >= 150)
    }

    @Test(arguments: [[], [0x2E], [0x80], Op.none + Op.stop, Array("(lp0\n.".utf8)] as [[UInt8]])
    func refusesWhatDoesNotBeginWithAProtocol(_ bytes: [UInt8]) throws {
        let isCutOff = bytes == [0x80]
        try expect(bytes, 0, isCutOff ? .truncated : .missingProtocol)
    }

    @Test(arguments: [0, 1, 6, 255] as [UInt8]) func refusesOtherProtocols(_ number: UInt8) throws {
        try expect([0x80, number] + Op.none + Op.stop, 0, .unsupportedProtocol(Int(number)))
    }

    /// In the layout without records, places are counted from the beginning of the file.
    @Test func countsFromTheFilesBeginning() throws {
        let pickle = Op.proto + Self.system + Op.stop
        let file = torchLegacy(pickle)
        let offset = try #require(
            file.indices.first { file[$0...].starts(with: Self.system) })
        guard case .pickle(let error) = try pyTorchReason(file) else {
            Issue.record("the pickle is not refused")
            return
        }
        #expect(error.byteOffset == offset && error.reason == Self.forbidden)
        let reference = Op.proto + Op.reference(count: 2) + Op.persistentID + Op.stop
        guard case .pickle(let error) = try pyTorchReason(torchLegacy(reference)) else {
            Issue.record("the reference is not refused")
            return
        }
        #expect(error.reason == .invalidStorage(problem: "5 values instead of 6"))
        let view = Array(Op.reference(count: 2).dropLast()) + Op.text("base") + Op.tuple
        guard
            case .pickle(let error) = try pyTorchReason(
                torchLegacy(Op.proto + view + Op.persistentID + Op.stop))
        else {
            Issue.record("the view is not refused")
            return
        }
        #expect(error.reason == .invalidStorage(problem: "the storage that it is a view of"))
    }

    private func expect(
        _ pickle: [UInt8], _ byteOffset: Int, _ reason: PickleError.Reason
    ) throws {
        let found = try failure(pickle)
        #expect(found?.0 == reason && found?.1 == byteOffset, "\(String(describing: found))")
    }

    /// Why and where a pickle is refused, or nil if it is not.
    private func failure(_ pickle: [UInt8]) throws -> (PickleError.Reason, Int)? {
        let numbers = [UInt8](repeating: 0, count: 16)
        let archive = torchArchive(
            pickle, storages: [("0", numbers), ("1", Array(numbers.prefix(4)))])
        guard let reason = try pyTorchReason(archive.bytes) else { return nil }
        guard case .pickle(let error) = reason else {
            Issue.record("refused for another reason: \(reason)")
            return nil
        }
        return (error.reason, error.byteOffset)
    }
}
