@testable import FineTune
import TestSupport
import Testing

/// The real MiniLM gives what Transformers gives, text by text. The numbers of the fixture are
/// PyTorch's float32, which is itself 3e-7 (embeddings) and 2e-6 (logits) away from float64.
@Suite struct MiniLMParityTests {
    @Test(arguments: [("embeddings", 256), ("classification", 128)])
    func tokenizesAsTransformersDoes(_ fixture: String, _ limit: Int) throws {
        let model = try PretrainedModel.text(contentsOf: MiniLM.folder(), maximumLength: limit)
        let rows = try MiniLM.fixture(fixture).rows()
        let texts = try MiniLM.texts()
        #expect(texts.count == 240 && rows.count == 240)
        for (text, row) in zip(texts, rows) {
            #expect(try model.preparation.prepared(text).ids == row, "\(text.prefix(80))")
        }
    }

    /// Without a length given, the folder's `sentence_bert_config.json` says 256.
    @Test func embedsAsTransformersDoes() throws {
        let model = try PretrainedModel.text(contentsOf: MiniLM.folder())
        #expect(model.preparation.maximumLength == 256)
        let embeddings = try model.embed(MiniLM.texts())
        #expect(embeddings.count == 240 && embeddings.allSatisfy { $0.count == 384 })
        let expected = try MiniLM.fixture("embeddings").doubles("embeddings")
        let found = Tensor(embeddings.flatMap { $0 }, shape: [240, 384])
        #expect(mismatch(found, expected, within: Tolerance(absolute: 2e-5)) == nil)
    }

    /// A text's embedding does not depend on what it shares a batch with, up to the rounding of
    /// matrix products of other shapes.
    @Test func embedsATextAloneAsAmongOthers() throws {
        let model = try PretrainedModel.text(contentsOf: MiniLM.folder())
        let texts = Array(try MiniLM.texts().prefix(12))
        let together = try model.embed(texts)
        for (text, row) in zip(texts, together) {
            let alone = try model.embed(text)
            #expect(zip(alone, row).allSatisfy { abs($0 - $1) < 1e-6 })
        }
    }

    @Test func classifiesAsTransformersDoes() throws {
        let fixture = try MiniLM.fixture("classification")
        let model = try MiniLM.classifier(MiniLM.folder(), weights: fixture)
        let logits = try model.outputs(for: MiniLM.texts())
        let found = Tensor(logits.flatMap { $0 }, shape: [240, 6])
        let tolerance = Tolerance(absolute: 1e-4)
        #expect(mismatch(found, try fixture.doubles("logits"), within: tolerance) == nil)
        let predicted = try model.predict(MiniLM.texts())
        for (prediction, row) in zip(predicted, logits) {
            #expect(prediction.label == MiniLM.labels[row.indices.max { row[$0] < row[$1] } ?? 0])
            #expect(abs(prediction.probabilities.reduce(0, +) - 1) < 1e-6)
        }
    }

    /// Every parameter of the backbone is used, and what is left is known.
    @Test func reportsWhatItLoaded() throws {
        let report = try PretrainedModel.text(contentsOf: MiniLM.folder()).loadReport
        #expect(report.loaded.count == 5 + 6 * 16)
        #expect(report.missing.isEmpty)
        #expect(
            Set(report.unused) == [
                "embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias",
            ])
    }
}
