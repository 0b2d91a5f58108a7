public import Tensor

/// How far two tensors may be apart: `|actual - expected| <= absolute + relative * |expected|`.
public struct Tolerance: Sendable, Hashable, CustomStringConvertible {
    /// Allowed whatever the size of the number.
    public var absolute: Double
    /// Allowed for each unit of the expected number's magnitude.
    public var relative: Double

    /// A tolerance of these parts.
    public init(absolute: Double = 0, relative: Double = 0) {
        (self.absolute, self.relative) = (absolute, relative)
    }

    /// What an element of this magnitude may be wrong by.
    public func allowed(for expected: Double) -> Double { absolute + relative * abs(expected) }

    /// Such as `1e-07 + 1e-05 * |expected|`.
    public var description: String { "\(absolute) + \(relative) * |expected|" }
}

/// Says how `actual` differs from `expected`, or nil if it does not: shape, type, and every element
/// within the tolerance. NaN equals NaN, and an infinity itself.
///
/// Written for `#expect(mismatch(a, b, within: t) == nil)`, which prints the message.
public func mismatch(
    _ actual: Tensor, _ expected: Tensor, within tolerance: Tolerance
) -> String? {
    guard actual.shape == expected.shape, actual.dtype == expected.dtype else {
        return "found \(actual.dtype) \(actual.shape), expected \(expected.dtype) \(expected.shape)"
    }
    let wanted = doubles(expected)
    return mismatch(
        doubles(actual), wanted, shape: actual.shape, allowed: wanted.map(tolerance.allowed))
}

/// Says how a tensor differs from numbers in row-major order, or nil if it does not.
public func mismatch(
    _ actual: Tensor, _ expected: [Double], within tolerance: Tolerance
) -> String? {
    guard actual.elementCount == expected.count else {
        return "found \(actual.shape), expected \(expected.count) elements"
    }
    return mismatch(
        doubles(actual), expected, shape: actual.shape, allowed: expected.map(tolerance.allowed))
}

/// Says how a tensor differs from numbers in row-major order, each with an allowance of its own, or
/// nil if it does not.
public func mismatch(_ actual: Tensor, _ expected: [Double], allowed: [Double]) -> String? {
    guard actual.elementCount == expected.count, expected.count == allowed.count else {
        return "found \(actual.shape), expected \(expected.count) elements"
    }
    return mismatch(doubles(actual), expected, shape: actual.shape, allowed: allowed)
}

/// Says how a number differs from another, or nil if it does not.
public func mismatch(
    _ actual: Double, _ expected: Double, within tolerance: Tolerance
) -> String? {
    mismatch([actual], [expected], shape: [], allowed: [tolerance.allowed(for: expected)])
}

private func mismatch(
    _ actual: [Double], _ expected: [Double], shape: Tensor.Shape, allowed: [Double]
) -> String? {
    var wrong = 0
    var worst = (position: 0, excess: -Double.infinity)
    for (position, (found, wanted)) in zip(actual, expected).enumerated() {
        if found == wanted || found.isNaN && wanted.isNaN { continue }
        let distance = abs(found - wanted)
        // A NaN or an infinity on one side only is as wrong as can be.
        let excess =
            distance.isFinite && wanted.isFinite
            ? distance - allowed[position] : Double.infinity
        guard excess > 0 else { continue }
        wrong += 1
        if excess > worst.excess { worst = (position, excess) }
    }
    guard wrong > 0 else { return nil }
    let (found, wanted) = (actual[worst.position], expected[worst.position])
    return "\(wrong) of \(actual.count) elements of \(shape) are off; the worst at "
        + "\(index(of: worst.position, in: shape)): found \(found), expected \(wanted), "
        + "apart \(abs(found - wanted)), allowed \(allowed[worst.position])"
}

/// Says how the distance of two tensors compares with the norm of the second, or nil if
/// `‖actual − expected‖ <= relative ‖expected‖ + absolute`.
public func normMismatch(
    _ actual: Tensor, _ expected: Tensor, relative: Double, absolute: Double = 0
) -> String? {
    guard actual.shape == expected.shape else {
        return "found the shape \(actual.shape), expected \(expected.shape)"
    }
    let (a, b) = (doubles(actual), doubles(expected))
    let distance = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    let norm = b.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let allowed = relative * norm + absolute
    return distance <= allowed
        ? nil : "apart by a norm of \(distance), allowed \(allowed) beside a norm of \(norm)"
}

/// Whether two tensors have the same shape, type and bits.
public func sameBits(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape == b.shape && a.dtype == b.dtype
        && a.withUnsafeBytes { x in b.withUnsafeBytes { y in x.elementsEqual(y) } }
}

/// The elements in row-major order, as `Double`.
public func doubles(_ tensor: Tensor) -> [Double] {
    tensor.converted(to: .float64).elements(as: Double.self)
}

/// The index of the element at a row-major position.
private func index(of position: Int, in shape: Tensor.Shape) -> [Int] {
    var rest = position
    var result: [Int] = []
    for size in shape.reversed() {
        result.append(rest % max(size, 1))
        rest /= max(size, 1)
    }
    return result.reversed()
}
