import ArgumentParser

/// Every recipe on TREC-6, and what came of it.
@main
struct PlanBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tunes all-MiniLM-L6-v2 on TREC-6 by every recipe.",
        subcommands: [Train.self, Show.self, List.self, Summarize.self])
}

/// Names the recipes.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Prints the recipes, one a line.")

    func run() { for recipe in Recipe.allCases { print(recipe.rawValue) } }
}
