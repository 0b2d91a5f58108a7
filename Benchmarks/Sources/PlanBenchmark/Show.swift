import ArgumentParser
import FineTune

/// Prints a recipe's table and its estimate, and trains nothing.
struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints what a recipe trains and what it will take.")

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "Lines of 'COARSE:fine question'.") var questions: String
    @Option(help: "The way to fine-tune.") var recipe = Recipe.full
    @Option(help: "Threads to compute on.") var threads = Tensor.Threads.available

    func run() async throws {
        let (train, test) = try trec(questions, limit: .max, seed: 0)
        let backbone = try PretrainedModel.text(contentsOf: model, maximumLength: 128)
        let head = ClassificationHead(labels: train.labels)
        let classifier =
            try recipe.adapter.map {
                try backbone.attaching(head, adapter: $0, pooling: recipe.pooling)
            } ?? backbone.attaching(head, pooling: recipe.pooling)
        let plan = recipe.plan(epochs: recipe.usualEpochs, rate: recipe.usualRate)
        guard let plan else { return print("\(recipe.rawValue) has no plan: its head is computed") }
        let trainer = Trainer(classifier, plan: plan, settings: .init(threads: threads))
        print(trainer.planTable)
        print()
        print(try await trainer.estimate(on: train, validating: test))
    }
}

/// TREC's questions without duplicates, a fifth of them for testing.
func trec(
    _ path: String, limit: Int, seed: UInt64
) throws -> (train: LabeledTexts, test: LabeledTexts) {
    let data = try LabeledTexts(lines: path) { line in
        guard let colon = line.firstIndex(of: ":"), let space = line.firstIndex(of: " ")
        else { return nil }
        return (String(line[line.index(after: space)...]), String(line[..<colon]))
    }.deduplicated()
    let (train, test) = LabeledTexts(Array(data.prefix(limit))).split(
        holdingOut: 0.2, stratified: true, seed: seed)
    return (train, test)
}
