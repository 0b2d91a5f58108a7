@testable import FineTune
import Foundation
import TestSupport
import Testing

/// The real all-MiniLM-L6-v2, and what PyTorch computes with it: see `Fixtures/minilm/generate.py`.
enum MiniLM {
    /// `FINETUNE_MINILM`, or where the examples' set-up puts the model.
    static func folder() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        let path =
            environment["FINETUNE_MINILM"]
            ?? (cache ?? NSHomeDirectory() + "/.cache") + "/swift-finetune/all-MiniLM-L6-v2"
        try #require(
            FileManager.default.fileExists(atPath: path + "/model.safetensors"),
            "there is no model in \(path); Tests/run.sh fetches it, or set FINETUNE_MINILM")
        return path
    }

    /// The same model with every dropout off.
    static func folderWithoutDropout() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.configure(
            ["hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0],
            from: self.folder() + "/config.json")
        try folder.link(everythingIn: self.folder())
        return folder
    }

    static func fixture(_ name: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: fixturePath("minilm/\(name).safetensors"))
    }

    static func texts() throws -> [String] {
        let texts = try JSON(contentsOf: fixturePath("minilm/texts.json")).array ?? []
        return texts.compactMap(\.string)
    }

    static let labels = (0..<6).map { "class \($0)" }

    /// The model with the fixture's classifier.
    static func classifier(
        _ folder: String, weights: SafetensorsFile
    ) throws -> TextClassifier {
        let backbone = try PretrainedModel.text(contentsOf: folder, maximumLength: 128)
        let model = try backbone.attaching(ClassificationHead(labels: labels))
        model.network.linear.weight.value = try weights.required("classifier.weight")
        model.network.linear.bias?.value = try weights.required("classifier.bias")
        return model
    }
}

extension SafetensorsFile {
    func required(_ name: String) throws -> Tensor { try #require(try tensor(named: name)) }

    func doubles(_ name: String) throws -> [Double] { TestSupport.doubles(try required(name)) }

    func integers(_ name: String) throws -> [Int32] {
        try required(name).elements(as: Int32.self)
    }

    /// The packed `ids` as one row for each text.
    func rows() throws -> [[Int32]] {
        var ids = try integers("ids")[...]
        return try integers("lengths").map { length in
            defer { ids = ids.dropFirst(Int(length)) }
            return Array(ids.prefix(Int(length)))
        }
    }
}
