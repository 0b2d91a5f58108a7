import FineTune
import Testing

/// Against scikit-learn and SciPy. Both sides compute in float64 and differ in the order of sums
/// only, hence 1e-12.
@Suite struct MetricsParityTests {
    private let fixture: MetricsFixture

    init() throws { fixture = try MetricsFixture.load() }

    private func isClose(_ scores: PrecisionRecallF1, _ expected: [Double]) -> Bool {
        zip([scores.precision, scores.recall, scores.f1], expected).allSatisfy {
            abs($0 - $1) < 1e-12
        }
    }

    @Test func classificationAgrees() {
        #expect(fixture.classification.count == 51)
        for example in fixture.classification {
            let metrics = ClassificationMetrics(
                predictions: example.predictions, targets: example.targets,
                labels: (0..<example.classes).map { "class \($0)" })
            let name = Comment(rawValue: example.name)
            #expect(metrics.confusionMatrix == example.confusion, name)
            #expect(metrics.count == example.targets.count, name)
            #expect(abs(metrics.accuracy - example.accuracy) < 1e-12, name)
            #expect(abs(metrics.matthewsCorrelation - example.matthews) < 1e-12, name)
            #expect(isClose(metrics.micro, example.micro), name)
            #expect(isClose(metrics.macro, example.macro), name)
            #expect(isClose(metrics.weighted, example.weighted), name)
            #expect(metrics.classes.map(\.targetCount) == example.support, name)
            for (scores, expected) in zip(metrics.classes, example.perClass) {
                #expect(isClose(scores.scores, expected), name)
            }
            #expect(!metrics.description.isEmpty)
        }
    }

    @Test func multiLabelAgrees() {
        #expect(fixture.multiLabel.count == 27)
        for example in fixture.multiLabel {
            let metrics = MultiLabelMetrics(
                predictions: example.predictions.map { $0.map { $0 == 1 } },
                targets: example.targets.map { $0.map { $0 == 1 } },
                labels: example.support.indices.map { "label \($0)" })
            let name = Comment(rawValue: example.name)
            #expect(abs(metrics.subsetAccuracy - example.subset) < 1e-12, name)
            #expect(isClose(metrics.micro, example.micro), name)
            #expect(isClose(metrics.macro, example.macro), name)
            #expect(isClose(metrics.weighted, example.weighted), name)
            #expect(metrics.classes.map(\.targetCount) == example.support, name)
            for (scores, expected) in zip(metrics.classes, example.perClass) {
                #expect(isClose(scores.scores, expected), name)
            }
        }
    }

    @Test func regressionAgrees() {
        #expect(fixture.regression.count == 49)
        for example in fixture.regression {
            let metrics = RegressionMetrics(
                predictions: example.predictions, targets: example.targets)
            let name = Comment(rawValue: example.name)
            func isClose(_ value: Double, _ expected: Double) -> Bool {
                abs(value - expected) <= 1e-12 * max(1, abs(expected))
            }
            #expect(isClose(metrics.meanSquaredError, example.mse), name)
            #expect(isClose(metrics.meanAbsoluteError, example.mae), name)
            if let expected = example.r2 { #expect(isClose(metrics.rSquared, expected), name) }
            // Correlations at an offset of 1e6 lose six digits on both sides.
            let tolerance = example.name == "a large offset" ? 1e-9 : 1e-12
            #expect(abs(metrics.pearsonCorrelation - example.pearson) < tolerance, name)
            #expect(abs(metrics.spearmanCorrelation - example.spearman) < 1e-12, name)
        }
    }
}

@Suite struct MetricsEdgeTests {
    @Test func noExampleScoresZero() {
        let metrics = ClassificationMetrics(predictions: [], targets: [], labels: ["a", "b"])
        #expect(metrics.accuracy == 0 && metrics.macroF1 == 0 && metrics.matthewsCorrelation == 0)
        #expect(metrics.summary.hasSuffix("0 examples"))
        let none = ClassificationMetrics(predictions: [], targets: [], labels: [])
        #expect(none.macroF1 == 0 && !none.description.isEmpty)
        let regression = RegressionMetrics(predictions: [], targets: [])
        #expect(regression.meanSquaredError == 0 && regression.rSquared == 0)
        #expect(regression.pearsonCorrelation == 0 && regression.spearmanCorrelation == 0)
        let several = MultiLabelMetrics(predictions: [], targets: [], labels: ["a"])
        #expect(several.subsetAccuracy == 0 && several.microF1 == 0)
    }

    /// What is kept grows with the examples: the matrix of so many classes would take 320 GB.
    @Test func manyClassesTakeLittleMemory() {
        let labels = (0..<200_000).map(String.init)
        let metrics = ClassificationMetrics(
            predictions: [1, 7, 7, 199_999], targets: [1, 7, 5, 0], labels: labels)
        #expect(metrics.accuracy == 0.5 && metrics.count == 4)
        #expect(metrics.classes[7].scores.precision == 0.5 && metrics.classes[7].targetCount == 1)
        let macroF1: Double = (1 + 2.0 / 3) / 5
        #expect(metrics.macroF1 == macroF1)
        // The order of the examples is nothing that is kept.
        let turned = ClassificationMetrics(
            predictions: [199_999, 7, 7, 1], targets: [0, 5, 7, 1], labels: labels)
        #expect(turned == metrics)
    }

    @Test func whatIsNotANumberStaysSo() {
        let metrics = RegressionMetrics(predictions: [1, .nan, 3], targets: [1, 2, 4])
        #expect(metrics.meanSquaredError.isNaN && metrics.rSquared.isNaN)
        #expect(metrics.pearsonCorrelation.isNaN && metrics.spearmanCorrelation.isNaN)
        #expect(metrics.description.contains("nan"))
        let constant = RegressionMetrics(predictions: [.nan, 1], targets: [2, 2])
        #expect(constant.rSquared.isNaN)
    }

    /// The mean of seven times 0.1 is not 0.1, yet the targets have no variance.
    @Test func roundingMakesNoVariance() {
        let targets = [Double](repeating: 0.1, count: 7)
        let metrics = RegressionMetrics(predictions: [1, 2, 3, 4, 5, 6, 7], targets: targets)
        #expect(metrics.rSquared == 0 && metrics.pearsonCorrelation == 0)
        #expect(RegressionMetrics(predictions: targets, targets: targets).rSquared == 1)
    }

    @Test func hugeAndTinyNumbersCorrelate() {
        for scale in [1e-200, 1e200] {
            let metrics = RegressionMetrics(
                predictions: [1, 2, 4].map { $0 * scale }, targets: [1, 2, 3])
            let expected = RegressionMetrics(predictions: [1, 2, 4], targets: [1, 2, 3])
            #expect(abs(metrics.pearsonCorrelation - expected.pearsonCorrelation) < 1e-12)
        }
    }
}

@Suite struct MetricsDescriptionTests {
    @Test func aFewClassesShowTheirMatrix() {
        let metrics = ClassificationMetrics(
            predictions: [0, 0, 1, 2, 1, 1], targets: [0, 0, 1, 2, 2, 1],
            labels: ["ABBR", "DESCRIPTION", "数字"])
        #expect(
            metrics.description == """
                accuracy 0.833, macro-F1 0.822, Matthews correlation 0.783, 6 examples

                class        precision  recall     F1  examples
                ABBR             1.000   1.000  1.000         2
                DESCRIPTION      0.667   1.000  0.800         2
                数字             1.000   0.500  0.667         2
                (macro)          0.889   0.833  0.822         6
                (weighted)       0.889   0.833  0.822         6

                target \\ predicted  ABBR  DESCRIPTION  数字
                ABBR                   2            ·     ·
                DESCRIPTION            ·            2     ·
                数字                   ·            1     1
                """)
    }

    @Test func manyClassesShowTheirMostFrequentConfusions() {
        let labels = (0..<50).map { "class number \($0)" }
        let metrics = ClassificationMetrics(
            predictions: [1, 1, 0, 3, 4], targets: [0, 0, 0, 4, 4], labels: labels)
        #expect(
            metrics.description.hasSuffix(
                """
                target → predicted               examples
                class number 0 → class number 1         2
                class number 4 → class number 3         1
                """))
        let lines = metrics.confusionTable.split(separator: "\n")
        #expect(lines.count == 51)
        #expect(lines.allSatisfy { $0.terminalWidth < 170 })
        #expect(lines[1].hasPrefix("0 class number 0"))
    }

    @Test func hostileLabelsStayInTheirCells() {
        let metrics = ClassificationMetrics(
            predictions: [0], targets: [1],
            labels: ["a\nb\u{1B}[2J", String(repeating: "long", count: 500)])
        #expect(!metrics.description.contains("\u{1B}"))
        let lines = metrics.confusionTable.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.terminalWidth <= 100 })
    }

    @Test func severalLabelsAndNumbersDescribeThemselves() {
        let several = MultiLabelMetrics(
            predictions: [[true, false], [true, true]], targets: [[true, false], [false, true]],
            labels: ["a", "b"])
        #expect(
            several.description == """
                subset accuracy 0.500, micro-F1 0.800, macro-F1 0.833, 2 examples

                class       precision  recall     F1  examples
                a               0.500   1.000  0.667         1
                b               1.000   1.000  1.000         1
                (micro)         0.667   1.000  0.800         2
                (macro)         0.750   1.000  0.833         2
                (weighted)      0.750   1.000  0.833         2
                """)
        let numbers = RegressionMetrics(predictions: [1, 2, 3], targets: [1, 2, 5])
        #expect(
            numbers.summary
                == "Pearson 0.961, Spearman 1.000, mean squared error 1.3333, 3 examples")
    }
}
