/// Opens a file of weights: safetensors if its name ends so, else a file of
/// PyTorch, of which the model's part is taken.
///
/// - Parameter path: The file.
/// - Returns: Its tensors, mapped where the format allows it.
/// - Throws: ``PretrainedFolderError`` if it cannot be read.
public func openWeights(_ path: String) throws(PretrainedFolderError) -> any NamedTensors {
    do {
        if path.hasSuffix(".safetensors") { return try SafetensorsFile(path: path) }
        return try PyTorchFile(path: path).modelTensors()
    } catch {
        throw .unreadable("\(error)")
    }
}
