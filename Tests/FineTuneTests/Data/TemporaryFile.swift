import Foundation

/// A file of these bytes in the temporary folder, removed when it is no longer held.
final class TemporaryFile {
    let path: String

    init(_ bytes: some Sequence<UInt8>) throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("finetune-\(UUID().uuidString)").path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    convenience init(_ text: String) throws { try self.init(text.utf8) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
