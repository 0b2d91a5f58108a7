public import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Losses are sums over the batch: what they are divided by is known to the caller, who may have
// split the batch. See `Trainer`.
extension Variable {
    /// `− Σ targets · log softmax(x)`, summed over rows.
    ///
    /// Class weights and label smoothing are part of the targets, which need not sum to 1.
    ///
    /// - Parameter targets: Shape `[rows, classes]`, like this.
    /// - Returns: Shape `[]`.
    public func softmaxCrossEntropy(targets: Tensor) -> Variable {
        require(
            shape == targets.shape && shape.rank == 2,
            "targets of shape \(targets.shape) do not fit logits of shape \(shape)")
        let dtype = value.dtype
        let (rows, classes) = (shape[0], shape[1])
        let x = value.converted(to: .float64).elements(as: Double.self)
        let t = targets.converted(to: .float64).elements(as: Double.self)
        var loss = 0.0
        var gradient = [Double](repeating: 0, count: x.count)
        for row in 0..<rows {
            let range = row * classes..<(row + 1) * classes
            let logSum = logSumExp(x[range])
            let total = t[range].reduce(0, +)
            for index in range {
                let logProbability = x[index] - logSum
                // 0 · −∞ is 0 here: a class without weight costs nothing.
                if t[index] != 0 { loss -= t[index] * logProbability }
                gradient[index] = exponential(logProbability) * total - t[index]
            }
        }
        let dx = Tensor(gradient, shape: shape).converted(to: dtype)
        return Variable(Tensor(repeating: loss, shape: [], dtype: dtype), from: [self]) { dy in
            [dx * dy.scalar]
        }
    }

    /// `Σ weights · (log(1 + exp x) − targets · x)`: the cross-entropy of independent yes-or-no
    /// answers with their logits.
    ///
    /// - Parameters:
    ///   - targets: Between 0 and 1; same shape as this.
    ///   - weights: Same shape as this; 1 by default.
    /// - Returns: Shape `[]`.
    public func sigmoidCrossEntropy(targets: Tensor, weights: Tensor? = nil) -> Variable {
        require(
            shape == targets.shape && weights.map { $0.shape == shape } != false,
            "targets of shape \(targets.shape) do not fit logits of shape \(shape)")
        let dtype = value.dtype
        let x = value.converted(to: .float64).elements(as: Double.self)
        let t = targets.converted(to: .float64).elements(as: Double.self)
        let w = weights?.converted(to: .float64).elements(as: Double.self)
        var loss = 0.0
        var gradient = x
        for index in x.indices {
            let weight = w?[index] ?? 1
            // max(x, 0) − x t + log(1 + exp −|x|) overflows nowhere.
            let small = exponential(-abs(x[index]))
            loss += weight * (max(x[index], 0) - x[index] * t[index] + logOnePlus(small))
            let probability = x[index] >= 0 ? 1 / (1 + small) : small / (1 + small)
            gradient[index] = weight * (probability - t[index])
        }
        let dx = Tensor(gradient, shape: shape).converted(to: dtype)
        return Variable(Tensor(repeating: loss, shape: [], dtype: dtype), from: [self]) { dy in
            [dx * dy.scalar]
        }
    }

    /// `Σ (x − targets)²`.
    ///
    /// - Parameter targets: Same shape as this.
    /// - Returns: Shape `[]`.
    public func squaredError(targets: Tensor) -> Variable {
        require(
            shape == targets.shape,
            "targets of shape \(targets.shape) do not fit outputs of shape \(shape)")
        let difference = value - targets.converted(to: value.dtype)
        let loss = Tensor(
            repeating: difference.sumOfSquares(), shape: [], dtype: value.dtype)
        return Variable(loss, from: [self]) { [difference * (2 * $0.scalar)] }
    }
}

private func logSumExp(_ x: ArraySlice<Double>) -> Double {
    let largest = x.reduce(-Double.infinity) { $1 > $0 ? $1 : $0 }
    guard largest.isFinite else { return x.contains { $0.isNaN } ? .nan : largest }
    return largest + log(x.reduce(0) { $0 + exp($1 - largest) })
}

private func exponential(_ x: Double) -> Double { exp(x) }
private func logOnePlus(_ x: Double) -> Double { log1p(x) }
