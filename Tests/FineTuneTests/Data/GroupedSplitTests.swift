@testable import FineTune
import Testing

@Suite("Splits by groups")
struct GroupedSplitTests {
    /// 200 examples of 40 groups, whose sizes differ.
    private let data = Dataset<Int, String>(
        (0..<200).map { Example(input: $0, target: "group \(($0 * $0) % 83 % 40)") })

    @Test("No group is on both sides, and as much as asked is held out", arguments: 0..<20)
    func keepsGroupsTogether(_ seed: UInt64) {
        let (train, heldOut) = data.split(holdingOut: 0.25, groupedBy: \.target, seed: seed)
        #expect(Set(train.targets).isDisjoint(with: heldOut.targets))
        #expect(train.count + heldOut.count == 200)
        #expect((45...50).contains(heldOut.count))
        #expect(train.inputs == train.inputs.sorted() && heldOut.inputs == heldOut.inputs.sorted())
    }

    @Test("The seed decides")
    func dependsOnSeed() {
        let parts = [0, 1, 2, 3, 4, 3].map { seed in
            data.split(holdingOut: 0.25, groupedBy: \.target, seed: seed).heldOut
        }
        #expect(Set(parts).count == 5 && parts[3] == parts[5])
    }

    @Test("One group stays to train on, however much is held out")
    func keepsOneGroup() {
        let (train, heldOut) = data.split(holdingOut: 1, groupedBy: \.target, seed: 0)
        #expect(!train.isEmpty && heldOut.count > 150)
        let single = data.split(holdingOut: 0.5, groupedBy: { _ in 0 }, seed: 0)
        #expect(single.train.count == 200)
    }

    /// 800 examples of four classes and 60 authors, one of whom has 150, all but ten of one class. The
    /// class of most examples of an author is their subject.
    private static let pictures: LabeledTexts = {
        var random = SplitMix64(seed: 5)
        let subjects =
            (0..<150).map { ("author 0", $0 < 140 ? "a" : "b") }
            + (0..<650).map { index in
                let author = 1 + index * index * index % 59  // a cube modulo 59 is any number
                let strays = random.next(below: 4) == 0
                let subject = strays ? random.next(below: 4) : author % 4
                return ("author \(author)", ["a", "b", "c", "d"][subject])
            }
        return LabeledTexts(subjects.map { Example(input: $0, target: $1) })
    }()

    /// The part of each class that lies in `part`.
    private static func shares(_ part: LabeledTexts) -> [Double] {
        zip(pictures.counts, pictures.labels).map { all, label in
            Double(part.targets.count { $0 == label }) / Double(all.count)
        }
    }

    /// The largest part of a class that an author has, but for the one who has almost half of a class: so
    /// near can whole groups come to a share.
    private static let largestPart: Double = {
        let authors = Set(pictures.inputs).subtracting(["author 0"])
        let parts = authors.flatMap { author in
            shares(LabeledTexts(pictures.filter { $0.input == author }))
        }
        return parts.max() ?? 1
    }()

    /// How far a part is from its share of each class.
    private static func distance(_ part: LabeledTexts, from share: Double) -> Double {
        shares(part).reduce(0) { $0 + ($1 - share) * ($1 - share) }
    }

    @Test("A stratified split holds out about the same share of each class", arguments: 0..<20)
    func stratifies(_ seed: UInt64) {
        let (train, heldOut) = Self.pictures.split(
            holdingOut: 0.25, groupedBy: \.input, stratified: true, seed: seed)
        #expect(Set(train.inputs).isDisjoint(with: heldOut.inputs))
        #expect(train.count + heldOut.count == 800 && heldOut.count <= 200)
        for share in Self.shares(heldOut) { #expect(abs(share - 0.25) < 2 * Self.largestPart) }
        let plain = Self.pictures.split(holdingOut: 0.25, groupedBy: \.input, seed: seed)
        #expect(
            Self.distance(heldOut, from: 0.25) < Self.distance(plain.heldOut, from: 0.25))
        #expect(
            Self.pictures.split(holdingOut: 0.25, groupedBy: \.input, stratified: false, seed: seed)
                == plain)
    }

    @Test("A class that a single group has stays where it can be learned")
    func keepsLoneClasses() {
        let data = LabeledTexts(
            (0..<100).map { Example(input: "\($0)", target: $0 % 2 == 0 ? "even" : "odd") }
                + (0..<40).map { _ in Example(input: "one author", target: "rare") })
        for seed in 0..<10 as Range<UInt64> {
            let (train, heldOut) = data.split(
                holdingOut: 0.3, groupedBy: \.input, stratified: true, seed: seed)
            #expect(train.targets.count { $0 == "rare" } == 40)
            #expect(heldOut.counts.map(\.count) == [15, 15])
        }
    }

    @Test("Folds hold the same share of each class and whole groups", arguments: [2, 4])
    func foldsStratify(_ count: Int) throws {
        let folds = try Self.pictures.folds(count, groupedBy: \.input, seed: 2)
        #expect(folds.count == count)
        #expect(folds.reduce(0) { $0 + $1.heldOut.count } == 800)
        for (train, heldOut) in folds {
            #expect(Set(train.inputs).isDisjoint(with: heldOut.inputs))
            #expect(train.count + heldOut.count == 800)
            for (label, share) in zip(Self.pictures.labels, Self.shares(heldOut)) {
                // One author alone has 47% of the first class: a fold of four has them or not.
                let reach = Self.largestPart + (label == "a" && count == 4 ? 0.22 : 0)
                #expect(abs(share - 1 / Double(count)) < reach)
            }
        }
        #expect(throws: CrossValidationError.tooFewGroups(60, folds: 61)) {
            try Self.pictures.folds(61, groupedBy: \.input, seed: 2)
        }
        #expect(throws: CrossValidationError.unusableFolds(1, examples: 800)) {
            try Self.pictures.folds(1, groupedBy: \.input, seed: 2)
        }
    }

    @Test("Folds are of about one size, and no group is in two", arguments: [2, 5, 9])
    func foldsKeepGroups(_ count: Int) {
        let members = data.positions(groupedBy: \.target)
        let strata = [Int](repeating: 0, count: data.count)
        let parts = Groups(members, strata: strata).folds(count, seed: 4)
        let sizes = (0..<count).map { part in parts.count { $0 == part } }
        let largest = members.map(\.count).max() ?? 0
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= largest)
        for group in members { #expect(Set(group.map { parts[$0] }).count == 1) }
        #expect(Set(parts).count == count)
    }
}
