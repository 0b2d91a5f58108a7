@testable import FineTune
import TestSupport
import Testing

/// An adapter that PEFT has saved, and what PEFT computes with it: see
/// `Fixtures/adapters/generate.py`.
struct AdapterFixture: Sendable, CustomTestStringConvertible {
    let name: String
    let family: String
    let method: Adapter.Method

    var testDescription: String { name }

    static let all = [
        AdapterFixture(name: "lora", family: "bert", method: .lora),
        AdapterFixture(name: "rslora", family: "bert", method: .rsLoRA),
        AdapterFixture(name: "dora", family: "bert", method: .doRA),
        AdapterFixture(name: "dora_rslora", family: "bert", method: .doRA),
        AdapterFixture(name: "all", family: "bert", method: .lora),
        AdapterFixture(name: "pissa", family: "bert", method: .piSSA),
        AdapterFixture(name: "ia3", family: "bert", method: .ia3),
        AdapterFixture(name: "distilbert", family: "distilbert", method: .lora),
        AdapterFixture(name: "roberta", family: "roberta", method: .lora),
    ]

    static func named(_ name: String) -> AdapterFixture {
        all.first { $0.name == name } ?? all[0]
    }

    var path: String { fixturePath("adapters/\(name)") }

    func expected() throws -> SafetensorsFile {
        try SafetensorsFile(path: path + "/expected.safetensors")
    }

    static let head = ClassificationHead(labels: ["negative", "neutral", "positive"])

    func model() throws -> TextClassifier {
        try TextClassifier(adapter: path, on: TinyModel.backbone(family), head: Self.head)
    }
}

extension SafetensorsFile {
    /// The packed tokens of a fixture, one item for each sequence.
    func tokenizedTexts() throws -> [TokenizedText] {
        var types = names.contains("types") ? try integers("types")[...] : []
        return try rows().map { row in
            defer { types = types.dropFirst(row.count) }
            let zeros = [Int32](repeating: 0, count: row.count)
            return TokenizedText(
                ids: row, typeIDs: types.isEmpty ? zeros : Array(types.prefix(row.count)))
        }
    }
}

extension Adapter {
    /// One of each kind, of a size that suits the tiny models.
    static let samples: [Adapter] = [
        .lora(rank: 4, alpha: 8), .rsLoRA(rank: 4, alpha: 4), .doRA(rank: 3, alpha: 6),
        .piSSA(rank: 4), .ia3(),
        .lora(rank: 2, alpha: 4, dropoutRate: 0.1, layers: .allLinear),
    ]
}
