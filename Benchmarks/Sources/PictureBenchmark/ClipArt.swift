import ArgumentParser
import FineTune
import Pictures

/// The clip art, and how it is cut into folds.
struct ClipArt: ParsableArguments {
    static let classes = [
        "animals", "food", "people", "transportation", "recreation", "tools", "plants",
        "buildings", "office",
    ]

    @Option(help: "A folder with a folder of pictures for each class.") var data: String
    @Option(help: "How many folds there are.") var folds = 5
    @Option(help: "Decides which authors form a fold.") var splitSeed: UInt64 = 0
    @Flag(help: "Let pictures of an author lie in several folds: an easier task.")
    var acrossAuthors = false

    /// The pictures without duplicates.
    func pictures() throws -> LabeledPictures {
        try LabeledPictures(folder: data, classes: Self.classes).deduplicated()
    }

    /// Folds of whole authors, or of single pictures.
    func parts(
        of pictures: LabeledPictures
    ) throws -> [(train: LabeledPictures, heldOut: LabeledPictures)] {
        try pictures.folds(folds, groupedBy: group, seed: splitSeed)
    }

    /// The author. A picture without one is a group of its own.
    func group(of example: Example<Picture, String>) -> String {
        let author = acrossAuthors ? nil : example.input.author
        return author ?? example.input.path ?? ""
    }
}

/// Prints what the folds hold.
struct Folds: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints how many pictures of each class and how many authors each fold holds.")

    @OptionGroup var clipArt: ClipArt
    @Option(help: "A file for a line of each picture: fold, class and path, with tabs between.")
    var list: String?

    func run() throws {
        let pictures = try clipArt.pictures()
        let parts = try clipArt.parts(of: pictures).map(\.heldOut)
        var rows = [["class"] + parts.indices.map { "fold \($0)" }]
        for label in pictures.labels {
            rows.append([label] + parts.map { part in "\(part.targets.count { $0 == label })" })
        }
        rows.append(["all"] + parts.map { "\($0.count)" })
        let authors = parts.map { part in
            Dictionary(grouping: part, by: clipArt.group).mapValues(\.count)
        }
        rows.append(["authors"] + authors.map { "\($0.count)" })
        rows.append(["of one author"] + authors.map { "\($0.values.max() ?? 0)" })
        for row in rows { print(row.joined(separator: "\t")) }
        guard let list else { return }
        let lines = zip(parts.indices, parts).flatMap { fold, part in
            part.map { "\(fold)\t\($0.target)\t\($0.input.path ?? "")\n" }
        }
        try AtomicFile.write(lines.joined(), to: list)
    }
}
