import FineTune
import Foundation
import TestSupport
import Testing

/// Spans and their counts against seqeval's: see `Fixtures/spans/generate.py`.
@Suite struct SpanTests {
    struct Case: Decodable {
        let `true`, predicted: [[String]]
        let spans: [[Entity]]
        let accuracy: Double
        let micro, macro, weighted: [Double]
        let kinds: [String: [Double]]

        static func load() throws -> [Case] {
            let url = URL(fileURLWithPath: fixturePath("spans/spans.json"))
            return try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
        }
    }

    /// `[label, first, last]`.
    struct Entity: Decodable {
        let span: TagSpan

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            let label = try container.decode(String.self)
            let first = try container.decode(Int.self)
            span = TagSpan(label: label, words: first..<(try container.decode(Int.self) + 1))
        }
    }

    private func close(_ scores: PrecisionRecallF1, _ expected: [Double]) -> Bool {
        zip([scores.precision, scores.recall, scores.f1], expected).allSatisfy {
            abs($0 - $1) < 1e-12
        }
    }

    @Test(arguments: 0..<6)
    func spansAreThoseOfSeqeval(_ index: Int) throws {
        let fixture = try Case.load()[index]
        for (tags, expected) in zip(fixture.predicted, fixture.spans) {
            #expect(TagScheme.bio.spans(of: tags) == expected.map(\.span), "\(tags)")
        }
    }

    @Test(arguments: 0..<6)
    func countsAreThoseOfSeqeval(_ index: Int) throws {
        let fixture = try Case.load()[index]
        let labels = Set((fixture.true + fixture.predicted).joined()).sorted()
        func numbers(_ texts: [[String]]) -> [[Int]] {
            texts.map { $0.compactMap { labels.firstIndex(of: $0) } }
        }
        let metrics = TokenClassificationMetrics(
            predictions: numbers(fixture.predicted), targets: numbers(fixture.true),
            labels: labels, scheme: .bio)
        #expect(close(metrics.micro, fixture.micro))
        #expect(close(metrics.macro, fixture.macro))
        #expect(close(metrics.weighted, fixture.weighted))
        #expect(abs(metrics.wordAccuracy - fixture.accuracy) < 1e-12)
        #expect(Set(metrics.spans.map(\.label)) == Set(fixture.kinds.keys))
        for kind in metrics.spans {
            let expected = try #require(fixture.kinds[kind.label])
            #expect(close(kind.scores, expected) && kind.targetCount == Int(expected[3]))
        }
    }

    @Test func plainTagsMakeSpansOfWhatIsAlike() {
        let tags = ["Street", "Street", "City", "O", "City", "City"]
        #expect(
            TagScheme.plain().spans(of: tags) == [
                TagSpan(label: "Street", words: 0..<2), TagSpan(label: "City", words: 2..<3),
                TagSpan(label: "O", words: 3..<4), TagSpan(label: "City", words: 4..<6),
            ])
        #expect(
            TagScheme.plain(outside: "O").spans(of: tags).map(\.description)
                == ["Street 0..<2", "City 2..<3", "City 4..<6"])
        #expect(TagScheme.plain().spans(of: []) == [])
        #expect(TagScheme.bio.spans(of: []) == [])
    }

    @Test func metricsReadAsText() {
        let metrics = TokenClassificationMetrics(
            predictions: [[0, 1, 2], [0, 0]], targets: [[0, 1, 2], [0, 1]],
            labels: ["O", "B-PER", "I-PER"], scheme: .bio)
        #expect(metrics.exactAccuracy == 0.5 && metrics.count == 2 && metrics.score == 2.0 / 3)
        #expect(
            metrics.summary
                == "span F1 0.667, word accuracy 0.800, whole texts 0.500, 2 examples")
        #expect(metrics.description.contains("PER"))
        #expect(TokenClassificationMetrics.scoreName == "span F1")
    }
}
