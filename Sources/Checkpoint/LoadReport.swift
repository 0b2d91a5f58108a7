/// What became of the tensors of a checkpoint when a model was made from it.
public struct LoadReport: Sendable, Hashable, CustomStringConvertible {
    /// A parameter that the checkpoint lacks.
    public struct Missing: Sendable, Hashable {
        /// The parameter.
        public let path: String
        /// The unused tensor of the checkpoint with the most similar name, if any is similar.
        public let nearest: String?
    }

    /// Parameters that were loaded.
    public let loaded: [String]
    /// Parameters that the checkpoint lacks and that were initialised instead.
    public let missing: [Missing]
    /// Tensors of the checkpoint that the model has no use for.
    public let unused: [String]

    /// A report.
    ///
    /// - Parameters:
    ///   - loaded: The checkpoint's names of the parameters that were loaded.
    ///   - missing: The model's names of those that were initialised.
    ///   - names: All names of the checkpoint.
    public init(loaded: [String], missing: [String], names: [String]) {
        let used = Set(loaded.map(ByteKey.init))
        let unused = names.filter { !used.contains(ByteKey($0)) }
        self.loaded = loaded
        self.unused = unused
        self.missing = missing.map { Missing(path: $0, nearest: nearestName(to: $0, in: unused)) }
    }

    /// A line for each group that is not empty.
    public var description: String {
        var lines = ["loaded \(loaded.count) parameters"]
        for parameter in missing {
            lines.append(
                "initialised '\(parameter.path)', which the checkpoint lacks"
                    + (parameter.nearest.map { " (did you mean '\($0)'?)" } ?? ""))
        }
        if !unused.isEmpty { lines.append("unused: \(unused.joined(separator: ", "))") }
        return lines.joined(separator: "\n")
    }
}

/// The most similar of `candidates`, by edit distance, if it is nearer than a third of the length.
///
/// Names with the same numbers in them come first: those of another layer differ in one digit only,
/// but are no other spelling.
public func nearestName(to name: String, in candidates: [String]) -> String? {
    let wanted = numbers(in: name)
    return nearest(to: name, in: candidates.filter { numbers(in: $0) == wanted })
        ?? nearest(to: name, in: candidates)
}

/// The runs of digits in a name.
private func numbers(in name: String) -> [[UInt8]] {
    name.utf8.split { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.map(Array.init)
}

private func nearest(to name: String, in candidates: [String]) -> String? {
    let target = Array(name.utf8)
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let limit = min(best?.distance ?? .max, max(2, target.count / 3) + 1)
        let distance = editDistance(target, Array(candidate.utf8), below: limit)
        if let distance { best = (candidate, distance) }
    }
    return best?.name
}

/// The Levenshtein distance, or nil if it is not below `limit`.
private func editDistance(_ a: [UInt8], _ b: [UInt8], below limit: Int) -> Int? {
    guard abs(a.count - b.count) < limit else { return nil }
    var row = Array(0...b.count)
    for (i, byte) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in b.enumerated() {
            let substituted = diagonal + (byte == other ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substituted, diagonal + 1, row[j] + 1)
        }
        if (row.min() ?? 0) >= limit { return nil }
    }
    return row[b.count] < limit ? row[b.count] : nil
}
