public import Autograd
public import Tensor

/// Compares the gradients of an operation with central differences in float64.
///
/// The scalar function is `f(x) = Σ weights · operation(x)` with random weights, so one check sees
/// every element of the output. Each input is moved element by element (a sample of the elements if
/// there are many), and as a whole in two random directions, which sees the elements that the sample
/// left out.
public struct GradientCheck {
    /// How far a gradient may be from its difference quotient.
    public static let tolerance = Tolerance(absolute: 1e-7, relative: 1e-5)

    /// The error of a central difference is h² f‴ / 6 from the curve and ε |f| / h from rounding:
    /// with h = 1e-5, about 1e-10 and 1e-11 for functions of size 1, far below the tolerance.
    private static let step = 1e-5
    private static let sampledElements = 40

    private let inputs: [Tensor]
    private let operation: ([Variable]) -> Variable
    private let weights: Tensor
    private var stream: RandomStream

    /// Runs every check.
    ///
    /// - Parameters:
    ///   - inputs: All `float64`; views are welcome.
    ///   - seed: Of the weights and directions.
    ///   - operation: From one variable per input to one result; the same result for the same
    ///     inputs.
    /// - Returns: What is wrong, one sentence each; empty if nothing is.
    public static func failures(
        of inputs: [Tensor], seed: UInt64 = 1, _ operation: ([Variable]) -> Variable
    ) -> [String] {
        withoutActuallyEscaping(operation) { operation in
            var check = GradientCheck(inputs: inputs, seed: seed, operation: operation)
            return check.constantFailures() + check.differenceFailures() + check.subsetFailures()
        }
    }

    private init(
        inputs: [Tensor], seed: UInt64, operation: @escaping ([Variable]) -> Variable
    ) {
        (self.inputs, self.operation) = (inputs, operation)
        stream = RandomStream(seed: seed, stream: 0x6472)
        let output = operation(inputs.map { Variable($0) }).value
        weights = Tensor(normal: output.shape, dtype: .float64, using: &stream)
    }

    private func projected(_ values: [Tensor]) -> Double {
        weights.dot(operation(values.map { Variable($0) }).value)
    }

    /// The gradient that each input receives, nil for those that are constants.
    private func gradients(
        needed: [Bool]
    ) -> (received: [Tensor?], output: Tensor, leaves: [WeakLeaf]) {
        let sinks = inputs.map { _ in ReceivedGradient() }
        let variables = zip(inputs, zip(sinks, needed)).map { input, leaf in
            leaf.1 ? Variable(input, gradientTo: leaf.0) : Variable(input)
        }
        let output = operation(variables)
        output.backward(seed: weights)
        return (sinks.map(\.gradient), output.value, sinks.map(WeakLeaf.init))
    }

    /// Constants record nothing, and views compute what contiguous tensors do.
    private func constantFailures() -> [String] {
        var failures: [String] = []
        let result = operation(inputs.map { Variable($0) })
        if result.needsGradient { failures.append("constants made a result that needs a gradient") }
        let dense = operation(inputs.map { Variable($0.copied()) })
        if !sameBits(result.value, dense.value) {
            failures.append("a view and a contiguous copy gave different results")
        }
        return failures
    }

    private mutating func differenceFailures() -> [String] {
        var failures: [String] = []
        let received = gradients(needed: inputs.map { _ in true }).received
        for (number, gradient) in received.enumerated() {
            let input = inputs[number]
            guard let gradient else {
                failures.append("input \(number) received no gradient")
                continue
            }
            guard gradient.shape == input.shape, gradient.dtype == .float64 else {
                failures.append(
                    "input \(number) of shape \(input.shape) received a gradient of "
                        + "\(gradient.dtype) \(gradient.shape)")
                continue
            }
            failures += elementFailures(of: number, gradient: doubles(gradient))
            failures += directionFailures(of: number, gradient: gradient)
        }
        return failures
    }

    private mutating func elementFailures(of number: Int, gradient: [Double]) -> [String] {
        var positions = Array(gradient.indices)
        if positions.count > Self.sampledElements {
            positions.shuffle(using: &stream)
            positions.removeLast(positions.count - Self.sampledElements)
        }
        let elements = doubles(inputs[number])
        return positions.compactMap { position in
            let step = Self.step * max(1, abs(elements[position]))
            var moved = elements
            moved[position] = elements[position] + step
            let above = projected(replacing: number, by: moved)
            moved[position] = elements[position] - step
            let below = projected(replacing: number, by: moved)
            return mismatch(
                gradient[position], (above - below) / (2 * step), within: Self.tolerance
            ).map { "input \(number), element \(position): \($0)" }
        }
    }

    private mutating func directionFailures(of number: Int, gradient: Tensor) -> [String] {
        let elements = doubles(inputs[number])
        return (0..<2).compactMap { _ in
            // Of length 1, so that the step is as small as that of one element.
            let drawn = elements.map { _ in stream.nextNormal() }
            let length = max(drawn.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-300)
            let direction = drawn.map { $0 / length }
            let along = zip(doubles(gradient), direction).reduce(0) { $0 + $1.0 * $1.1 }
            let above = zip(elements, direction).map { $0 + Self.step * $1 }
            let below = zip(elements, direction).map { $0 - Self.step * $1 }
            let quotient =
                (projected(replacing: number, by: above) - projected(replacing: number, by: below))
                / (2 * Self.step)
            return mismatch(along, quotient, within: Self.tolerance)
                .map { "input \(number), along a direction: \($0)" }
        }
    }

    /// Whatever other inputs are constants, a gradient has the same bits, and the tape is gone
    /// afterwards.
    private func subsetFailures() -> [String] {
        var failures: [String] = []
        let everything = gradients(needed: inputs.map { _ in true })
        for subset in 1..<(1 << inputs.count) {
            let needed = inputs.indices.map { subset >> $0 & 1 == 1 }
            let some = gradients(needed: needed)
            if some.leaves.contains(where: { $0.leaf != nil }) {
                failures.append("with gradients for \(needed) the tape was not freed")
            }
            if !sameBits(some.output, everything.output) {
                failures.append("with gradients for \(needed) the result has other bits")
            }
            for number in inputs.indices {
                switch (needed[number], some.received[number], everything.received[number]) {
                case (true, let one?, let other?) where sameBits(one, other): continue
                case (false, nil, _): continue
                default:
                    failures.append(
                        "with gradients for \(needed) input \(number) received another gradient")
                }
            }
        }
        return failures
    }

    private func projected(replacing number: Int, by elements: [Double]) -> Double {
        var values = inputs
        values[number] = Tensor(elements, shape: inputs[number].shape)
        return projected(values)
    }
}

/// Tells whether a tape still holds a leaf: the entries are counted for the whole process, where
/// other tests run at the same time.
private struct WeakLeaf {
    weak var leaf: ReceivedGradient?
}

/// A leaf that keeps the gradient it receives.
public final class ReceivedGradient: GradientSink {
    /// The sum of what was received; nil if nothing was.
    public private(set) var gradient: Tensor?
    /// How many times something was received.
    public private(set) var count = 0

    /// A leaf that has received nothing.
    public init() {}

    /// Adds a gradient.
    public func accumulate(_ part: Tensor) {
        count += 1
        if gradient == nil { gradient = part } else { gradient?.accumulate(part) }
    }
}
