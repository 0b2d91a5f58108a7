public import Checkpoint
public import Tensor

/// Opens a safetensors file in the `Fixtures` folder of the calling file's test target.
///
/// - Parameters:
///   - name: The path inside `Fixtures`.
///   - file: The calling file.
/// - Returns: The opened file.
/// - Throws: `SafetensorsError` if it is missing or malformed.
public func fixture(
    _ name: String, callingFile file: String = #filePath
) throws -> SafetensorsFile {
    try SafetensorsFile(path: fixturePath(name, callingFile: file))
}

/// A fixture has no tensor of that name.
public struct MissingFixture: Error, CustomStringConvertible {
    /// What is missing where.
    public let description: String
}

extension SafetensorsFile {
    /// The tensor of that name, which must be there.
    ///
    /// - Parameter name: Its name.
    /// - Returns: The tensor.
    /// - Throws: ``MissingFixture`` if there is none.
    public func required(_ name: String) throws -> Tensor {
        guard let tensor = try tensor(named: name) else {
            throw MissingFixture(description: "'\(path)' has no tensor '\(name)'")
        }
        return tensor
    }
}
