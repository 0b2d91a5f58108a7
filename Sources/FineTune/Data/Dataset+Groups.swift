// What examples of one group have in common, such as their author, can be learned by heart; a test on
// other examples of the group then says nothing of new ones. So groups stay whole.

extension Dataset {
    /// Splits at random, but so that examples of one group stay together: the pictures of one author, the
    /// sentences of one document. What is alike within a group cannot be learned by heart and then
    /// tested.
    ///
    /// Groups are held out in a random order, each that still fits into `fraction` of the whole. One that
    /// would be more than half of what is held out has to wait for the smaller ones, so that a test is
    /// not of one author. At least one group stays to train on. The same seed splits in the same way.
    ///
    /// - Parameters:
    ///   - fraction: The part of the examples to hold out, at most.
    ///   - group: What the examples of a group have in common.
    ///   - seed: Decides which groups.
    /// - Returns: The examples to train on and those held out, both in the order of the dataset.
    /// - Precondition: `fraction` lies in 0...1.
    public func split<Group: Hashable>(
        holdingOut fraction: Double, groupedBy group: (Example<Input, Target>) -> Group,
        seed: UInt64
    ) -> (train: Dataset, heldOut: Dataset) {
        split(
            holdingOut: fraction,
            Groups(positions(groupedBy: group), strata: [Int](repeating: 0, count: count)),
            seed: seed)
    }

    /// The positions of the examples of each group, in the order in which the groups are met.
    func positions<Group: Hashable>(
        groupedBy group: (Example<Input, Target>) -> Group
    ) -> [[Int]] {
        var numbers: [Group: Int] = [:]
        var members: [[Int]] = []
        for (position, example) in examples.enumerated() {
            let number = numbers[group(example), default: members.count]
            if number == members.count {
                numbers[group(example)] = number
                members.append([])
            }
            members[number].append(position)
        }
        return members
    }

    private func split(
        holdingOut fraction: Double, _ groups: Groups, seed: UInt64
    ) -> (train: Dataset, heldOut: Dataset) {
        split(at: groups.heldOut(heldOutCount(fraction, of: count), seed: seed))
    }
}

extension Dataset where Target == String {
    /// Splits at random into whole groups, as ``split(holdingOut:groupedBy:seed:)`` does, so that also
    /// about `fraction` of every class is held out.
    ///
    /// A group is held out only if the numbers of the classes come closer to that, and one that would be
    /// more than half of what is held out of a class has to wait for the smaller ones. Without it a group
    /// or two can make one class half of a test, where authors have their subjects.
    ///
    /// - Parameters:
    ///   - fraction: The part of the examples to hold out, at most.
    ///   - group: What the examples of a group have in common.
    ///   - stratified: Whether classes count.
    ///   - seed: Decides which groups.
    /// - Returns: The examples to train on and those held out, both in the order of the dataset.
    /// - Precondition: `fraction` lies in 0...1.
    public func split<Group: Hashable>(
        holdingOut fraction: Double, groupedBy group: (Example<Input, Target>) -> Group,
        stratified: Bool, seed: UInt64
    ) -> (train: Dataset, heldOut: Dataset) {
        guard stratified else {
            return split(holdingOut: fraction, groupedBy: group, seed: seed)
        }
        return split(
            holdingOut: fraction,
            Groups(positions(groupedBy: group), strata: classIndices().classes), seed: seed)
    }

    /// Cuts the examples into parts of about the same size that each hold about the same share of every
    /// class and only whole groups, to train as often, each time without one of the parts, and to
    /// measure on that. ``PretrainedModel/crossValidate(_:on:groupedBy:folds:pooling:seed:fitting:)``
    /// cuts in the same way.
    ///
    /// - Parameters:
    ///   - count: How many parts.
    ///   - group: What the examples of a group have in common.
    ///   - seed: Decides where a group goes of several that could.
    /// - Returns: For each part the examples to train on and those held out, in the order of the dataset.
    /// - Throws: ``CrossValidationError``.
    public func folds<Group: Hashable>(
        _ count: Int, groupedBy group: (Example<Input, Target>) -> Group, seed: UInt64
    ) throws(CrossValidationError) -> [(train: Dataset, heldOut: Dataset)] {
        guard count >= 2, count <= self.count else {
            throw .unusableFolds(count, examples: self.count)
        }
        let members = positions(groupedBy: group)
        guard count <= members.count else { throw .tooFewGroups(members.count, folds: count) }
        let parts = Groups(members, strata: classIndices().classes).folds(count, seed: seed)
        return (0..<count).map { fold in split(at: indices.filter { parts[$0] == fold }) }
    }
}

/// Groups of examples that are to be spread so that each part has its share of every stratum.
///
/// Parts are compared by the squares of their shares of each stratum, as in scikit-learn's
/// `StratifiedGroupKFold`. With one stratum, all that counts is the number of examples.
struct Groups {
    private let members: [[Int]]
    /// How many examples a group has of each stratum that it has any of.
    private let counts: [[(stratum: Int, count: Int)]]
    /// How many there are of each stratum.
    private let totals: [Int]

    /// Groups of positions, and the stratum of each position, from 0.
    init(_ members: [[Int]], strata: [Int]) {
        self.members = members
        counts = members.map { group in
            let found = group.reduce(into: [Int: Int]()) { $0[strata[$1], default: 0] += 1 }
            return found.sorted { $0.key < $1.key }.map { (stratum: $0.key, count: $0.value) }
        }
        totals = strata.reduce(into: [Int](repeating: 0, count: (strata.max() ?? 0) + 1)) {
            $0[$1] += 1
        }
    }

    /// The positions to hold out, at most so many; at least one group stays.
    func heldOut(_ room: Int, seed: UInt64) -> [Int] {
        let order = shuffled(seed: seed)
        let fraction = Double(room) / Double(max(1, totals.reduce(0, +)))
        let isLarge = members.indices.map { group in
            counts[group].contains { part in
                Double(2 * part.count) > fraction * Double(totals[part.stratum]) + 1
            }
        }
        let (small, large) = (order.filter { !isLarge[$0] }, order.filter { isLarge[$0] })
        // What is held out more than it ought to be, of each stratum.
        var excess = totals.map { -fraction * Double($0) }
        var heldOut: [Int] = []
        var groupsLeft = members.count
        for group in small + large
        where heldOut.count + members[group].count <= room && groupsLeft > 1
            && change(of: excess, by: group) < 0
        {
            heldOut += members[group]
            groupsLeft -= 1
            add(group, to: &excess)
        }
        return heldOut
    }

    /// The part of each position: the largest group first, each into the part that has the least of
    /// its strata, and of several such into the one that has the fewest examples. Which of several
    /// groups of one size comes first is random.
    func folds(_ count: Int, seed: UInt64) -> [Int] {
        let ranked = shuffled(seed: seed).enumerated().sorted {
            (-members[$0.element].count, $0.offset) < (-members[$1.element].count, $1.offset)
        }.map(\.element)
        var filled = [[Double]](
            repeating: [Double](repeating: 0, count: totals.count), count: count)
        var sizes = [Int](repeating: 0, count: count)
        var parts = [Int](repeating: 0, count: totals.reduce(0, +))
        for group in ranked {
            let part = sizes.indices.min { left, right in
                (change(of: filled[left], by: group), sizes[left], left)
                    < (change(of: filled[right], by: group), sizes[right], right)
            }
            guard let part else { return parts }
            for position in members[group] { parts[position] = part }
            sizes[part] += members[group].count
            add(group, to: &filled[part])
        }
        return parts
    }

    private func shuffled(seed: UInt64) -> [Int] {
        var generator = SplitMix64(seed: seed)
        var order = Array(members.indices)
        generator.shuffle(&order)
        return order
    }

    /// By how much a group changes the sum of the squares of these numbers, each over the size of its
    /// stratum.
    private func change(of numbers: [Double], by group: Int) -> Double {
        counts[group].reduce(0.0) { sum, part in
            let (count, total) = (Double(part.count), Double(totals[part.stratum]))
            return sum + count * (2 * numbers[part.stratum] + count) / (total * total)
        }
    }

    private func add(_ group: Int, to numbers: inout [Double]) {
        for (stratum, count) in counts[group] { numbers[stratum] += Double(count) }
    }
}
