extension Tensor {
    /// The result of ``Tensor/leastSquares(_:rankTolerance:)``.
    public struct LeastSquares: Sendable {
        /// The solution of least norm, shape `[n]` or `[n, k]`.
        public let solution: Tensor
        /// The number of singular values of the matrix that count as more than zero.
        public let rank: Int
    }

    /// The `X` of least norm among those that minimise `‖A X − B‖`, column by column, where `A` is
    /// this matrix of shape `[m, n]`; and the rank of `A`.
    ///
    /// LAPACK's `gels` (QR, 2mn² operations for m ≥ n) where the condition number of its factor
    /// proves full rank, else `gelsd` (SVD, several times as much).
    ///
    /// - Parameters:
    ///   - b: Shape `[m]` or `[m, k]`, of the same type.
    ///   - rankTolerance: Singular values up to this part of the largest count as zero. By default
    ///     the precision of the type times max(m, n), which is the size of rounding errors
    ///     (Numerical Recipes, third edition, section 15.4).
    /// - Returns: The solution, `[n]` or `[n, k]` as `b` is, and the rank.
    /// - Throws: ``LinearAlgebraError``: `didNotConverge`, `notFinite`, `tooLarge`, `outOfMemory`.
    ///   A singular or rank-deficient matrix is none.
    /// - Precondition: A matrix of `float32` or `float64`, and `b` has as many rows; the tolerance
    ///   is not negative.
    public func leastSquares(
        _ b: Tensor, rankTolerance: Double? = nil
    ) throws(LinearAlgebraError) -> LeastSquares {
        requireMatrix("leastSquares")
        b.requireRightHandSide(of: self, "leastSquares")
        if let rankTolerance {
            require(rankTolerance >= 0, "a tolerance for the rank of \(rankTolerance)")
        }
        return dtype == .float32
            ? try leastSquares(b, Float.self, rankTolerance)
            : try leastSquares(b, Double.self, rankTolerance)
    }

    private func leastSquares<Scalar: LAPACKScalar>(
        _ b: Tensor, _: Scalar.Type, _ rankTolerance: Double?
    ) throws(LinearAlgebraError) -> LeastSquares {
        let (rows, columns) = (shape[0], shape[1])
        let height = Swift.max(rows, columns)
        // Working memory of gelsd: up to 32 numbers a row and column, a square, 26², and the right-
        // hand sides once more.
        let small = Swift.min(rows, columns)
        try requireCountable(
            "leastSquares", [rows, columns], [2, small + 256, small + 256],
            [256, height], [2, height, b.columnCount])
        let matrix: [Scalar] = try finiteColumns("leastSquares", height: rows)
        let right: [Scalar] = try b.finiteColumns("leastSquares", height: Swift.max(height, 1))
        let tolerance = Scalar(rankTolerance ?? Double(Scalar.ulpOfOne) * Double(height))
        guard small > 0, b.columnCount > 0 else {
            // LAPACK's routines find no rank of an empty matrix, nor one without a right-hand side.
            let zeros = [Scalar](repeating: 0, count: height)
            let rank = small > 0 ? try solvedAtAnyRank(matrix, zeros, tolerance).rank : 0
            let solution = Tensor(zeros: Shape([columns] + b.shape.dropFirst()), dtype: dtype)
            return LeastSquares(solution: solution, rank: rank)
        }
        if let x = try solvedAtFullRank(matrix, right, tolerance) {
            return LeastSquares(
                solution: b.solution(x, height: height, rows: columns), rank: small)
        }
        let (x, rank) = try solvedAtAnyRank(matrix, right, tolerance)
        return LeastSquares(solution: b.solution(x, height: height, rows: columns), rank: rank)
    }

    /// The solution by QR, or nil if the matrix may lack full rank.
    private func solvedAtFullRank<Scalar: LAPACKScalar>(
        _ elements: [Scalar], _ right: [Scalar], _ tolerance: Scalar
    ) throws(LinearAlgebraError) -> [Scalar]? {
        let (rows, columns) = (shape[0], shape[1])
        let (height, size) = (Swift.max(rows, columns), Swift.min(rows, columns))
        var (factors, x) = (elements, right)
        let status = Scalar.lapack.gels(
            lapackColumnMajor, .lapack("N"), Int32(rows), Int32(columns),
            Int32(right.count / height), &factors, Int32(rows), &x, Int32(height))
        try requireMemory(status, "leastSquares")
        guard status == 0 else { return nil }
        // `factors` now begins with the triangle of QR (rows ≥ columns) or LQ.
        var inverses: [Scalar] = [0, 0]
        for (index, norm) in [CChar.lapack("1"), .lapack("I")].enumerated() {
            let estimated = Scalar.lapack.trcon(
                lapackColumnMajor, norm, .lapack(rows >= columns ? "U" : "L"), .lapack("N"),
                Int32(size), factors, Int32(rows), &inverses[index])
            try requireMemory(estimated, "leastSquares")
        }
        // ‖A‖₂² ≤ ‖A‖₁ ‖A‖∞ bounds the condition number in the 2-norm, which the tolerance is about.
        // LAPACK's estimates are rarely wrong by more than 3 (Higham, section 15.2): allow for 10.
        return (inverses[0] * inverses[1]).squareRoot() > 10 * tolerance ? x : nil
    }

    /// The solution by SVD.
    private func solvedAtAnyRank<Scalar: LAPACKScalar>(
        _ elements: [Scalar], _ right: [Scalar], _ tolerance: Scalar
    ) throws(LinearAlgebraError) -> ([Scalar], rank: Int) {
        let (rows, columns) = (shape[0], shape[1])
        let height = Swift.max(rows, columns)
        var (matrix, x) = (elements, right)
        var singularValues = [Scalar](repeating: 0, count: Swift.min(rows, columns))
        var rank: Int32 = 0
        let status = Scalar.lapack.gelsd(
            lapackColumnMajor, Int32(rows), Int32(columns), Int32(right.count / height), &matrix,
            Int32(rows), &x, Int32(height), &singularValues, tolerance, &rank)
        try requireMemory(status, "leastSquares")
        guard status == 0 else { throw .didNotConverge(operation: "leastSquares", shape: shape) }
        return (x, Int(rank))
    }
}
