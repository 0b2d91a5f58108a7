import Checkpoint
import Foundation
import Tensor
import Testing

@Suite struct SafetensorsWritingTests {
    @Test func laysOutByWidthThenName() throws {
        try withTemporaryFolder { folder throws in
            let path = folder + "/model.safetensors"
            try SafetensorsFile.write(
                [
                    ("flag", Tensor(true)), ("b", Tensor([Float(3), 4])),
                    ("half", Tensor([1 as Float]).converted(to: .bfloat16)),
                    ("a", Tensor([Float(1), 2], shape: [2, 1])), ("wide", Tensor([7 as Int64])),
                ], metadata: ["format": "pt"], to: path)
            let header =
                #"{"__metadata__":{"format":"pt"},"#
                + [
                    entry("wide", "I64", "[1]", "[0,8]"), entry("a", "F32", "[2,1]", "[8,16]"),
                    entry("b", "F32", "[2]", "[16,24]"), entry("half", "BF16", "[1]", "[24,26]"),
                    entry("flag", "BOOL", "[]", "[26,27]"),
                ].joined(separator: ",") + "}"
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
            #expect(bytes[0] == UInt8((header.utf8.count + 7) / 8 * 8 & 0xFF))
            #expect(Array(bytes[8...].prefix(header.utf8.count)) == Array(header.utf8))
            let file = try SafetensorsFile(path: path)
            for entry in file.entries {
                #expect(entry.byteRange.lowerBound * 8 % entry.type.bitCount == 0)
            }
            #expect(try file.tensor(named: "a")?.elements(as: Float.self) == [1, 2])
        }
    }

    @Test(arguments: Tensor.DType.allCases) func roundTripsBits(_ dtype: Tensor.DType) throws {
        let bytes = (0..<(24 * dtype.byteCount)).map { index in
            dtype == .bool ? UInt8(index % 2) : UInt8(truncatingIfNeeded: index &* 151)
        }
        let tensor = bytes.withUnsafeBytes {
            Tensor(copying: $0, shape: [2, 3, 4], dtype: dtype)
        }
        let read = try roundTrip([("a", tensor), ("empty", Tensor(zeros: [0, 5], dtype: dtype))])
        let result = try #require(try read.tensor(named: "a"))
        #expect(result.dtype == dtype && result.shape == [2, 3, 4] && result.isMapped)
        #expect(result.withUnsafeBytes { Array($0) } == bytes)
        #expect(read.shape(of: "empty") == [0, 5] && read.dtype(of: "empty") == dtype)
    }

    @Test func writesViewsAsTheyShow() throws {
        let matrix = Tensor((0..<6).map(Float.init), shape: [2, 3])
        let read = try roundTrip([
            ("transposed", matrix.transposed()), ("column", matrix.sliced(1..<2, axis: 1)),
            ("repeated", Tensor([Float(5)]).broadcast(to: [2, 2])),
        ])
        #expect(
            try read.tensor(named: "transposed")?.elements(as: Float.self) == [0, 3, 1, 4, 2, 5])
        #expect(try read.tensor(named: "column")?.elements(as: Float.self) == [1, 4])
        #expect(try read.tensor(named: "repeated")?.elements(as: Float.self) == [5, 5, 5, 5])
    }

    @Test func keepsEveryNameAndText() throws {
        let names = ["", "../x", "a\0b", "\u{E9}", "e\u{301}", "\"\\\n", "😀"]
        let read = try roundTrip(
            names.enumerated().map { ($1, Tensor(Int32($0))) },
            metadata: ["\u{E9}": "1", "e\u{301}": "2", "a": "\u{1}\"\u{7F}"])
        for (index, name) in names.enumerated() {
            #expect(try read.tensor(named: name)?.elements(as: Int32.self) == [Int32(index)])
        }
        #expect(read.metadata == ["\u{E9}": "1", "e\u{301}": "2", "a": "\u{1}\"\u{7F}"])
    }

    /// A mapped tensor can be written over the very file that it is a view of.
    @Test func replacesAFileThatIsMapped() throws {
        try withTemporaryFolder { folder throws in
            let path = folder + "/model.safetensors"
            try SafetensorsFile.write([("a", Tensor([Float(1), 2]))], to: path)
            let old = try #require(try SafetensorsFile(path: path).tensor(named: "a"))
            try SafetensorsFile.write([("b", old)], to: path)
            #expect(old.elements(as: Float.self) == [1, 2])
            let new = try SafetensorsFile(path: path)
            #expect(try new.tensor(named: "b")?.elements(as: Float.self) == [1, 2])
        }
    }

    @Test func refusesWhatTheFormatCannotHold() throws {
        try withTemporaryFolder { folder throws in
            let path = folder + "/model.safetensors"
            func problem(
                _ tensors: [(name: String, tensor: Tensor)], _ metadata: JSON.Object = [:]
            ) -> SafetensorsError.Reason? {
                do throws(SafetensorsError) {
                    try SafetensorsFile.write(tensors, metadata: metadata, to: path)
                    return nil
                } catch {
                    return error.reason
                }
            }
            let one = Tensor(Float(1))
            #expect(
                problem([("a", one), ("a", one)]) == .unsuitableTensors(.duplicateName("a")))
            #expect(problem([("__metadata__", one)]) == .unsuitableTensors(.reservedName))
            #expect(
                problem([], ["a": 1]) == .unsuitableTensors(.metadataNotString(key: "a")))
            let deep = one.reshaped(Tensor.Shape([Int](repeating: 1, count: 65)))
            #expect(
                problem([("a", deep)])
                    == .unsuitableTensors(.rankTooHigh(tensor: "a", rank: 65)))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }

    private func roundTrip(
        _ tensors: [(name: String, tensor: Tensor)], metadata: JSON.Object = [:]
    ) throws -> SafetensorsFile {
        try withTemporaryFolder { folder throws in
            try SafetensorsFile.write(tensors, metadata: metadata, to: folder + "/model")
            return try SafetensorsFile(path: folder + "/model")
        }
    }
}
