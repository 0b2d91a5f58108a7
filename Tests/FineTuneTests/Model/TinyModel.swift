@testable import FineTune
import Foundation
import TestSupport

/// The tiny models that Transformers saved, `Tests/LayersTests/Fixtures/families`, with a vocabulary
/// for them: the ids 5 to 119 are the words `w5` to `w119`.
enum TinyModel {
    static let families = ["bert", "distilbert", "roberta"]

    /// All entries of the three families' `config.json` that are rates of dropout.
    static let withoutDropout: JSON.Object = [
        "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0, "dropout": 0,
        "attention_dropout": 0, "seq_classif_dropout": 0,
    ]

    static func fixture(_ family: String) -> String {
        packageRoot() + "/Tests/LayersTests/Fixtures/families/\(family)"
    }

    /// A folder like a publisher's, with other settings if wanted.
    static func folder(
        _ family: String = "bert", settings: JSON.Object = [:]
    ) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.copy(fixture(family) + "/model.safetensors")
        try folder.configure(settings, from: fixture(family) + "/config.json")
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + (5..<120).map { "w\($0)" }
        try folder.write(words.joined(separator: "\n") + "\n", to: "vocab.txt")
        return folder
    }

    /// The backbone, with the fixture's pooler.
    static func backbone(
        _ family: String = "bert", settings: JSON.Object = [:], maximumLength: Int? = nil
    ) throws -> PretrainedModel<TextPreparation> {
        try PretrainedModel.text(
            contentsOf: folder(family, settings: settings).path, maximumLength: maximumLength)
    }

    /// A classifier of three classes.
    static func classifier(
        _ family: String = "bert", settings: JSON.Object = [:],
        head: ClassificationHead = ClassificationHead(labels: labels), seed: UInt64 = 3
    ) throws -> TextClassifier {
        try backbone(family, settings: settings).attaching(head, seed: seed)
    }

    static let labels = ["a", "b", "c"]

    /// Texts of 2 to 21 words. The first of them depends on the label, so that it can be learned.
    static func examples(_ count: Int, seed: UInt64 = 1) -> LabeledTexts {
        var generator = SplitMix64(seed: seed)
        return LabeledTexts(
            (0..<count).map { index in
                let words = (0...generator.next(below: 20)).map { _ in
                    "w\(20 + generator.next(below: 100))"
                }
                return Example(
                    input: (["w\(10 + index % 3)"] + words).joined(separator: " "),
                    target: labels[index % 3])
            })
    }
}

extension Pooling {
    /// Those that make one vector of a text.
    static let ofTexts = allCases.filter { $0 != .tokens }
}

extension FineTunedModel {
    /// The bits of every weight, by name.
    func weights() -> [String: [Float]] {
        Dictionary(
            uniqueKeysWithValues: parameters.map { ($0.path, $0.value.elements(as: Float.self)) })
    }
}
