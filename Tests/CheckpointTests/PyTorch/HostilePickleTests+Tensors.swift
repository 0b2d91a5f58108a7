import Checkpoint

/// Tensors that do not lie in their storages, calls with other arguments, and storages that are
/// none.
extension HostilePickleTests {
    // MARK: Tensors

    static let tensor =
        Op.tensor(Op.reference(count: 4), sizes: [2], strides: [1]) + Op.reduce

    private static func invalid(
        _ description: String, offset: Int = 0, _ sizes: [Int], _ strides: [Int],
        count: Int = 4, _ problem: PickleError.TensorProblem
    ) -> HostilePickle {
        HostilePickle(
            description,
            Op.tensor(
                Op.reference(count: count), offset: offset, sizes: sizes, strides: strides),
            at: Op.reduce, .invalidTensor(problem))
    }

    static let tensors: [HostilePickle] = [
        invalid("offset -1", offset: -1, [2], [1], .negativeOffset(-1)),
        invalid("offset -2^63", offset: .min, [2], [1], .negativeOffset(.min)),
        invalid("size -1", [-1], [1], .negativeSize(-1)),
        invalid("size -2^63", [.min], [1], .negativeSize(.min)),
        invalid("stride -1", [2], [-1], .negativeStride(-1)),
        invalid("no stride", [2], [], .strideCount(expected: 1, found: 0)),
        invalid("a stride too many", [], [1], .strideCount(expected: 0, found: 1)),
        invalid(
            "rank 65", [Int](repeating: 1, count: 65), [Int](repeating: 1, count: 65),
            .rankTooHigh(65)),
        invalid("elements that overflow", [1 << 32, 1 << 32], [0, 0], .tooLarge),
        invalid("bytes that overflow", [1 << 61], [0], .tooLarge),
        invalid("zero beside huge", [0, 1 << 62], [1, 1], .tooLarge),
        invalid("one too many", [5], [1], .pastEnd(storage: "0")),
        invalid("one too far", offset: 3, [2], [1], .pastEnd(storage: "0")),
        invalid("scalar past the end", offset: 4, [], [], .pastEnd(storage: "0")),
        invalid("stride too large", [2, 2], [3, 1], .pastEnd(storage: "0")),
        invalid("stride of 2^63 - 1", [2], [.max], .pastEnd(storage: "0")),
        invalid("strides whose sum overflows", [2, 2], [.max, .max], .pastEnd(storage: "0")),
        invalid("offset of 2^63 - 1", offset: .max, [1], [1], .pastEnd(storage: "0")),
        invalid(
            "offset and stride that overflow", offset: .max, [2], [1],
            .pastEnd(storage: "0")),
        invalid("in an empty storage", [1], [1], count: 0, .pastEnd(storage: "0")),
        invalid("a number repeated to 4 GB", [1 << 30], [0], .expanded(byteCount: 1 << 32)),
        invalid(
            "a number repeated to 2^62 bytes", [1 << 30, 1 << 30], [0, 0],
            .expanded(byteCount: 1 << 62)),
        HostilePickle(
            "two tensors that repeat a number to 12 MB each",
            Op.tensor(Op.reference(count: 4), sizes: [3 << 20], strides: [0]) + Op.reduce
                + Op.tensor(Op.reference(count: 4), sizes: [3 << 20], strides: [0]),
            at: Op.reduce, .invalidTensor(.expanded(byteCount: 12 << 20))),
    ]

    private static func rebuild(
        _ description: String, _ name: String, _ arguments: [UInt8], _ problem: String
    ) -> HostilePickle {
        HostilePickle(
            description, Op.global("torch._utils", name) + Op.mark + arguments + Op.tuple,
            at: Op.reduce, .wrongArguments(global: "torch._utils." + name, problem: problem))
    }

    private static let storage = Op.reference(count: 4) + Op.persistentID
    private static let untyped =
        Op.mark + Op.text("storage") + Op.global("torch.storage", "UntypedStorage") + Op.text("1")
        + Op.text("cpu") + Op.integer(4) + Op.tuple + Op.persistentID
    private static let view = Op.integer(0) + Op.sizes([2]) + Op.sizes([1])

    private static func call(
        _ description: String, _ module: String, _ name: String, _ arguments: [UInt8],
        _ problem: String
    ) -> HostilePickle {
        HostilePickle(
            description, Op.global(module, name) + Op.mark + arguments + Op.tuple, at: Op.reduce,
            .wrongArguments(global: "\(module).\(name)", problem: problem))
    }

    static let calls: [HostilePickle] = [
        rebuild("no arguments", "_rebuild_tensor_v2", [], "0 arguments instead of 6 or 7"),
        rebuild(
            "version 1 with hooks", "_rebuild_tensor", storage + view + Op.no + Op.none,
            "6 arguments instead of 4"),
        rebuild(
            "version 3 without a type", "_rebuild_tensor_v3",
            storage + view + Op.no + Op.hooks, "6 arguments instead of 7 or 8"),
        rebuild("no storage", "_rebuild_tensor", Op.none + view, "None in place of the storage"),
        rebuild(
            "tensor as storage", "_rebuild_tensor", tensor + view,
            "a tensor in place of the storage"),
        rebuild(
            "text as offset", "_rebuild_tensor",
            storage + Op.text("0") + Op.sizes([2]) + Op.sizes([1]),
            "a string in place of the offset"),
        rebuild(
            "number as offset", "_rebuild_tensor",
            storage + Op.number(0) + Op.sizes([2]) + Op.sizes([1]),
            "a number in place of the offset"),
        rebuild(
            "text as size", "_rebuild_tensor",
            storage + Op.integer(0) + Op.text("2") + Op.sizes([1]),
            "something else than integers as the size"),
        rebuild(
            "text in the size", "_rebuild_tensor",
            storage + Op.integer(0) + Op.text("2") + Op.tuple1 + Op.sizes([1]),
            "something else than integers as the size"),
        rebuild(
            "wide integer in the size", "_rebuild_tensor",
            storage + Op.integer(0) + [0x8A, 9] + [UInt8](1...9) + Op.tuple1 + Op.sizes([1]),
            "something else than integers as the size"),
        rebuild(
            "truth value in the size", "_rebuild_tensor",
            storage + Op.integer(0) + Op.yes + Op.tuple1 + Op.sizes([1]),
            "something else than integers as the size"),
        rebuild(
            "none as stride", "_rebuild_tensor",
            storage + Op.integer(0) + Op.sizes([2]) + Op.none,
            "something else than integers as the stride"),
        rebuild(
            "bytes without a type", "_rebuild_tensor_v2",
            untyped + view + Op.no + Op.hooks, "a storage without a type"),
        rebuild(
            "text as type", "_rebuild_tensor_v3",
            untyped + view + Op.no + Op.hooks + Op.text("float32"),
            "a string in place of the type"),
        rebuild(
            "storage as type", "_rebuild_tensor_v3",
            untyped + view + Op.no + Op.hooks + Op.global("torch", "FloatStorage"),
            "a global in place of the type"),
        rebuild(
            "parameter of nothing", "_rebuild_parameter", Op.none + Op.yes + Op.hooks,
            "None in place of the tensor"),
        rebuild(
            "parameter of a storage", "_rebuild_parameter", storage + Op.yes + Op.hooks,
            "a storage in place of the tensor"),
        rebuild("parameter alone", "_rebuild_parameter", tensor, "1 arguments instead of 3"),
        rebuild(
            "parameter without its state", "_rebuild_parameter_with_state",
            tensor + Op.yes + Op.hooks, "3 arguments instead of 4"),
        call(
            "parameter of a list", "torch.nn.parameter", "Parameter", Op.emptyList,
            "a list in place of the tensor"),
        call("size of a text", "torch", "Size", Op.text("2"), "something else than integers"),
        call("size of nothing", "torch", "Size", [], "0 arguments instead of 1"),
        call("device 1", "torch", "device", Op.integer(1), "an integer in place of the kind"),
        call(
            "device with a text", "torch", "device", Op.text("cuda") + Op.text("1"),
            "a string in place of the number"),
        call("called type", "torch", "float32", [], "arguments at all"),
        call("called storage", "torch", "FloatStorage", Op.integer(1 << 40), "arguments at all"),
        call(
            "called bytes", "torch.storage", "UntypedStorage", Op.integer(1 << 40),
            "arguments at all"),
        call(
            "dictionary of a text", "collections", "OrderedDict", Op.text("ab"),
            "a string in place of the pairs"),
        call(
            "dictionary of two lists", "collections", "OrderedDict", Op.emptyList + Op.emptyList,
            "2 arguments instead of 0 or 1"),
        call(
            "dictionary of texts", "collections", "OrderedDict", Op.text("ab") + Op.tuple1,
            "something else than pairs"),
        call(
            "dictionary of triples", "collections", "OrderedDict",
            Op.text("a") + Op.none + Op.none + Op.tuple3 + Op.tuple1, "something else than pairs"),
        HostilePickle(
            "dictionary of pairs without a key",
            Op.global("collections", "OrderedDict") + Op.none + Op.none + Op.tuple2 + Op.tuple1
                + Op.tuple1, at: Op.reduce, .unsupportedKey(found: "None")),
    ]

    private static func reference(
        _ description: String, _ items: [UInt8], _ problem: String
    ) -> HostilePickle {
        HostilePickle(
            description, Op.mark + items + Op.tuple, at: Op.persistentID,
            .invalidStorage(problem: problem))
    }

    private static let floats = Op.global("torch", "FloatStorage")

    static let storages: [HostilePickle] = [
        HostilePickle(
            "reference that is a text", Op.text("0"), at: Op.persistentID,
            .invalidStorage(problem: "a string")),
        HostilePickle(
            "reference that is a list", Op.emptyList, at: Op.persistentID,
            .invalidStorage(problem: "a list")),
        reference(
            "four values", Op.text("storage") + floats + Op.text("0") + Op.text("cpu"),
            "4 values instead of 5"),
        reference(
            "six values",
            Op.text("storage") + floats + Op.text("0") + Op.text("cpu") + Op.integer(4) + Op.none,
            "6 values instead of 5"),
        reference(
            "a module",
            Op.text("module") + floats + Op.text("0") + Op.text("cpu") + Op.integer(4),
            "something else than 'storage'"),
        reference(
            "no kind",
            Op.none + floats + Op.text("0") + Op.text("cpu") + Op.integer(4),
            "something else than 'storage'"),
        reference(
            "text as type",
            Op.text("storage") + Op.text("FloatStorage") + Op.text("0") + Op.text("cpu")
                + Op.integer(4), "a string in place of its type"),
        reference(
            "size as type",
            Op.text("storage") + Op.global("torch", "Size") + Op.text("0") + Op.text("cpu")
                + Op.integer(4), "a global in place of its type"),
        reference(
            "integer as key",
            Op.text("storage") + floats + Op.integer(0) + Op.text("cpu") + Op.integer(4),
            "an integer in place of its key"),
        reference(
            "no device",
            Op.text("storage") + floats + Op.text("0") + Op.none + Op.integer(4),
            "None in place of its device"),
        reference(
            "text as size",
            Op.text("storage") + floats + Op.text("0") + Op.text("cpu") + Op.text("4"),
            "a string in place of its size"),
        reference(
            "negative size",
            Op.text("storage") + floats + Op.text("0") + Op.text("cpu") + Op.integer(-1),
            "the size -1"),
        reference(
            "size whose bytes overflow",
            Op.text("storage") + floats + Op.text("0") + Op.text("cpu") + Op.integer(.max),
            "the size 9223372036854775807"),
        HostilePickle(
            "two types", storage + Op.reference("LongStorage", count: 4), at: Op.persistentID,
            .storageOfTwoTypes(key: "0")),
        HostilePickle(
            "two sizes", storage + Op.reference(count: 3), at: Op.persistentID,
            .storageOfTwoSizes(key: "0")),
        HostilePickle(
            "two types of the same bytes",
            typed("float32") + Op.reduce + typed("int32"), at: Op.reduce,
            .storageOfTwoTypes(key: "1")),
        HostilePickle(
            "another type than the storage's",
            Op.global("torch._utils", "_rebuild_tensor_v3") + Op.mark + storage + view + Op.no
                + Op.hooks + Op.global("torch", "int32") + Op.tuple, at: Op.reduce,
            .storageOfTwoTypes(key: "0")),
    ]

    /// A tensor of one element of four bytes.
    private static func typed(_ type: String) -> [UInt8] {
        Op.global("torch._utils", "_rebuild_tensor_v3") + Op.mark + untyped + Op.integer(0)
            + Op.sizes([1]) + Op.sizes([1]) + Op.no + Op.hooks + Op.global("torch", type) + Op.tuple
    }
}
