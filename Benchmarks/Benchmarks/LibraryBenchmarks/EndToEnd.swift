import Benchmark
import FineTune

/// What an app does: fine-tune MiniLM, and ask it.
func endToEnd() {
    for (name, plan) in [
        ("everything", Plan.full(epochs: 1, learningRate: 1e-5)),
        ("top two layers", .top(2, epochs: 1, learningRate: 1e-5)),
        ("head", .headOnly(epochs: 1, learningRate: 1e-5)),
    ] {
        measureTraining("end to end: train \(name), 4 steps of 32 x 128", plan) {
            try longTexts(4 * 32)
        }
        measureTraining("end to end: train \(name), 10 steps of 32 TREC questions", plan) {
            LabeledTexts(try Input.questions().prefix(10 * 32))
        }
    }
    for count in [1, 32, 1000] {
        measure("end to end: predict \(count) TREC questions", seconds: 5) {
            (try classifier(), Array(try Input.questions().inputs.prefix(count)))
        } _: { classifier, texts in
            blackHole(try classifier.predict(texts))
        }
    }
    measure("end to end: evaluate 1 text of 128 tokens", seconds: 5) {
        (try classifier(), try longTexts(1).inputs)
    } _: { classifier, texts in
        blackHole(try classifier.outputs(for: texts))
    }
}

private func measureTraining(
    _ name: String, _ plan: Plan, on data: @escaping () throws -> LabeledTexts
) {
    Benchmark(
        name, configuration: .init(maxDuration: .seconds(10)),
        closure: { (_: Benchmark, operands: (TextClassifier, LabeledTexts)) in
            blackHole(try await Trainer(operands.0, plan: plan).fit(on: operands.1))
        },
        setup: { (try classifier(), try data()) })
}

private func classifier() throws -> TextClassifier {
    try PretrainedModel.text(contentsOf: Input.model(), maximumLength: 128)
        .attaching(ClassificationHead(labels: Array(Set(Input.questions().targets)).sorted()))
}

/// Texts that are cut to 128 tokens.
private func longTexts(_ count: Int) throws -> LabeledTexts {
    let questions = try Input.questions()
    return LabeledTexts(
        (0..<count).map { index in
            let parts = (0..<40).map { questions[(index * 40 + $0) % questions.count].input }
            return Example(
                input: parts.joined(separator: " "), target: questions[index].target)
        })
}
