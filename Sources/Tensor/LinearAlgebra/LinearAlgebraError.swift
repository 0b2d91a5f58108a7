/// Why an operation of linear algebra has no result for these numbers.
///
/// A matrix of the wrong shape is a mistake in the calling code and a precondition instead.
public enum LinearAlgebraError: Error, Hashable, CustomStringConvertible {
    /// An argument holds an infinity or NaN, first at `position` (row, column).
    case notFinite(operation: String, shape: Tensor.Shape, position: [Int])
    /// The leading minor of order `leadingMinor` of a matrix of `size` rows is not positive.
    case notPositiveDefinite(leadingMinor: Int, size: Int)
    /// The matrix has no inverse in its precision. `reciprocalCondition` is the smallest relative
    /// change that would make it exactly singular: 0 if it already is.
    case singular(shape: Tensor.Shape, reciprocalCondition: Double)
    /// The iteration inside `operation` did not settle.
    case didNotConverge(operation: String, shape: Tensor.Shape)
    /// LAPACK counts elements in 32 bits, and this matrix or its working memory has more.
    case tooLarge(operation: String, shape: Tensor.Shape)
    /// The system had no working memory left.
    case outOfMemory(operation: String, shape: Tensor.Shape)

    /// What failed and what to do about it.
    public var description: String {
        switch self {
        case .notFinite(let operation, let shape, let position):
            "\(operation): the argument of shape \(shape) holds NaN or infinity at \(position); "
                + "find out where it comes from, or remove those rows"
        case .notPositiveDefinite(let leadingMinor, let size):
            "the \(size) × \(size) matrix is not positive definite: its leading minor of order "
                + "\(leadingMinor) is not positive; add a small multiple of the identity "
                + "(ridge), or use leastSquares"
        case .singular(let shape, let reciprocalCondition):
            "the matrix of shape \(shape) is singular in its precision (reciprocal condition "
                + "number \(reciprocalCondition)); use leastSquares, or float64"
        case .didNotConverge(let operation, let shape):
            "\(operation) of a matrix of shape \(shape) did not converge; scale it, or use float64"
        case .tooLarge(let operation, let shape):
            "\(operation) of a matrix of shape \(shape) needs more than \(Int32.max) elements, "
                + "which LAPACK cannot count; use fewer rows or columns"
        case .outOfMemory(let operation, let shape):
            "\(operation) of a matrix of shape \(shape) found no memory to work in; "
                + "free some, or use fewer rows or columns"
        }
    }
}
