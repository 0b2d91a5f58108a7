public import Autograd
import Tensor

/// A table of vectors, looked up by number.
public final class Embedding {
    /// Shape `[count, width]`.
    public let weight: Parameter

    /// Loads `weight` from `source`.
    public init(count: Int, width: Int, from source: ParameterSource) throws {
        weight = try source.parameter(
            "weight", shape: [count, width], kind: .embedding,
            initial: .normal(standardDeviation: 0.02))
    }

    /// The vectors of these numbers.
    ///
    /// - Returns: Shape `[indices.count, width]`.
    /// - Precondition: Every index is below `count`.
    public func callAsFunction(_ indices: [Int32], in pass: Pass) -> Variable {
        weight.rows(indices, in: pass)
    }
}
