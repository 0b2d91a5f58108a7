import Checkpoint
import Layers

/// What an adapter's file says beyond PEFT's format, in a text of its metadata, so that it cannot be
/// parted from the tensors: the head and what the adapter was trained on.
struct AdapterRecord {
    /// The key of the metadata.
    static let key = "swift_finetune"

    /// The head's entries, as in `config.json`.
    let head: JSON
    let pooling: Pooling
    /// All of it: among others the settings of the preparation.
    let json: JSON
    /// Of the weights that the adapter was trained on.
    let base: String
    /// Of the tokenizer's files.
    let tokenizer: String

    /// The record of a model that is saved.
    static func text<P: Preparation, H: Head>(
        of model: FineTunedModel<P, H>, base: Fingerprint
    ) -> String {
        var object: JSON.Object = [
            "version": 1, "pooling": JSON(model.pooling.rawValue), "head": model.headDescription,
            "base": JSON(base.description),
            "tokenizer": JSON(model.preparation.fingerprint.description),
        ]
        for (key, value) in model.preparation.configuration { object[key] = value }
        return JSON.object(object).serialized()
    }

    /// The record of a folder; nil if PEFT has written it, which keeps none.
    ///
    /// - Throws: ``AdapterError/noHead(_:reason:)`` if there is one that cannot be read.
    init?(_ folder: AdapterFolder) throws(AdapterError) {
        guard let text = folder.tensors.metadata[Self.key]?.string else { return nil }
        func unusable(_ reason: String) -> AdapterError {
            .noHead(folder.tensors.path, reason: "the text '\(Self.key)' of its metadata \(reason)")
        }
        let json: JSON
        do {
            json = try JSON(parsing: text)
        } catch {
            throw unusable("is not JSON: \(error)")
        }
        guard json["version"]?.int == 1 else {
            throw unusable("has the version \(json["version"]?.serialized() ?? "none"), not 1")
        }
        guard let head = json["head"], head.object != nil,
            let pooling = json["pooling"]?.string.flatMap(Pooling.init(rawValue:)),
            let base = json["base"]?.string, let tokenizer = json["tokenizer"]?.string
        else { throw unusable("lacks the head, the pooling or a fingerprint") }
        (self.head, self.pooling, self.base, self.tokenizer) = (head, pooling, base, tokenizer)
        self.json = json
    }
}

extension FineTunedModel {
    /// The head's entries of `config.json`.
    var headDescription: JSON { .object(JSON.Object(head.configuration.map { ($0.0, $0.1) })) }
}
