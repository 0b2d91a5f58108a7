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

    fileprivate func shuffledPositions(seed: UInt64) -> [Int] {
        var generator = SplitMix64(seed: seed)
        var order = Array(indices)
        generator.shuffle(&order)
        return order
    }

    /// The examples at these positions, held out of the others.
    func split(
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
    func classIndices() -> (classes: [Int], sizes: [Int]) {
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
func heldOutCount(_ fraction: Double, of count: Int) -> Int {
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
