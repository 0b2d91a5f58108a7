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

    @Test("Folds are of about one size, and no group is in two", arguments: [2, 5, 9])
    func foldsKeepGroups(_ count: Int) {
        let members = data.positions(groupedBy: \.target)
        let parts = groupedFolds(of: members, count: count, seed: 4)
        let sizes = (0..<count).map { part in parts.count { $0 == part } }
        let largest = members.map(\.count).max() ?? 0
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= largest)
        for group in members { #expect(Set(group.map { parts[$0] }).count == 1) }
        #expect(Set(parts).count == count)
    }
}
