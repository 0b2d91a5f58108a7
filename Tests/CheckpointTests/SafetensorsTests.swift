import Checkpoint
import Tensor
import Testing

@Suite struct SafetensorsTests {
    // MARK: Accepted

    @Test func acceptsScalarsEmptyTensorsAndAnyOrder() throws {
        let header =
            " \t\r\n{\(entry("z", "U8", "[0,3]", "[6,6]")),\(entry("c", "U8", "[2]", "[4,6]")),"
            + "\(entry("s", "F32", "[]", "[0,4]"))}\n "
        try withFile(safetensors(header, dataByteCount: 6)) { file throws in
            #expect(file.names == ["s", "c", "z"])
            #expect(file.shape(of: "s") == [] && file.shape(of: "z") == [0, 3])
            #expect(try file.tensor(named: "c")?.elements(as: UInt8.self) == [4, 5])
            #expect(try file.tensor(named: "z")?.elements(as: UInt8.self) == [])
            #expect(try file.tensor(named: "s")?.rank == 0)
        }
    }

    @Test func acceptsNoTensorsAndNoMetadata() throws {
        for header in ["{}", #"{"__metadata__":null}"#, #"{"__metadata__":{}}"#] {
            try withFile(safetensors(header)) { file throws in
                #expect(file.names.isEmpty && file.metadata.isEmpty)
            }
        }
    }

    @Test func acceptsTheHighestRankAndDepth() throws {
        let ones = repeatElement("1", count: 64).joined(separator: ",")
        let deep = String(repeating: "[", count: 125) + String(repeating: "]", count: 125)
        let header =
            #"{"a":{"dtype":"U8","shape":[\#(ones)],"data_offsets":[0,1],"extra":\#(deep)}}"#
        try withFile(safetensors(header, dataByteCount: 1)) { file throws in
            #expect(try file.tensor(named: "a")?.rank == 64)
        }
    }

    @Test func acceptsUnalignedData() throws {
        // The header's odd length puts the elements on odd addresses.
        let header = "{\(entry("a", "U8", "[1]", "[0,1]")),\(entry("b", "I32", "[2]", "[1,9]"))}"
        for padding in ["", " ", "  ", "   "] {
            try withFile(safetensors(header + padding, dataByteCount: 9)) { file throws in
                #expect(
                    try file.tensor(named: "b")?.elements(as: Int32.self)
                        == [0x0403_0201, 0x0807_0605])
            }
        }
    }

    @Test func acceptsExtraFieldsAndAnyName() throws {
        let names = ["", "../x", "a\\u0000b", "\u{E9}", "e\u{301}"]
        let entries = names.enumerated().map { index, name in
            #""\#(name)":{"extra":[{}],"dtype":"U8","shape":[1],"data_offsets":"#
                + "[\(index),\(index + 1)]}"
        }
        let header = "{\(entries.joined(separator: ","))}"
        try withFile(safetensors(header, dataByteCount: 5)) { file throws in
            let expected = ["", "../x", "a\0b", "\u{E9}", "e\u{301}"]
            #expect(file.names.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
            for (index, name) in expected.enumerated() {
                #expect(
                    try file.tensor(named: name)?.elements(as: UInt8.self) == [UInt8(index)])
            }
            #expect(try file.tensor(named: "absent") == nil && file.shape(of: "absent") == nil)
        }
    }

    @Test(arguments: SafetensorsFile.ElementType.allCases)
    func acceptsEveryType(_ type: SafetensorsFile.ElementType) throws {
        let header = "{\(entry("a", type.rawValue, "[4]", "[0,\(type.bitCount / 2)]"))}"
        try withFile(safetensors(header, dataByteCount: type.bitCount / 2)) { file throws in
            #expect(file.entry(named: "a")?.type == type)
            if let dtype = type.dtype {
                #expect(try file.tensor(named: "a")?.dtype == dtype)
                #expect(SafetensorsFile.ElementType(dtype) == type)
            } else {
                let error = #expect(throws: UnsupportedElementType.self) {
                    try file.tensor(named: "a")
                }
                #expect(error?.type == type.rawValue && file.dtype(of: "a") == nil)
            }
        }
    }

    @Test func truthValuesOtherThanOneAreTrue() throws {
        try withFile(safetensors("{\(entry("a", "BOOL", "[4]", "[0,4]"))}", dataByteCount: 4)) {
            let tensor = try #require(try $0.tensor(named: "a"))
            #expect(tensor.elements(as: Bool.self) == [false, true, true, true])
        }
    }

    // MARK: Written by the Python package

    @Test(arguments: [
        ("U8", 8), ("I8", 8), ("U16", 16), ("I16", 16), ("F16", 16), ("BF16", 16), ("U32", 32),
        ("I32", 32), ("F32", 32), ("U64", 64), ("I64", 64), ("F64", 64),
    ])
    func readsPythonsNumbersBitExactly(_ name: String, _ bitCount: Int) throws {
        let tensor = try #require(try Self.fixture("types").tensor(named: name))
        #expect(tensor.isMapped && tensor.shape == [2, 3, 4])
        let expected = (1...24).flatMap { index in
            withUnsafeBytes(of: Self.pattern(index, bitCount: bitCount).littleEndian) {
                Array($0.prefix(bitCount / 8))
            }
        }
        #expect(tensor.withUnsafeBytes { Array($0) } == expected)
    }

    @Test func readsPythonsTruthValuesShapesAndMetadata() throws {
        let types = try Self.fixture("types")
        #expect(types.names.count == 13)
        #expect(
            try types.tensor(named: "BOOL")?.elements(as: Bool.self)
                == (0..<24).map { $0 % 3 == 0 })
        let shapes = try Self.fixture("shapes")
        #expect(shapes.metadata == ["clé": "ä\n\"q\"", "format": "pt"])
        #expect(try shapes.tensor(named: "scalar")?.scalar == 2.5)
        #expect(shapes.shape(of: "empty") == [0, 7])
        let deep = try #require(try shapes.tensor(named: "deep"))
        #expect(deep.shape == [1, 2, 3, 2, 4])
        #expect(deep.elements(as: Float.self) == (0..<48).map(Float.init))
        #expect(try shapes.tensor(named: "naïve 😀")?.elements(as: Int16.self) == [1, 2, 3])
    }

    @Test func readsBesideTypesItCannotHold() throws {
        let file = try Self.fixture("unsupported")
        #expect(try file.tensor(named: "F32")?.elements(as: Float.self) == [1, 1])
        for name in ["F8_E4M3", "F8_E5M2", "C64"] {
            #expect(throws: UnsupportedElementType.self) { try file.tensor(named: name) }
        }
    }

    @Test func findsEachOfManyTensors() throws {
        let tensors = (0..<5000).map { (name: "layer.\($0).weight", tensor: Tensor(Float($0))) }
        try withTemporaryFolder { folder throws in
            try SafetensorsFile.write(tensors, to: folder + "/model.safetensors")
            let file = try SafetensorsFile(path: folder + "/model.safetensors")
            #expect(file.names.count == 5000)
            #expect(try file.tensor(named: "layer.4321.weight")?.scalar == 4321)
        }
    }

    // MARK: Support

    private func withFile(
        _ bytes: [UInt8], _ body: (SafetensorsFile) throws -> Void
    ) throws {
        try withTemporaryFolder { folder throws in
            try write(bytes, to: folder + "/model.safetensors")
            try body(SafetensorsFile(path: folder + "/model.safetensors"))
        }
    }

    private static func fixture(_ name: String) throws -> SafetensorsFile {
        try SafetensorsFile(
            path: #filePath.dropLast("SafetensorsTests.swift".count)
                + "Fixtures/python-safetensors/\(name).safetensors")
    }

    /// The bits that `generate.py` gives to an element.
    private static func pattern(_ index: Int, bitCount: Int) -> UInt64 {
        (UInt64(index) &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - bitCount)
    }
}
