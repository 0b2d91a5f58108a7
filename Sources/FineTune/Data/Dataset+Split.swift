extension Dataset {
    /// Splits at random into examples to train on and examples held out to test on.
    ///
    /// Both keep the order of the dataset. The number held out is `fraction` of the whole, rounded
    /// to nearest, but at least one example stays to train on. The same seed splits in the same
    /// way on every platform and in every version (SplitMix64, Fisher–Yates).
    ///
    /// - Parameters:
    ///   - fraction: The part to hold out.
    ///   - seed: Decides which examples.
    /// - Returns: The examples to train on and those held out.
    /// - Precondition: `fraction` lies in 0...1.
    public func split(
        holdingOut fraction: Double, seed: UInt64
    ) -> (train: Dataset, heldOut: Dataset) {
        let order = shuffledPositions(seed: seed)
        return split(at: order.prefix(heldOutCount(fraction, of: count)))
    }

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
        let members = positions(groupedBy: group)
        var room = heldOutCount(fraction, of: count)
        var generator = SplitMix64(seed: seed)
        var order = Array(members.indices)
        generator.shuffle(&order)
        var heldOut: [Int] = []
        var groupsLeft = members.count
        let half = (room + 1) / 2
        let (small, large) = (
            order.filter { members[$0].count <= half }, order.filter { members[$0].count > half }
        )
        for index in small + large
        where members[index].count <= room && groupsLeft > 1 {
            heldOut += members[index]
            room -= members[index].count
            groupsLeft -= 1
        }
        return split(at: heldOut)
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

    fileprivate func shuffledPositions(seed: UInt64) -> [Int] {
        var generator = SplitMix64(seed: seed)
        var order = Array(indices)
        generator.shuffle(&order)
        return order
    }

    fileprivate func split(
        at heldOut: some Sequence<Int>
    ) -> (train: Dataset, heldOut: Dataset) {
        var isHeldOut = [Bool](repeating: false, count: count)
        for position in heldOut { isHeldOut[position] = true }
        return (
            train: selecting(indices.filter { !isHeldOut[$0] }),
            heldOut: selecting(indices.filter { isHeldOut[$0] })
        )
    }
}

extension Dataset where Target == String {
    /// Splits at random into examples to train on and examples held out to test on.
    ///
    /// Both keep the order of the dataset. The number held out is `fraction` of the whole, rounded
    /// to nearest, as far as every class keeps at least one example to train on. The same seed
    /// splits in the same way on every platform and in every version (SplitMix64, Fisher–Yates).
    ///
    /// - Parameters:
    ///   - fraction: The part to hold out.
    ///   - stratified: Whether each class gives its own `fraction`: rounded down, and then one
    ///     more from the classes with the largest remainders until the whole number is reached.
    ///   - seed: Decides which examples.
    /// - Returns: The examples to train on and those held out.
    /// - Precondition: `fraction` lies in 0...1.
    public func split(
        holdingOut fraction: Double, stratified: Bool, seed: UInt64
    ) -> (train: Dataset, heldOut: Dataset) {
        let (classes, sizes) = classIndices()
        let total = heldOutCount(fraction, of: count)
        var quotas =
            stratified ? stratifiedQuotas(fraction, of: sizes, total: total) : sizes.map { $0 - 1 }
        var heldOut: [Int] = []
        for position in shuffledPositions(seed: seed) where heldOut.count < total {
            guard quotas[classes[position]] > 0 else { continue }
            quotas[classes[position]] -= 1
            heldOut.append(position)
        }
        return split(at: heldOut)
    }

    /// The class of each example, as a position in `labels`, and the size of each class.
    private func classIndices() -> (classes: [Int], sizes: [Int]) {
        let counts = counts
        var positions: [LabelBytes: Int] = [:]
        for (position, entry) in counts.enumerated() {
            positions[LabelBytes(entry.label)] = position
        }
        let classes = targets.compactMap { positions[LabelBytes($0)] }
        return (classes, counts.map(\.count))
    }
}

/// `fraction` of `count`, rounded to nearest, leaving at least one.
private func heldOutCount(_ fraction: Double, of count: Int) -> Int {
    precondition((0...1).contains(fraction), "a fraction of \(fraction) cannot be held out")
    return min(Int((Double(count) * fraction).rounded()), max(0, count - 1))
}

/// How many examples each class gives: the method of largest remainders, each class keeping one.
private func stratifiedQuotas(_ fraction: Double, of sizes: [Int], total: Int) -> [Int] {
    let shares = sizes.map { Double($0) * fraction }
    var quotas = zip(shares, sizes).map { min(Int($0), $1 - 1) }
    let remainders = shares.map { $0 - $0.rounded(.down) }
    let byRemainder = remainders.indices.sorted {
        (-remainders[$0], $0) < (-remainders[$1], $1)
    }
    var missing = total - quotas.reduce(0, +)
    for index in byRemainder where missing > 0 && quotas[index] < sizes[index] - 1 {
        quotas[index] += 1
        missing -= 1
    }
    return quotas
}
