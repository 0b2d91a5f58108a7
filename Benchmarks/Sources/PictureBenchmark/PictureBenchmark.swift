import ArgumentParser

/// Every recipe on the clip art, fold by fold, and what came of it.
@main
struct PictureBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tunes EfficientNet-Lite0 on clip art by several recipes.",
        subcommands: [
            Train.self, Passes.self, List.self, Folds.self, Summarize.self,
        ])
}

/// Names the recipes.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Prints the recipes, one a line.")

    func run() { for recipe in Recipe.allCases { print(recipe.rawValue) } }
}
