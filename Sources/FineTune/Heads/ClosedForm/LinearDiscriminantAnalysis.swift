import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How far a covariance is moved towards a multiple of the identity.
public enum CovarianceShrinkage: Sendable, Hashable {
    /// Not at all: needs more examples than features.
    case none
    /// This far, from 0 to 1.
    case fixed(Double)
    /// As far as the estimate of Ledoit and Wolf says, for each class by itself ("A well-conditioned
    /// estimator for large-dimensional covariance matrices", Journal of Multivariate Analysis 2004):
    /// scikit-learn's `shrinkage="auto"`.
    case ledoitWolf
}

/// Classes as normal distributions of one covariance (Fisher 1936; Hastie, Tibshirani and Friedman,
/// "The Elements of Statistical Learning", section 4.3). The outputs are the logarithms of the
/// classes' probabilities, up to a term that is the same for all.
///
/// The covariance is the mean of the classes' own, each with n in its denominator and shrunk by
/// itself, as in scikit-learn's `lsqr` solver. Where it is singular, the solution of least norm is
/// taken.
struct LinearDiscriminantAnalysis {
    let shrinkage: CovarianceShrinkage

    /// The map to the logarithms of the probabilities.
    ///
    /// - Parameters:
    ///   - x: Standardised features, shape `[rows, width]`.
    ///   - classes: The class of each row; every class occurs.
    ///   - priors: How probable each class is, summing to 1.
    /// - Returns: Weights of the standardised features.
    /// - Throws: ``HeadSolverError/unusablePenalty(_:)``, `LinearAlgebraError`.
    func solution(
        _ x: Tensor, classes: [Int], priors: [Double]
    ) throws -> LinearSolution {
        if case .fixed(let amount) = shrinkage, !(amount >= 0 && amount <= 1) {
            throw HeadSolverError.unusablePenalty(amount)
        }
        let width = x.shape[1]
        var means: [Double] = []
        var covariance = Tensor(zeros: [width, width], dtype: .float64)
        for (number, prior) in priors.enumerated() {
            let positions = classes.indices.filter { classes[$0] == number }
            let rows = x.gatheringRows(positions.map(Int32.init))
            let mean = rows.mean(axis: 0)
            means += mean.elements(as: Double.self)
            covariance.accumulate(shrunkCovariance(rows - mean), scale: prior)
        }
        let centers = Tensor(means, shape: [priors.count, width])
        let weight = try covariance.leastSquares(centers.transposed().contiguous()).solution
            .transposed().contiguous()
        let distances = (weight * centers).sum(axis: 1).elements(as: Double.self)
        let bias = zip(distances, priors).map { -0.5 * $0 + log($1) }
        let penalty: Double? = if case .fixed(let amount) = shrinkage { amount } else { nil }
        return LinearSolution(weight: weight, bias: bias, penalty: penalty)
    }

    /// The covariance of rows whose mean is 0.
    private func shrunkCovariance(_ x: Tensor) -> Tensor {
        switch shrinkage {
        case .none: return covariance(x)
        case .fixed(let amount): return shrunk(covariance(x), by: amount)
        case .ledoitWolf:
            // Shrunk where every feature has variance 1, so that none counts more by its unit.
            let deviation = x.squared().mean(axis: 0).squareRoot()
            let scales = deviation.elements(as: Double.self).map { $0 > 0 ? $0 : 1 }
            let scale = Tensor(scales)
            let scaled = x / scale
            let result = shrunk(covariance(scaled), by: ledoitWolfShrinkage(scaled))
            return result * scale * scale.reshaped([scales.count, 1])
        }
    }

    private func covariance(_ x: Tensor) -> Tensor {
        Tensor.matmul(x, x, transposingA: true) / Double(x.shape[0])
    }

    /// `(1 − amount) C + amount · mean(diagonal of C) · I`.
    private func shrunk(_ covariance: Tensor, by amount: Double) -> Tensor {
        let width = covariance.shape[0]
        var elements = (covariance * (1 - amount)).elements(as: Double.self)
        let diagonal = covariance.elements(as: Double.self)
        let trace = (0..<width).reduce(0) { $0 + diagonal[$1 * width + $1] }
        for index in 0..<width {
            elements[index * width + index] += amount * trace / Double(width)
        }
        return Tensor(elements, shape: covariance.shape)
    }

    /// The paper's lemma 3.2 to 3.5: `min(b², d²) / d²`, where d² is the distance of the sample
    /// covariance from a multiple of the identity and b² its own error.
    private func ledoitWolfShrinkage(_ x: Tensor) -> Double {
        let (rows, width) = (Double(x.shape[0]), Double(x.shape[1]))
        guard width > 1 else { return 0 }
        let squares = x.squared()
        let trace = squares.sum() / rows
        let mean = trace / width
        let lengths = squares.sum(axis: 1)
        let spread = Tensor.matmul(x, x, transposingA: true).sumOfSquares() / (rows * rows)
        let error = (lengths.sumOfSquares() / rows - spread) / (width * rows)
        let distance = (spread - 2 * mean * trace + width * mean * mean) / width
        return min(error, distance) == 0 ? 0 : min(error, distance) / distance
    }
}
