import Foundation

/// Calls `body` with the path of a new folder and removes the folder afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("CheckpointTests-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

/// Writes a file for a test to read.
func write(_ bytes: [UInt8], to path: String) throws {
    // Writing over a file makes some file systems wait for the disk, thousands of times in a test.
    unlink(path)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
}
