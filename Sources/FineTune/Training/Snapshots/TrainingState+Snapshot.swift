import Checkpoint
import Tensor

// A state as a snapshot.
extension TrainingState {
    /// The state as files hold it, each tensor once.
    ///
    /// - Parameter copiesWhatChanges: Whether to copy the tensors that the next step changes. It would
    ///   otherwise copy them itself, since they are held here; copied now, what a snapshot costs is
    ///   known.
    /// - Returns: The content of a snapshot.
    func snapshotContent(copiesWhatChanges: Bool) -> SnapshotContent {
        var entries: [(names: [String], tensor: Tensor)] = []
        var positions: [UnsafeRawPointer?: [Int]] = [:]
        for (name, tensor) in tensors {
            let address = tensor.isContiguous ? tensor.withUnsafeBytes { $0.baseAddress } : nil
            let known = positions[address]?.first { entries[$0].tensor.isIdentical(to: tensor) }
            if let known {
                entries[known].names.append(name)
            } else {
                positions[address, default: []].append(entries.count)
                entries.append(([name], tensor))
            }
        }
        if copiesWhatChanges {
            // What has a second name is held elsewhere too, so that the step copies it anyway.
            for index in entries.indices
            where entries[index].names.count == 1 && Self.changes(entries[index].names[0]) {
                entries[index].tensor = entries[index].tensor.copied()
            }
        }
        // The score of the weights as they are, which are measured where an epoch ends.
        return SnapshotContent(
            fields: fields, tensors: entries, score: position.isInEpoch ? nil : epochs.last?.score)
    }

    private static func changes(_ name: String) -> Bool {
        ["weights:", "first:", "second:"].contains { name.hasPrefix($0) }
    }

    /// The state that a snapshot holds.
    ///
    /// - Throws: ``TrainingStateError``.
    init(_ content: SnapshotContent) throws(TrainingStateError) {
        try self.init(fields: content.fields, tensors: content.namedTensors)
    }
}

extension SnapshotContent {
    /// The name of weights, of the model or of those to go back to, that are infinite or no numbers.
    var nonFiniteWeights: String? {
        let weights = ["weights:", "best:", "candidate:", "start:", "guarded:"]
        return tensors.first { entry in
            entry.names.contains { name in weights.contains { name.hasPrefix($0) } }
                && entry.tensor.dtype.isComputable && !entry.tensor.isFinite
        }?.names[0]
    }
}
