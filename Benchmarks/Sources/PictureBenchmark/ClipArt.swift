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
    @Option(help: "Decides which groups form a fold.") var splitSeed: UInt64 = 0
    @Option(help: "Which pictures stay together.") var groups = Groups.author

    /// What pictures of one fold share.
    enum Groups: String, CaseIterable, ExpressibleByArgument {
        /// The author that the file names.
        case author
        /// The last two words of the file's name, which tell many authors: `frog_mirko_maisc_01.png`.
        case name
        /// Nothing: pictures are dealt out one by one, so that both sides have the same authors.
        case none

        /// What the name of a recipe has behind it.
        var suffix: String { self == .author ? "" : ", groups: \(rawValue)" }
    }

    /// The pictures without duplicates.
    func pictures() throws -> LabeledPictures {
        try LabeledPictures(folder: data, classes: Self.classes).deduplicated()
    }

    /// Folds of whole groups.
    func parts(
        of pictures: LabeledPictures
    ) throws -> [(train: LabeledPictures, heldOut: LabeledPictures)] {
        try pictures.folds(folds, groupedBy: group, seed: splitSeed)
    }

    /// The group of a picture. One that has no author is a group of its own.
    func group(of example: Example<Picture, String>) -> String {
        let path = example.input.path ?? ""
        switch groups {
        case .author: return example.input.author ?? path
        case .name: return Self.lastWords(of: path) ?? path
        case .none: return path
        }
    }

    /// Nil if the name has no word before its number.
    private static func lastWords(of path: String) -> String? {
        let file = path.split(separator: "/").last ?? ""
        var name = file.prefix { $0 != "." }
        while name.last?.isNumber == true { name.removeLast() }
        let words = name.split(separator: "_").suffix(2)
        return words.isEmpty ? nil : words.joined(separator: "_")
    }
}

/// Prints what the folds hold.
struct Folds: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints how many pictures of each class and how many groups each fold holds.")

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
        let groups = parts.map { part in
            Dictionary(grouping: part, by: clipArt.group).mapValues(\.count)
        }
        rows.append(["groups"] + groups.map { "\($0.count)" })
        rows.append(["of one group"] + groups.map { "\($0.values.max() ?? 0)" })
        for row in rows { print(row.joined(separator: "\t")) }
        guard let list else { return }
        let lines = zip(parts.indices, parts).flatMap { fold, part in
            part.map { "\(fold)\t\($0.target)\t\($0.input.path ?? "")\n" }
        }
        try AtomicFile.write(lines.joined(), to: list)
    }
}
