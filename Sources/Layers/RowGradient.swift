public import Tensor

/// The gradient of a table of which a pass has read a few rows: zero everywhere else.
public struct RowGradient: Sendable {
    /// The rows that it holds, each once.
    public let indices: [Int32]
    /// Their gradients, shape `[indices.count, width]`.
    public let rows: Tensor

    /// Adds up what came for each row of the table.
    ///
    /// - Parameter parts: Gradients of shape `[n, width]`, each with the n rows that it is for.
    init(_ parts: [(rows: Tensor, indices: [Int32])]) {
        var slots: [Int32: Int32] = [:]
        var unique: [Int32] = []
        let places = parts.map { part in
            part.indices.map { index in
                if let slot = slots[index] { return slot }
                let slot = Int32(unique.count)
                slots[index] = slot
                unique.append(index)
                return slot
            }
        }
        let (width, dtype) = (parts[0].rows.shape[1], parts[0].rows.dtype)
        var sums = Tensor(zeros: [unique.count, width], dtype: dtype)
        for (part, places) in zip(parts, places) { sums.scatterAdd(part.rows, at: places) }
        (indices, rows) = (unique, sums)
    }

    /// This and another gradient, as two dense ones are added.
    func adding(_ other: RowGradient) -> RowGradient {
        RowGradient([(rows, indices), (other.rows, other.indices)])
    }

    /// The same as a whole table of `count` rows.
    func dense(count: Int) -> Tensor {
        var table = Tensor(zeros: [count, rows.shape[1]], dtype: rows.dtype)
        table.scatterAdd(rows, at: indices)
        return table
    }
}
