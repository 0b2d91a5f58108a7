import FineTune
import Foundation
import Tensor

/// A new folder, removed when the process ends: a path that was taken from it stays good.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("finetune-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        madeFolders.withLock { $0.append(path) }
        _ = removal
    }

    /// Writes a file of the folder.
    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    /// Copies a file into the folder under its own name.
    func copy(_ file: String) throws {
        let name = URL(fileURLWithPath: file).lastPathComponent
        try FileManager.default.copyItem(atPath: file, toPath: "\(path)/\(name)")
    }

    /// Links every file of another folder but those that are there already.
    func link(everythingIn other: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: other)
        where !FileManager.default.fileExists(atPath: "\(path)/\(name)") {
            try FileManager.default.createSymbolicLink(
                atPath: "\(path)/\(name)", withDestinationPath: "\(other)/\(name)")
        }
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }

    /// Changes settings of the folder's `config.json`; null removes one.
    func configure(_ settings: JSON.Object, from file: String? = nil) throws {
        let content = try JSON(contentsOf: file ?? "\(path)/config.json")
        var object = JSON.Object()
        for (key, value) in content.object ?? [:] where settings[key] == nil {
            object[key] = value
        }
        for (key, value) in settings where !value.isNull { object[key] = value }
        try write(JSON.object(object).serialized(), to: "config.json")
    }
}

private let madeFolders = Locked<[String]>([])

private let removal: Void = {
    atexit {
        for path in madeFolders.withLock({ $0 }) {
            try? FileManager.default.removeItem(atPath: path)
        }
    }
}()
