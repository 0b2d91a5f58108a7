import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

func decimalPower(_ exponent: Double) -> Double { pow(10, exponent) }

/// `Σ cross-entropy(softmax(z Wᵀ + b), t) + penalty / 2 ‖W‖²` with its gradient and curvature.
///
/// Minimised by Newton's method whose steps are found by conjugate gradients (Nocedal and Wright,
/// "Numerical Optimization", second edition, section 7.1), which needs products with the Hessian but
/// not the Hessian. On principal axes its diagonal is known and near to the whole, so that few
/// products are enough.
struct LogisticObjective {
    /// A place: weights `[classes, axes]` row after row, then the biases.
    struct Point {
        var values: [Double]
        let classes: Int

        var weights: [Double] { Array(values.dropLast(classes)) }
        var biases: [Double] { Array(values.suffix(classes)) }
    }

    /// Shape `[rows, axes]`.
    let scores: Tensor
    /// The sum of the squares of each column of `scores`.
    let curvatures: [Double]
    /// Shape `[rows, classes]`, row after row. A row sums to the weight of its example.
    let targets: [Double]
    let classes: Int
    let penalty: Double

    private var axes: Int { curvatures.count }
    private var rows: Int { scores.shape[0] }

    // MARK: The function

    /// The value at a point and the probabilities there, shape `[rows, classes]`.
    private func evaluated(at point: Point) -> (value: Double, probabilities: [Double]) {
        var outputs = linear(point.values)
        let loss = crossEntropy(&outputs, targets: targets)
        let squares = point.values.dropLast(classes).reduce(0) { $0 + $1 * $1 }
        return (loss + penalty / 2 * squares, outputs)
    }

    /// The loss of a model on other targets for the same rows, and their weight.
    func heldOutLoss(at point: Point, targets: [Double]) -> (loss: Double, weight: Double) {
        var outputs = linear(point.values)
        return (crossEntropy(&outputs, targets: targets), targets.reduce(0, +))
    }

    /// `z Wᵀ + b`, row after row.
    private func linear(_ values: [Double]) -> [Double] {
        let weights = Tensor(Array(values.dropLast(classes)), shape: [classes, axes])
        let bias = Tensor(Array(values.suffix(classes)))
        return (Tensor.matmul(scores, weights, transposingB: true) + bias)
            .elements(as: Double.self)
    }

    /// The loss of these outputs, which become probabilities.
    private func crossEntropy(_ outputs: inout [Double], targets: [Double]) -> Double {
        var loss = 0.0
        for row in 0..<rows {
            let range = row * classes..<(row + 1) * classes
            let largest = outputs[range].max() ?? 0
            var sum = 0.0
            for index in range { sum += exp(outputs[index] - largest) }
            let logSum = largest + log(sum)
            for index in range {
                if targets[index] != 0 { loss += targets[index] * (logSum - outputs[index]) }
                outputs[index] = exp(outputs[index] - logSum)
            }
        }
        return loss
    }

    private func gradient(at point: Point, _ probabilities: [Double], _ weights: [Double])
        -> [Double]
    {
        var errors = probabilities
        for row in 0..<rows {
            for index in row * classes..<(row + 1) * classes {
                errors[index] = weights[row] * probabilities[index] - targets[index]
            }
        }
        return backward(errors, adding: point.values)
    }

    /// The Hessian times a direction.
    private func curvature(
        along direction: [Double], _ probabilities: [Double], _ weights: [Double]
    ) -> [Double] {
        var changes = linear(direction)
        for row in 0..<rows {
            let range = row * classes..<(row + 1) * classes
            var mean = 0.0
            for index in range { mean += probabilities[index] * changes[index] }
            for index in range {
                changes[index] = weights[row] * probabilities[index] * (changes[index] - mean)
            }
        }
        return backward(changes, adding: direction)
    }

    /// `errorsᵀ z` and the sums of the errors, and the penalty's part for the weights in `values`.
    private func backward(_ errors: [Double], adding values: [Double]) -> [Double] {
        let matrix = Tensor(errors, shape: [rows, classes])
        var result = Tensor.matmul(matrix, scores, transposingA: true).elements(as: Double.self)
        for index in result.indices { result[index] += penalty * values[index] }
        return result + matrix.sum(axis: 0).elements(as: Double.self)
    }

    /// The diagonal of the Hessian, as if the probabilities did not depend on the features.
    private func diagonal(_ probabilities: [Double], _ weights: [Double]) -> [Double] {
        var variances = [Double](repeating: 0, count: classes)
        for row in 0..<rows {
            for label in 0..<classes {
                let p = probabilities[row * classes + label]
                variances[label] += weights[row] * p * (1 - p)
            }
        }
        let ofWeights = variances.flatMap { variance in
            curvatures.map { variance / Double(rows) * $0 + penalty }
        }
        return ofWeights + variances.map { max($0, 1e-12) }
    }

    // MARK: Newton's method

    /// The minimum, from where the gradient is `tolerance` of what it is at 0, measured by the
    /// diagonal of the Hessian.
    func minimum(from start: Point?, tolerance: Double) throws(HeadSolverError) -> Point {
        let weights = (0..<rows).map { row in
            targets[row * classes..<(row + 1) * classes].reduce(0, +)
        }
        var point = Point(
            values: [Double](repeating: 0, count: classes * (axes + 1)), classes: classes)
        var (value, probabilities) = evaluated(at: point)
        var slope = gradient(at: point, probabilities, weights)
        let scale = norm(slope, diagonal(probabilities, weights))
        if let start {
            point = start
            (value, probabilities) = evaluated(at: point)
            slope = gradient(at: point, probabilities, weights)
        }
        var distance = Double.infinity
        for _ in 0..<100 {
            let diagonal = diagonal(probabilities, weights)
            distance = norm(slope, diagonal)
            if distance <= tolerance * scale { return point }
            let step = newtonStep(
                slope, diagonal: diagonal,
                tolerance: min(0.25, (distance / scale).squareRoot()) * distance
            ) { curvature(along: $0, probabilities, weights) }
            guard let next = searched(from: point, value: value, slope: slope, along: step) else {
                break
            }
            (point, value, probabilities) = next
            slope = gradient(at: point, probabilities, weights)
        }
        // Where rounding ends the search, the point is as good as its precision allows.
        guard distance <= max(tolerance, 1e-6) * scale else {
            throw .didNotConverge(penalty: penalty)
        }
        return point
    }

    /// Halves the step until it lowers the value enough (Armijo's rule); nil if no step does.
    private func searched(
        from point: Point, value: Double, slope: [Double], along step: [Double]
    ) -> (Point, Double, [Double])? {
        let descent = dot(slope, step)
        let rounding = 8 * Double.ulpOfOne * abs(value)
        var length = 1.0
        while length > 1e-9 {
            let next = Point(
                values: zip(point.values, step).map { $0 + length * $1 }, classes: classes)
            let (newValue, probabilities) = evaluated(at: next)
            if newValue <= value + 1e-4 * length * descent + rounding {
                return (next, newValue, probabilities)
            }
            length /= 2
        }
        return nil
    }

    /// Solves `H step = −slope` by conjugate gradients, preconditioned by the diagonal.
    private func newtonStep(
        _ slope: [Double], diagonal: [Double], tolerance: Double,
        curvature: ([Double]) -> [Double]
    ) -> [Double] {
        var step = [Double](repeating: 0, count: slope.count)
        var residual = slope.map { -$0 }
        var scaled = zip(residual, diagonal).map { $0 / $1 }
        var direction = scaled
        var energy = dot(residual, scaled)
        for _ in 0..<250 where energy.squareRoot() > tolerance {
            let product = curvature(direction)
            let bend = dot(direction, product)
            guard bend > 0 else { break }
            let length = energy / bend
            for index in step.indices {
                step[index] += length * direction[index]
                residual[index] -= length * product[index]
                scaled[index] = residual[index] / diagonal[index]
            }
            let next = dot(residual, scaled)
            let ratio = next / energy
            energy = next
            for index in direction.indices {
                direction[index] = scaled[index] + ratio * direction[index]
            }
        }
        return step
    }

    /// `√(xᵀ D⁻¹ x)`.
    private func norm(_ x: [Double], _ diagonal: [Double]) -> Double {
        zip(x, diagonal).reduce(0) { $0 + $1.0 * $1.0 / $1.1 }.squareRoot()
    }

    private func dot(_ x: [Double], _ y: [Double]) -> Double {
        zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
