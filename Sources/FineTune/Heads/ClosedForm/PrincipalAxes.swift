import Tensor

/// Features in the coordinates of their principal axes, where `XᵀX` is diagonal and every penalty on
/// the squared length of the weights stays what it is.
///
/// Axes along which the features do not vary are left out: penalised weights are 0 there.
struct PrincipalAxes {
    /// `X V`, shape `[rows, axes]`.
    let scores: Tensor
    /// The eigenvalues of `XᵀX`, in ascending order, all positive.
    let values: [Double]
    /// `V`, with orthonormal columns, shape `[width, axes]`.
    private let axes: Tensor

    /// The principal axes of `x`, `float64` of shape `[rows, width]`.
    ///
    /// Found from the smaller of `XᵀX` and `XXᵀ`.
    init(_ x: Tensor) throws(LinearAlgebraError) {
        let (rows, width) = (x.shape[0], x.shape[1])
        let isTall = rows >= width
        let products = Tensor.matmul(x, x, transposingA: isTall, transposingB: !isTall)
        let eigen = try products.symmetricEigen()
        let all = eigen.values.elements(as: Double.self)
        let rounding = Double.ulpOfOne * Double(max(rows, width)) * max(all.last ?? 0, 0)
        let first = all.firstIndex { $0 > rounding } ?? all.count
        values = Array(all[first...])
        let vectors = eigen.vectors.sliced(first..<all.count, axis: 1).contiguous()
        if isTall {
            axes = vectors
            scores = Tensor.matmul(x, vectors)
        } else {
            let eigenvalues = Tensor(values)
            scores = vectors * eigenvalues.squareRoot()
            axes = Tensor.matmul(x, scores, transposingA: true) / eigenvalues
        }
    }

    /// Weights of the features, shape `[outputs, width]`, from weights of the scores, shape
    /// `[outputs, axes]`.
    func featureWeights(_ weights: Tensor) -> Tensor {
        Tensor.matmul(weights, axes, transposingB: true)
    }
}
