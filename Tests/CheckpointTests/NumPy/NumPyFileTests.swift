import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// Files that NumPy wrote, see `Fixtures/python-numpy/generate.py`.
@Suite struct NumPyFileTests {
    private static let folder = fixturePath("python-numpy")

    static let cases: [String] =
        (try? FileManager.default.contentsOfDirectory(atPath: folder))?
        .filter { $0.hasSuffix(".npy") || $0.hasSuffix(".npz") }.sorted() ?? []

    @Test func thereAreEnoughCases() { #expect(Self.cases.count >= 45) }

    @Test(arguments: cases) func readsBitExactly(_ name: String) throws {
        let file = try NumPyFile(path: "\(Self.folder)/\(name)")
        let all = try fixture("python-numpy/expected.safetensors")
        let prefix = String(name.dropLast(4)) + ":"
        let expected = all.names.filter { $0.hasPrefix(prefix) }
        #expect(
            Set(file.names.filter { file.dtype(of: $0) != nil }.map { prefix + $0 })
                == Set(expected))
        for key in expected {
            let tensor = try all.required(key)
            let array = String(key.dropFirst(prefix.count))
            let read = try #require(try file.tensor(named: array))
            #expect(read.dtype == tensor.dtype && file.dtype(of: array) == tensor.dtype)
            #expect(read.shape == tensor.shape && file.shape(of: array) == tensor.shape)
            #expect(read.isContiguous)
            #expect(read.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) })
        }
        #expect(try file.tensor(named: "absent") == nil && file.shape(of: "absent") == nil)
    }

    @Test func mapsWhatLiesInTheFileAsInMemory() throws {
        for (name, isMapped) in [
            ("type-f4", true), ("type-bool", true), ("fortran-f4", false), ("big-f4", false),
        ] {
            let file = try NumPyFile(path: "\(Self.folder)/\(name).npy")
            #expect(file.names == [""])
            #expect(try file.tensor(named: "")?.isMapped == isMapped)
        }
    }

    @Test func namesOfAnArchiveAreThoseTheyWereSavedUnder() throws {
        let file = try NumPyFile(path: Self.folder + "/several.npz")
        #expect(file.names == ["a", "b", "c", "ä", "empty", "nested/name"])
        #expect(file.entry(named: "ä")?.isFortranOrder == true)
        #expect(file.entry(named: "b")?.type == "<i8")
        #expect(try NumPyFile(path: Self.folder + "/none.npz").names == [])
    }

    @Test(arguments: [
        ("complex", "<c8"), ("text", "<U3"), ("bytes", "|S3"), ("date", "<M8[D]"),
        ("long", "<f16"),
    ])
    func otherTypesAreRefusedWhenTheyAreAskedFor(_ name: String, _ type: String) throws {
        let file = try NumPyFile(path: "\(Self.folder)/unsupported-\(name).npy")
        let error = #expect(throws: UnsupportedElementType.self) { try file.tensor(named: "") }
        #expect(error?.type == type && file.dtype(of: "") == nil && file.names == [""])
    }
}
