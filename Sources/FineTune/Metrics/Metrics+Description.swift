extension ClassificationMetrics: CustomStringConvertible {
    /// One line of scores, a table of the classes and the confusion matrix, or instead of a matrix
    /// of more than 20 classes the ten most frequent confusions.
    public var description: String {
        let confusions = labels.count > 20 ? frequentConfusions(limit: 10) : confusionTable
        return [summary, classTable, confusions].joined(separator: "\n\n")
    }

    /// The scores in one line.
    public var summary: String {
        """
        accuracy \(rounded(accuracy)), macro-F1 \(rounded(macro.f1)), Matthews correlation \
        \(rounded(matthewsCorrelation)), \(examples(count))
        """
    }

    /// Precision, recall, F1 and number of targets of each class, and the averages.
    public var classTable: String {
        table(of: classes, averages: [("macro", macro), ("weighted", weighted)], count: count)
    }

    /// The whole confusion matrix: a row for each true class, a column for each predicted one.
    /// Columns bear numbers where the names would make the table wider than 100 characters.
    public var confusionTable: String {
        let names = shortened(labels)
        var named = TextTable(header: ["target \\ predicted"] + names)
        var numbered = TextTable(
            header: ["target \\ predicted"] + labels.indices.map(String.init), spacing: 1)
        for (index, row) in confusionMatrix.enumerated() {
            let cells = row.map { $0 == 0 ? "·" : String($0) }
            named.append([names[index]] + cells)
            numbered.append(["\(index) \(names[index])"] + cells)
        }
        return (named.width <= 100 ? named : numbered).lines.joined(separator: "\n")
    }

    /// The most frequent mistakes, such as `5  DESC → ENTY`.
    func frequentConfusions(limit: Int) -> String {
        let mistakes = confusions.filter { $0.target != $0.prediction }
        guard !mistakes.isEmpty else { return "no confusion" }
        let sorted = mistakes.sorted {
            (-$0.count, $0.target, $0.prediction) < (-$1.count, $1.target, $1.prediction)
        }
        let names = shortened(labels)
        var table = TextTable(header: ["target → predicted", "examples"])
        for mistake in sorted.prefix(limit) {
            table.append([
                "\(names[mistake.target]) → \(names[mistake.prediction])", "\(mistake.count)",
            ])
        }
        return table.lines.joined(separator: "\n")
    }
}

extension MultiLabelMetrics: CustomStringConvertible {
    /// One line of scores and a table of the labels.
    public var description: String { summary + "\n\n" + classTable }

    /// The scores in one line.
    public var summary: String {
        """
        subset accuracy \(rounded(subsetAccuracy)), micro-F1 \(rounded(micro.f1)), macro-F1 \
        \(rounded(macro.f1)), \(examples(count))
        """
    }

    /// Precision, recall, F1 and number of targets of each label, and the averages.
    public var classTable: String {
        let averages = [("micro", micro), ("macro", macro), ("weighted", weighted)]
        return table(of: classes, averages: averages, count: count)
    }
}

extension TokenClassificationMetrics: CustomStringConvertible {
    /// One line of scores and a table of the kinds of spans.
    public var description: String { summary + "\n\n" + spanTable }

    /// The scores in one line.
    public var summary: String {
        """
        span F1 \(rounded(micro.f1)), word accuracy \(rounded(words.accuracy)), whole texts \
        \(rounded(exactAccuracy)), \(examples(count))
        """
    }

    /// Precision, recall, F1 and number of true spans of each kind, and the averages.
    public var spanTable: String {
        let averages = [("micro", micro), ("macro", macro), ("weighted", weighted)]
        return table(of: spans, averages: averages, count: spans.reduce(0) { $0 + $1.targetCount })
    }
}

extension RegressionMetrics: CustomStringConvertible {
    /// The scores, one a line.
    public var description: String {
        """
        Pearson correlation   \(pearsonCorrelation.formatted(decimals: 4))
        Spearman correlation  \(spearmanCorrelation.formatted(decimals: 4))
        R²                    \(rSquared.formatted(decimals: 4))
        mean squared error    \(formattedError(meanSquaredError))
        mean absolute error   \(formattedError(meanAbsoluteError))
        examples              \(count)
        """
    }

    /// The scores in one line.
    public var summary: String {
        """
        Pearson \(rounded(pearsonCorrelation)), Spearman \(rounded(spearmanCorrelation)), \
        mean squared error \(formattedError(meanSquaredError)), \(examples(count))
        """
    }

    private func formattedError(_ value: Double) -> String {
        (1e-3..<1e6).contains(value) || value == 0
            ? value.formatted(decimals: 4) : value.formattedScientific(decimals: 3)
    }
}

private func rounded(_ value: Double) -> String { value.formatted(decimals: 3) }

private func examples(_ count: Int) -> String { "\(count) example\(count == 1 ? "" : "s")" }

/// Names that leave room for the numbers beside them.
private func shortened(_ labels: [String]) -> [String] {
    labels.map { $0.withoutControls.truncated(toTerminalWidth: 32) }
}

private func table(
    of classes: [ClassScores], averages: [(String, PrecisionRecallF1)], count: Int
) -> String {
    var table = TextTable(header: ["class", "precision", "recall", "F1", "examples"])
    func append(_ name: String, _ scores: PrecisionRecallF1, _ count: Int) {
        table.append(
            [
                name, rounded(scores.precision), rounded(scores.recall), rounded(scores.f1),
                "\(count)",
            ])
    }
    for (name, entry) in zip(shortened(classes.map(\.label)), classes) {
        append(name, entry.scores, entry.targetCount)
    }
    for (name, scores) in averages { append("(\(name))", scores, count) }
    return table.lines.joined(separator: "\n")
}
