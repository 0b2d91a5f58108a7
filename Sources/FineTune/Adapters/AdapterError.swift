/// An adapter that cannot be put on a model, saved, loaded or combined: what, where, and what to do.
public enum AdapterError: Error, Hashable, CustomStringConvertible {
    /// No linear map of the model is one of those to be adapted.
    case noLayers(String)
    /// The model has no adapter.
    case noAdapter
    /// The adapter is merged into the weights.
    case isMerged
    /// Pretrained weights were trained too, so the adapter does not fit the base as it was.
    case changedBase([String])
    /// The folder lacks tensors that the model needs.
    case missingTensors(String, names: [String])
    /// The folder has tensors that the model has no use for.
    case unexpectedTensors(String, names: [String])
    /// A tensor has another shape than the model's.
    case shapeMismatch(String, name: String, expected: [Int], found: [Int])
    /// A tensor holds no weights.
    case unsuitableType(String, name: String, found: String)
    /// The adapter was trained on other weights.
    case otherBase(String, expected: String, found: String)
    /// The adapter was trained with another tokenizer.
    case otherTokenizer(String, expected: String, found: String)
    /// The head that was given is not the one that was saved with the adapter.
    case otherHead(String)
    /// The folder says nothing about the head, or nothing that can be read.
    case noHead(String, reason: String)
    /// Models that cannot be combined.
    case notCombinable(String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .noLayers(let layers):
            "the model has no linear map to adapt among: \(layers); choose other layers (a pooler "
                + "without pretrained weights trains with the head)"
        case .noAdapter:
            "the model has no adapter; make it with attaching(_:adapter:), or load one"
        case .isMerged:
            "the adapter is merged into the weights; call unmergeAdapter() first"
        case .changedBase(let paths):
            "pretrained weights were trained besides the adapter (\(listed(paths))), so it does "
                + "not fit the base as it was; train with Plan.adapter(), or save the whole model "
                + "with save(to:)"
        case .missingTensors(let path, let names):
            "'\(path)' lacks \(listed(names)); the adapter was made for another model, or its file "
                + "is not complete"
        case .unexpectedTensors(let path, let names):
            "'\(path)' has tensors that the model has no use for: \(listed(names)); the adapter "
                + "was made for another model, or trains more than this library can"
        case .shapeMismatch(let path, let name, let expected, let found):
            "the tensor '\(name)' in '\(path)' has the shape \(found), but the model asks for "
                + "\(expected); the adapter was made for another model or another number of labels"
        case .unsuitableType(let path, let name, let found):
            "the tensor '\(name)' in '\(path)' holds \(found), which are no weights"
        case .otherBase(let path, let expected, let found):
            "the adapter in '\(path)' was trained on a base with the fingerprint \(expected), but "
                + "this one's is \(found); give the base that it was trained on"
        case .otherTokenizer(let path, let expected, let found):
            "the adapter in '\(path)' was trained with tokenizer files with the fingerprint "
                + "\(expected), but the backbone's is \(found); give the base with its own tokenizer"
        case .otherHead(let path):
            "the head that was given has other labels than the one that is saved with the adapter "
                + "in '\(path)'; leave it out, and the saved one is used"
        case .noHead(let path, let reason):
            "'\(path)' does not say what the head is: \(reason); give it as 'head:', with the "
                + "labels in the order of training"
        case .notCombinable(let reason):
            "the models cannot be combined: \(reason)"
        }
    }

    private func listed(_ names: [String]) -> String {
        let shown = names.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
        return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
    }
}
