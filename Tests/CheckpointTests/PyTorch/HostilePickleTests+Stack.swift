import Checkpoint

/// Instructions that do not find what they need on the stack or in the memo.
extension HostilePickleTests {
    // MARK: Stack

    private static func underflow(
        _ opcode: String, _ before: [UInt8] = [], at refused: [UInt8]
    ) -> HostilePickle {
        HostilePickle(
            "\(opcode) after \(before.count) bytes", before, at: refused,
            .stackUnderflow(opcode: opcode))
    }

    private static func unmarked(_ opcode: String, at refused: [UInt8]) -> HostilePickle {
        HostilePickle(
            "\(opcode) without a mark", Op.emptyList, at: refused, .missingMark(opcode: opcode))
    }

    private static func operand(
        _ opcode: String, _ before: [UInt8], at refused: [UInt8], _ expected: String,
        _ found: String
    ) -> HostilePickle {
        HostilePickle(
            "\(opcode) of \(found)", before, at: refused,
            .wrongOperand(opcode: opcode, expected: expected, found: found))
    }

    static let stack: [HostilePickle] = [
        underflow("TUPLE1", at: Op.tuple1),
        underflow("TUPLE2", Op.none, at: Op.tuple2),
        underflow("TUPLE3", Op.none + Op.none, at: Op.tuple3),
        underflow("TUPLE1", Op.none + Op.mark, at: Op.tuple1),
        underflow("APPEND", at: Op.append),
        underflow("APPEND", Op.none, at: Op.append),
        underflow("SETITEM", Op.none, at: Op.setItem),
        underflow("SETITEM", Op.none + Op.none, at: Op.setItem),
        underflow("SETITEM", Op.emptyDictionary + Op.mark + Op.text("a"), at: Op.setItem),
        underflow("APPENDS", Op.mark, at: Op.appends),
        underflow("SETITEMS", Op.mark, at: Op.setItems),
        underflow("ADDITEMS", Op.mark, at: Op.addItems),
        underflow("REDUCE", at: Op.reduce),
        underflow("REDUCE", Op.emptyTuple, at: Op.reduce),
        underflow("NEWOBJ", Op.emptyTuple, at: Op.newObject),
        underflow("BUILD", Op.emptyDictionary, at: Op.build),
        underflow("BINPERSID", at: Op.persistentID),
        underflow("BINPUT", at: Op.put(0)),
        underflow("LONG_BINPUT", Op.mark, at: [0x72, 0, 0, 0, 0]),
        underflow("MEMOIZE", at: Op.memoize),
        underflow("STACK_GLOBAL", Op.text("torch"), at: Op.stackGlobal),
        unmarked("TUPLE", at: Op.tuple),
        unmarked("APPENDS", at: Op.appends),
        unmarked("SETITEMS", at: Op.setItems),
        unmarked("ADDITEMS", at: Op.addItems),
        HostilePickle("STOP at once", at: Op.stop, [], .leftOver(count: 0)),
        HostilePickle("two values", Op.none + Op.none, at: Op.stop, [], .leftOver(count: 2)),
        HostilePickle("a mark", Op.mark + Op.none, at: Op.stop, [], .leftOver(count: 2)),
        HostilePickle("only a mark", Op.mark, at: Op.stop, [], .leftOver(count: 1)),
        HostilePickle("dangling memo", at: Op.get(7), .missingMemo(7)),
        HostilePickle(
            "another memo", Op.none + Op.put(1), at: Op.get(0), .missingMemo(0)),
        HostilePickle(
            "memo 2^32 - 1", at: [0x6A, 255, 255, 255, 255], .missingMemo(4_294_967_295)),
        HostilePickle(
            "odd SETITEMS", Op.emptyDictionary + Op.mark + Op.text("a"), at: Op.setItems,
            .oddItems(opcode: "SETITEMS")),
        operand("APPEND", Op.emptyDictionary + Op.none, at: Op.append, "a list", "a dictionary"),
        operand("APPEND", Op.none + Op.none, at: Op.append, "a list", "None"),
        operand("APPENDS", Op.emptyTuple + Op.mark, at: Op.appends, "a list", "a tuple"),
        operand("ADDITEMS", Op.emptyList + Op.mark, at: Op.addItems, "a set", "a list"),
        operand(
            "SETITEM", Op.emptyList + Op.text("a") + Op.none, at: Op.setItem, "a dictionary",
            "a list"),
        operand(
            "SETITEM", Op.integer(1) + Op.text("a") + Op.none, at: Op.setItem, "a dictionary",
            "an integer"),
        operand(
            "SETITEMS", Op.global("torch", "Size") + Op.mark, at: Op.setItems, "a dictionary",
            "a global"),
        operand("REDUCE", Op.none + Op.emptyTuple, at: Op.reduce, "a global", "None"),
        operand("REDUCE", Op.text("os") + Op.emptyTuple, at: Op.reduce, "a global", "a string"),
        operand(
            "REDUCE", Op.global("torch", "Size") + Op.emptyList, at: Op.reduce,
            "a tuple of arguments", "a list"),
        operand(
            "NEWOBJ", Op.global("torch", "Size") + Op.none, at: Op.newObject,
            "a tuple of arguments", "None"),
        operand("BUILD", Op.emptyList + Op.emptyDictionary, at: Op.build, "a dictionary", "a list"),
        operand(
            "BUILD", Op.hooks + Op.emptyTuple, at: Op.build, "a dictionary of attributes",
            "a tuple"),
        operand(
            "STACK_GLOBAL", Op.text("os") + Op.none, at: Op.stackGlobal, "two strings", "None"),
        operand(
            "STACK_GLOBAL", Op.integer(1) + Op.text("os"), at: Op.stackGlobal, "two strings",
            "an integer"),
        HostilePickle(
            "key None", Op.emptyDictionary + Op.none + Op.none, at: Op.setItem,
            .unsupportedKey(found: "None")),
        HostilePickle(
            "key in a tuple", Op.emptyDictionary + Op.mark + Op.emptyTuple + Op.none,
            at: Op.setItems, .unsupportedKey(found: "a tuple")),
        HostilePickle(
            "key of a number", Op.emptyDictionary + Op.number(1) + Op.none, at: Op.setItem,
            .unsupportedKey(found: "a number")),
        HostilePickle(
            "key of 80 bits",
            Op.emptyDictionary + [0x8A, 10] + [UInt8](0..<10) + Op.none, at: Op.setItem,
            .unsupportedKey(found: "an integer")),
    ]
}
