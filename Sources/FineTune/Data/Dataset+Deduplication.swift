extension Dataset where Input: Hashable {
    /// The dataset without examples whose input stood earlier.
    ///
    /// Do this before a split: a text on both sides would be tested by what was learned by heart.
    /// The first example of an input stays with its target, even if later ones say otherwise;
    /// `conflicts` finds those. Inputs are compared with `==`, under which two spellings of `é`
    /// are equal.
    public func deduplicated() -> Dataset {
        var seen: Set<Input> = []
        return Dataset(
            examples.filter { seen.insert($0.input).inserted }, leftOut: leftOut)
    }
}

extension Dataset where Input: Hashable, Target: Equatable {
    /// The positions of the examples whose target differs from that of the first example with the
    /// same input: the examples that ``deduplicated()`` overrules.
    public var conflicts: [Int] {
        var first: [Input: Target] = [:]
        return indices.filter { position in
            let example = examples[position]
            guard let target = first[example.input] else {
                first[example.input] = example.target
                return false
            }
            return target != example.target
        }
    }
}
