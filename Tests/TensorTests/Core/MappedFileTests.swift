import Foundation
@testable import Tensor
import Testing

/// The limit ends an `open` that waits for ever. It counts from when the tests of all suites begin, which is
/// together; how long an `open` may take is asserted where it matters.
@Suite(.timeLimit(.minutes(30))) final class MappedFileTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "MappedFileTests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    private func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = folder.appending(path: name).path
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    private func floats(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { [UInt8]($0) } }

    @Test func theContentIsMapped() throws {
        let path = try file("three", [1, 2, 3])
        let mapped = try MappedFile(path: path)
        #expect([UInt8](mapped.bytes) == [1, 2, 3] && mapped.path == path)
    }

    @Test func anEmptyFileHasNoBytes() throws {
        let mapped = try MappedFile(path: try file("empty", []))
        #expect(mapped.bytes.isEmpty)
        let tensor = Tensor(mapping: mapped, byteOffset: 0, shape: [0, 4], dtype: .float32)
        #expect(tensor.elements(as: Float.self).isEmpty)
        #expect(tensor.copied().shape == [0, 4])
    }

    @Test func aMissingFileSaysSo() {
        let path = folder.appending(path: "none").path
        let expected = FileError(operation: "open", path: path, code: ENOENT)
        #expect(throws: expected) { try MappedFile(path: path) }
        #expect("\(expected)" == "cannot open '\(path)': No such file or directory")
    }

    @Test func aFolderIsRefused() throws {
        let path = folder.path
        let error = try #require(throws: FileError.self) { try MappedFile(path: path) }
        #expect("\(error)" == "cannot read '\(path)': it is a folder, not a file")
    }

    /// Opening a pipe that nobody writes waits for ever, unless it is opened without waiting.
    @Test func aPipeIsRefusedWithoutWaiting() throws {
        let path = folder.appending(path: "pipe").path
        try #require(mkfifo(path, 0o600) == 0)
        let start = ContinuousClock.now
        let error = try #require(throws: FileError.self) { try MappedFile(path: path) }
        #expect(ContinuousClock.now - start < .seconds(60))
        #expect("\(error)" == "cannot read '\(path)': it is not a regular file")
    }

    @Test func aDeviceIsRefused() throws {
        let error = try #require(throws: FileError.self) { try MappedFile(path: "/dev/zero") }
        #expect("\(error)".contains("not a regular file"))
    }

    @Test func alinkToItselfIsRefused() throws {
        let path = folder.appending(path: "link").path
        try #require(symlink(path, path) == 0)
        #expect(throws: FileError(operation: "open", path: path, code: ELOOP)) {
            try MappedFile(path: path)
        }
    }

    /// The system would read the name only up to the NUL.
    @Test func aNULInTheNameIsRefused() throws {
        let path = try file("short", [1])
        #expect(throws: FileError.self) { try MappedFile(path: path + "\0.safetensors") }
    }

    @Test func anAlignedPartIsViewedWithoutACopy() throws {
        let mapped = try MappedFile(path: try file("floats", floats([1, 2, 3, 4, 5])))
        let tensor = Tensor(mapping: mapped, byteOffset: 4, shape: [2, 2], dtype: .float32)
        #expect(tensor.isMapped)
        #expect(tensor.pointer == mapped.bytes.baseAddress.map { $0 + 4 })
        #expect(tensor.elements() == [Float(2), 3, 4, 5])
        #expect(tensor.transposed().isMapped && tensor[1].elements() == [Float(4), 5])
    }

    @Test(arguments: Tensor.DType.allCases, 1..<8)
    func aMisalignedPartIsCopied(dtype: Tensor.DType, offset: Int) throws {
        let reference = ReferenceArray(shape: [5]) { $0[0] % 2 }
        let content = reference.tensor(dtype).withUnsafeBytes { [UInt8]($0) }
        let path = try file("shifted", [UInt8](repeating: 0xff, count: offset) + content)
        let mapped = try MappedFile(path: path)
        let tensor = Tensor(mapping: mapped, byteOffset: offset, shape: [5], dtype: dtype)
        #expect(tensor.isMapped == (offset % dtype.byteCount == 0))
        #expect(UInt(bitPattern: tensor.pointer) % UInt(dtype.byteCount) == 0)
        #expect(ReferenceArray(tensor) == reference)
    }

    @Test func aMappedTensorIsNeverWritten() throws {
        let path = try file("weights", floats([1, 2, 3]))
        var tensor = Tensor(
            mapping: try MappedFile(path: path), byteOffset: 0, shape: [3], dtype: .float32)
        // The only holder: without the check for the mapping this write would end the process.
        tensor.mutablePointer().assumingMemoryBound(to: Float.self).pointee = 9
        #expect(!tensor.isMapped)
        #expect(tensor.elements() == [Float(9), 2, 3])
        #expect(try [UInt8](Data(contentsOf: URL(filePath: path))) == floats([1, 2, 3]))
    }

    @Test func aTensorKeepsItsFileMapped() throws {
        let path = try file("gone", floats([1, 2, 3]))
        let tensor = Tensor(
            mapping: try MappedFile(path: path), byteOffset: 0, shape: [3], dtype: .float32)[2]
        try FileManager.default.removeItem(atPath: path)
        #expect(tensor.scalar == 3)
    }
}
