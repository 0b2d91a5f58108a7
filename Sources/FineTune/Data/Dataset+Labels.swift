// Labels are told apart by their UTF-8 bytes, as every checkpoint and program outside Swift does;
// `==` would merge two spellings of `é`.

extension Dataset where Target == String {
    /// The different labels, in the order of their UTF-8 bytes.
    public var labels: [String] { counts.map(\.label) }

    /// The different labels, in the order of their UTF-8 bytes, and the examples of each.
    public var counts: [(label: String, count: Int)] { countedByBytes(targets) }
}

extension Dataset where Target == [String] {
    /// The different labels, in the order of their UTF-8 bytes.
    public var labels: [String] { counts.map(\.label) }

    /// The different labels, in the order of their UTF-8 bytes, and the examples that bear each.
    public var counts: [(label: String, count: Int)] {
        countedByBytes(examples.flatMap { Set($0.target.map(LabelBytes.init)).map(\.label) })
    }
}

/// A label that is equal to another only if all bytes are.
struct LabelBytes: Hashable {
    let label: String

    init(_ label: String) { self.label = label }

    static func == (left: Self, right: Self) -> Bool {
        left.label.utf8.elementsEqual(right.label.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var label = label
        label.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

private func countedByBytes(_ labels: [String]) -> [(label: String, count: Int)] {
    var counts: [LabelBytes: Int] = [:]
    for label in labels { counts[LabelBytes(label), default: 0] += 1 }
    return counts.map { (label: $0.key.label, count: $0.value) }
        .sorted { $0.label.utf8.lexicographicallyPrecedes($1.label.utf8) }
}
