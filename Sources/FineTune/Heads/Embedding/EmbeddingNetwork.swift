public import Autograd
public import Layers
import Tensor

/// No layers: the features themselves are the answer. What heads have that train the backbone's
/// vectors.
public final class EmbeddingNetwork: HeadNetwork {
    /// None.
    public let parameters: [Parameter] = []

    /// Nothing to load.
    public init() {}

    /// The features.
    public func callAsFunction(_ features: Variable, in pass: Pass) -> Variable { features }
}

extension Variable {
    /// Each row scaled to length 1. A row of zeros stays one.
    func rowsNormalized() -> Variable {
        // The square of PyTorch's smallest length, 1e-12, so that 0 is never divided by.
        let squares = squared().sum(axis: 1) + constant(1e-24)
        return self / squares.squareRoot().reshaped([shape[0], 1])
    }

    /// The cosine of the angle between corresponding rows, shape `[rows]`.
    func rowCosines(with other: Variable) -> Variable {
        (rowsNormalized() * other.rowsNormalized()).sum(axis: 1)
    }

    /// The distance of corresponding rows, shape `[rows]`. Equal rows are 1e-6 apart, as in PyTorch:
    /// there the distance has no gradient.
    func rowDistances(to other: Variable) -> Variable {
        ((self - other).squared().sum(axis: 1) + constant(1e-12)).squareRoot()
    }

    /// Every `count`-th row from `first` on: one text of each group.
    func rows(from first: Int, every count: Int) -> Variable {
        gatheringRows(stride(from: first, to: shape[0], by: count).map(Int32.init))
    }

    func constant(_ number: Double) -> Variable {
        Variable(Tensor(repeating: number, shape: [1], dtype: value.dtype))
    }
}
