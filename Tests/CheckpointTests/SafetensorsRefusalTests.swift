import Checkpoint
import Tensor
import Testing

/// A safetensors file of this header, followed by bytes 0, 1, 2 and so on.
func safetensors(_ header: String, dataByteCount: Int = 0) -> [UInt8] {
    safetensors(Array(header.utf8), dataByteCount: dataByteCount)
}

func safetensors(_ header: [UInt8], dataByteCount: Int = 0) -> [UInt8] {
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
    return length + header + (0..<dataByteCount).map { UInt8(truncatingIfNeeded: $0) }
}

/// An entry of a safetensors header.
func entry(_ name: String, _ type: String, _ shape: String, _ offsets: String) -> String {
    #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
}

@Suite struct SafetensorsRefusalTests {
    typealias Reason = SafetensorsError.Reason

    /// A file that must be refused for this reason and no other.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let reason: Reason

        init(_ description: String, _ bytes: [UInt8], _ reason: Reason) {
            (testDescription, self.bytes, self.reason) = (description, bytes, reason)
        }

        /// One whose header has these entries.
        init(_ description: String, _ entries: String, data: Int = 0, _ reason: Reason) {
            self.init(description, safetensors("{\(entries)}", dataByteCount: data), reason)
        }
    }

    private static func length(_ value: UInt64, then rest: [UInt8] = []) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) } + rest
    }

    private static let good = entry("a", "F32", "[2]", "[0,8]")

    static let framing: [Refusal] = [
        Refusal("empty", [], .empty),
        Refusal("7 bytes", [2, 0, 0, 0, 0, 0, 0], .truncatedLength(fileByteCount: 7)),
        Refusal("N = 0", length(0, then: [1, 2]), .emptyHeader),
        Refusal(
            "N = 100M + 1", length(100_000_001, then: [0x7B]),
            .headerTooLong(byteCount: 100_000_001)),
        Refusal(
            "N = 100M in a short file", length(100_000_000, then: [0x7B]),
            .headerPastEnd(byteCount: 100_000_000, fileByteCount: 9)),
        Refusal("N = 2^63", length(1 << 63), .headerTooLong(byteCount: 1 << 63)),
        Refusal("N = 2^64 - 1", length(.max), .headerTooLong(byteCount: .max)),
        Refusal(
            "N past the end", length(3, then: [0x7B, 0x7D]),
            .headerPastEnd(byteCount: 3, fileByteCount: 10)),
        Refusal("a byte too many", good, data: 9, .trailingBytes(count: 1)),
        Refusal("data without tensors", "", data: 3, .trailingBytes(count: 3)),
        Refusal("a byte too few", good, data: 7, .truncatedData(missingByteCount: 1)),
    ]

    /// A header that is not JSON, and what the parser says about it.
    struct SyntaxRefusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let header: [UInt8]
        let reason: JSON.SyntaxError.Reason

        init(_ description: String, _ header: [UInt8], _ reason: JSON.SyntaxError.Reason) {
            (testDescription, self.header, self.reason) = (description, header, reason)
        }
    }

    static let syntax: [SyntaxRefusal] = [
        SyntaxRefusal("not UTF-8", [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], .invalidUTF8),
        SyntaxRefusal("BOM", [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], .byteOrderMark),
        SyntaxRefusal("UTF-16", [0x7B, 0x00, 0x7D, 0x00], .wideEncoding),
        SyntaxRefusal("UTF-16 with BOM", [0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00], .wideEncoding),
        SyntaxRefusal("only space", Array("   ".utf8), .empty),
        SyntaxRefusal("two documents", Array("{}{}".utf8), .trailingContent),
        SyntaxRefusal("comment", Array("{/**/}".utf8), .comment),
        SyntaxRefusal("trailing comma", Array("{\"__metadata__\":{},}".utf8), .trailingComma),
        SyntaxRefusal("NUL padding", Array("{}\0\0".utf8), .trailingContent),
        SyntaxRefusal("control character", Array("{\"a\u{1}\":1}".utf8), .controlCharacter(1)),
        SyntaxRefusal("lone surrogate", Array(#"{"\ud800":1}"#.utf8), .loneSurrogate),
        SyntaxRefusal(
            "depth 200", Array((repeatElement("{\"a\":", count: 200).joined() + "1").utf8),
            .tooDeep(limit: 127)
        ),
        SyntaxRefusal(
            "depth 128",
            Array((repeatElement("{\"a\":", count: 127).joined() + "[]").utf8),
            .tooDeep(limit: 127)
        ),
        SyntaxRefusal(
            "depth 10^6", [UInt8](repeating: 0x5B, count: 1_000_000), .tooDeep(limit: 127)),
        SyntaxRefusal(
            "duplicate field",
            Array(#"{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}"#.utf8),
            .duplicateKey("dtype")
        ),
        SyntaxRefusal(
            "duplicate name",
            Array("{\(entry("a", "U8", "[1]", "[0,1]")),\(entry("a", "U8", "[1]", "[1,2]"))}".utf8),
            .duplicateKey("a")
        ),
        SyntaxRefusal(
            "duplicate name, escaped",
            Array(
                "{\(entry("a", "U8", "[1]", "[0,1]")),\(entry("\\u0061", "U8", "[1]", "[1,2]"))}"
                    .utf8),
            .duplicateKey("a")
        ),
        SyntaxRefusal(
            "duplicate name, zero-size",
            Array("{\(entry("a", "U8", "[0]", "[0,0]")),\(entry("a", "U8", "[0]", "[0,0]"))}".utf8),
            .duplicateKey("a")
        ),
        SyntaxRefusal(
            "duplicate metadata", Array(#"{"__metadata__":{},"__metadata__":{}}"#.utf8),
            .duplicateKey("__metadata__")
        ),
        SyntaxRefusal(
            "duplicate metadata key", Array(#"{"__metadata__":{"a":"1","a":"2"}}"#.utf8),
            .duplicateKey("a")
        ),
    ]

    static let entries: [Refusal] = [
        Refusal("array root", safetensors("[]"), .headerNotObject(found: "an array")),
        Refusal("number root", safetensors("1"), .headerNotObject(found: "a number")),
        Refusal("null", "\"a\":null", .entryNotObject(tensor: "a", found: "null")),
        Refusal("array", "\"a\":[]", .entryNotObject(tensor: "a", found: "an array")),
        Refusal(
            "no dtype", #""a":{"shape":[2],"data_offsets":[0,8]}"#, data: 8,
            .missingField(tensor: "a", field: "dtype")),
        Refusal(
            "no shape", #""a":{"dtype":"F32","data_offsets":[0,8]}"#, data: 8,
            .missingField(tensor: "a", field: "shape")),
        Refusal(
            "no data_offsets", #""a":{"dtype":"F32","shape":[2]}"#, data: 8,
            .missingField(tensor: "a", field: "data_offsets")),
        Refusal(
            "dtype 1", #""a":{"dtype":1,"shape":[2],"data_offsets":[0,8]}"#, data: 8,
            .wrongField(tensor: "a", field: "dtype", found: "a number")),
        Refusal(
            "shape 2", entry("a", "F32", "2", "[0,8]"), data: 8,
            .wrongField(tensor: "a", field: "shape", found: "a number")),
        Refusal(
            "offsets null", entry("a", "F32", "[2]", "null"), data: 8,
            .wrongField(tensor: "a", field: "data_offsets", found: "null")),
        Refusal(
            "an entry without names", "\"a\":[\"U8\",[1],[0,1]]", data: 1,
            .entryNotObject(tensor: "a", found: "an array")),
        Refusal(
            "dtype as an object",
            #""a":{"dtype":{"U8":null},"shape":[1],"data_offsets":[0,1]}"#, data: 1,
            .wrongField(tensor: "a", field: "dtype", found: "an object")),
        Refusal(
            "a number beyond float64 in another field",
            #""a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":{"y":[0,-1e999]}}"#, data: 1,
            .numberTooLarge(tensor: "a", field: "x")),
        Refusal(
            "unknown dtype", entry("a", "F128", "[2]", "[0,32]"), data: 32,
            .unknownType(tensor: "a", type: "F128")),
        Refusal(
            "lower-case dtype", entry("a", "f32", "[2]", "[0,8]"), data: 8,
            .unknownType(tensor: "a", type: "f32")),
        Refusal(
            "one offset", entry("a", "F32", "[2]", "[0]"), data: 8,
            .offsetCount(tensor: "a", count: 1)),
        Refusal(
            "three offsets", entry("a", "F32", "[2]", "[0,8,8]"), data: 8,
            .offsetCount(tensor: "a", count: 3)),
        Refusal(
            "reversed offsets", entry("a", "F32", "[2]", "[8,0]"), data: 8,
            .reversedOffsets(tensor: "a", begin: 8, end: 0)),
        Refusal(
            "size mismatch", entry("a", "F32", "[3]", "[0,8]"), data: 8,
            .sizeMismatch(tensor: "a", expected: 12, found: 8)),
        Refusal(
            "odd F4 count", entry("a", "F4", "[3]", "[0,2]"), data: 2,
            .partialByte(tensor: "a", bitCount: 12)),
        Refusal(
            "F6 that fills no bytes", entry("a", "F6_E2M3", "[2]", "[0,2]"), data: 2,
            .partialByte(tensor: "a", bitCount: 12)),
        Refusal(
            "product overflow", entry("a", "U8", "[4294967296,4294967296]", "[0,0]"),
            .elementCountOverflow(tensor: "a")),
        Refusal(
            "bit overflow", entry("a", "F64", "[4611686018427387904]", "[0,0]"),
            .byteCountOverflow(tensor: "a")),
        Refusal(
            "zero beside huge", entry("a", "U8", "[0,4611686018427387904]", "[0,0]"),
            .byteCountOverflow(tensor: "a")),
        Refusal(
            "zero beside huge product", entry("a", "U8", "[4294967296,0,4294967296]", "[0,0]"),
            .elementCountOverflow(tensor: "a")),
        Refusal(
            "rank 65",
            entry("a", "U8", "[\(repeatElement("1", count: 65).joined(separator: ","))]", "[0,1]"),
            data: 1, .rankTooHigh(tensor: "a", rank: 65)),
        Refusal(
            "end near 2^63",
            entry("a", "U8", "[0]", "[9223372036854775807,9223372036854775807]"),
            .invalidOffset(tensor: "a", found: "9223372036854775807")),
        Refusal(
            "metadata number", "\"__metadata__\":{\"a\":1}",
            .metadataNotString(key: "a", found: "a number")),
        Refusal(
            "metadata null value", "\"__metadata__\":{\"a\":null}",
            .metadataNotString(key: "a", found: "null")),
        Refusal(
            "metadata array", "\"__metadata__\":[]", .metadataNotObject(found: "an array")),
        Refusal(
            "metadata is a number", "\"__metadata__\":1", .metadataNotObject(found: "a number")),
    ]

    static let layout: [Refusal] = [
        Refusal(
            "first offset not 0", entry("a", "U8", "[2]", "[1,3]"), data: 3,
            .firstOffsetNotZero(tensor: "a", begin: 1)),
        Refusal(
            "hole", entry("b", "U8", "[2]", "[3,5]") + "," + entry("a", "U8", "[2]", "[0,2]"),
            data: 5, .hole(tensor: "b", expected: 2, begin: 3)),
        Refusal(
            "overlap", entry("a", "U8", "[2]", "[0,2]") + "," + entry("b", "U8", "[2]", "[1,3]"),
            data: 3, .overlap(tensor: "b", other: "a")),
        Refusal(
            "inside another",
            entry("a", "U8", "[4]", "[0,4]") + "," + entry("b", "U8", "[0]", "[2,2]"), data: 4,
            .overlap(tensor: "b", other: "a")),
        Refusal(
            "identical ranges",
            entry("a", "U8", "[2]", "[0,2]") + "," + entry("b", "U8", "[2]", "[0,2]"), data: 2,
            .sharedRange(tensor: "b", other: "a")),
        Refusal(
            "zero-size past the end",
            entry("a", "U8", "[2]", "[0,2]") + "," + entry("b", "U8", "[0]", "[3,3]"), data: 2,
            .emptyTensorPastEnd(tensor: "b", begin: 3)),
        Refusal(
            "the only tensor, zero-size, past the end", entry("b", "U8", "[0]", "[3,3]"),
            .emptyTensorPastEnd(tensor: "b", begin: 3)),
    ]

    @Test(arguments: framing + entries + layout) func refuses(_ refusal: Refusal) throws {
        #expect(try reason(refusal.bytes) == refusal.reason)
    }

    @Test(arguments: syntax)
    func refusesHeader(_ refusal: SyntaxRefusal) throws {
        guard case .malformedHeader(let error) = try reason(safetensors(refusal.header)) else {
            Issue.record("the header is not refused as malformed")
            return
        }
        #expect(error.reason == refusal.reason)
    }

    /// What is neither a size nor an offset.
    static let dimensions = [
        "-1", "-0", "1.0", "1e0", "9223372036854775808", "18446744073709551616", "true", "null",
        "\"1\"", "[1]",
    ]

    @Test(arguments: dimensions)
    func refusesDimension(_ literal: String) throws {
        let found =
            ["true": "a truth value", "null": "null", "\"1\"": "a string", "[1]": "an array"][
                literal] ?? literal
        #expect(
            try reason(safetensors("{\(entry("a", "U8", "[\(literal)]", "[0,1]"))}"))
                == .invalidDimension(tensor: "a", found: found))
        let offsets = safetensors("{\(entry("a", "U8", "[1]", "[0,\(literal)]"))}")
        #expect(try reason(offsets) == .invalidOffset(tensor: "a", found: found))
    }

    @Test func thereAreEnoughCases() {
        let files = Self.framing.count + Self.entries.count + Self.layout.count
        #expect(files + Self.syntax.count + 2 * Self.dimensions.count >= 84)
    }

    /// Every file that ends too early is refused, and none traps.
    @Test func refusesEveryPrefix() throws {
        let bytes = safetensors(
            "{\"__metadata__\":{\"a\":\"b\"},\(Self.good),\(entry("b", "I64", "[1]", "[8,16]"))}",
            dataByteCount: 16)
        #expect(try reason(bytes) == nil)
        for length in bytes.indices { #expect(try reason(Array(bytes[..<length])) != nil) }
    }

    /// No change of one byte of the header traps: the file is refused, or means something else.
    @Test func survivesEveryChangedByte() throws {
        let bytes = safetensors(
            "{\(Self.good),\(entry("b", "BOOL", "[2,3]", "[8,14]"))}", dataByteCount: 14)
        try withTemporaryFolder { folder throws in
            let path = folder + "/model.safetensors"
            for position in 0..<(bytes.count - 14) {
                for change: UInt8 in [0x01, 0x02, 0x10, 0x80] {
                    var damaged = bytes
                    damaged[position] ^= change
                    try write(damaged, to: path)
                    guard let file = try? SafetensorsFile(path: path) else { continue }
                    for name in file.names { _ = try? file.tensor(named: name)?.copied() }
                }
            }
        }
    }

    @Test func namesThePathInItsMessage() throws {
        try withTemporaryFolder { folder throws in
            let path = folder + "/model.safetensors"
            let missing = #expect(throws: SafetensorsError.self) {
                try SafetensorsFile(path: path)
            }
            #expect(missing?.description == "cannot open '\(path)': No such file or directory")
            try write(safetensors("{\"a\":1}"), to: path)
            let malformed = #expect(throws: SafetensorsError.self) {
                try SafetensorsFile(path: path)
            }
            #expect(
                malformed?.description == "'\(path)' is not a valid safetensors file: what stands "
                    + "under 'a' is a number, not an object")
        }
    }

    private func reason(_ bytes: [UInt8]) throws -> Reason? {
        try withTemporaryFolder { folder throws in
            let path = folder + "/model.safetensors"
            try write(bytes, to: path)
            do throws(SafetensorsError) {
                _ = try SafetensorsFile(path: path)
                return nil
            } catch {
                #expect(error.path == path && !error.description.isEmpty)
                return error.reason
            }
        }
    }
}
