/// An adapter's folder in the layout of PEFT 0.21: `adapter_config.json` and
/// `adapter_model.safetensors`.
public struct AdapterFolder: Sendable {
    /// The settings' file.
    public static let settingsName = "adapter_config.json"
    /// The tensors' file.
    public static let tensorsName = "adapter_model.safetensors"
    /// What PEFT puts before the names of the model that is adapted.
    public static let prefix = "base_model.model."

    /// The folder.
    public let path: String
    /// What the adapter is.
    public let settings: PEFTSettings
    /// Its tensors, mapped.
    public let tensors: SafetensorsFile

    /// Opens a folder: reads its settings and maps its tensors.
    ///
    /// - Throws: ``AdapterFolderError`` if a part is missing, unreadable or asks for something that
    ///   this library does not compute.
    public init(path: String) throws(AdapterFolderError) {
        self.path = path
        guard PretrainedFolder.kind(of: path) == .folder else { throw .missingFolder(path) }
        for name in [Self.settingsName, Self.tensorsName]
        where PretrainedFolder.kind(of: "\(path)/\(name)") != .file {
            let others = ["adapter_model.bin", "config.json", "model.safetensors"]
            throw .missingFile(
                path, name: name,
                found: others.filter { PretrainedFolder.kind(of: "\(path)/\($0)") == .file })
        }
        let json: JSON
        do {
            json = try JSON(contentsOf: "\(path)/\(Self.settingsName)")
            tensors = try SafetensorsFile(path: "\(path)/\(Self.tensorsName)")
            // See `PretrainedFolder`.
            guard try JSON(contentsOf: "\(path)/\(Self.settingsName)") == json else {
                throw PretrainedFolder.changed(path)
            }
        } catch {
            throw .unreadable("\(error)")
        }
        settings = try PEFTSettings(json, path: "\(path)/\(Self.settingsName)")
    }
}

/// An adapter's folder that cannot be used: what is wrong and what to do.
public enum AdapterFolderError: Error, Hashable, CustomStringConvertible {
    /// There is no folder at the path.
    case missingFolder(String)
    /// The folder lacks one of the two files; these others lie there.
    case missingFile(String, name: String, found: [String])
    /// A file cannot be read or is malformed.
    case unreadable(String)
    /// The adapter is of a kind that this library does not know.
    case unsupportedMethod(String, found: String)
    /// A setting is missing, impossible, or asks for something that this library does not compute.
    case unusableSetting(String, key: String, expected: String, found: String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .missingFolder(let path):
            "there is no folder '\(path)'; give the folder that holds the adapter's "
                + AdapterFolder.settingsName
        case .missingFile(let path, let name, let found):
            "the folder '\(path)' has no \(name)"
                + (found.isEmpty
                    ? ""
                    : "; it has \(found.joined(separator: ", ")), which is no adapter in "
                        + "safetensors: save it again from PEFT, or load a whole model as one")
        case .unreadable(let reason): reason
        case .unsupportedMethod(let path, let found):
            "'\(path)' describes an adapter of the type \(found); supported are LORA (with rsLoRA, "
                + "DoRA and PiSSA) and IA3"
        case .unusableSetting(let path, let key, let expected, let found):
            "'\(path)' should have \(expected) as '\(key)', but has \(found)"
        }
    }
}
