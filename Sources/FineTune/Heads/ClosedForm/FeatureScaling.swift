import Tensor

/// Brings each feature to mean 0 and variance 1, and a linear map of such features back to one of the
/// features as they are.
struct FeatureScaling {
    /// Shape `[width]`.
    private let mean: Tensor
    /// The reciprocal of each feature's standard deviation, with n in its denominator; 0 for a
    /// feature that is constant, which tells nothing. Shape `[width]`.
    private let factor: Tensor

    /// A deviation of less than this part of the mean is what rounding to `float32` leaves.
    private static let rounding = 4 * Double(Float.ulpOfOne)

    /// The scaling of these features, `float64` of shape `[rows, width]`.
    init(_ features: Tensor) {
        mean = features.mean(axis: 0)
        let deviations = (features - mean).squared().mean(axis: 0).squareRoot()
        let pairs = zip(deviations.elements(as: Double.self), mean.elements(as: Double.self))
        factor = Tensor(pairs.map { $0 > Self.rounding * abs($1) ? 1 / $0 : 0 })
    }

    /// `(x − mean) · factor`.
    func standardized(_ features: Tensor) -> Tensor { (features - mean) * factor }

    /// The map of unscaled features that gives what `solution` gives of standardised ones.
    func unscaled(_ solution: LinearSolution) -> LinearSolution {
        let weight = solution.weight * factor
        let shifts = Tensor.matmul(weight, mean.reshaped([mean.elementCount, 1]))
        let bias = zip(solution.bias, shifts.elements(as: Double.self)).map { $0 - $1 }
        return LinearSolution(
            weight: weight, bias: bias, penalty: solution.penalty, trials: solution.trials)
    }
}

/// Throws if a feature is infinite or not a number.
func checkFinite(_ features: Tensor) throws(HeadSolverError) {
    guard !features.isFinite else { return }
    let width = features.shape[1]
    let position = features.elements(as: Double.self).firstIndex { !$0.isFinite } ?? 0
    throw .nonFiniteFeatures(example: width > 0 ? position / width : 0)
}
