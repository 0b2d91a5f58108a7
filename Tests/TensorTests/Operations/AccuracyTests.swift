import Foundation
import Tensor
import TestSupport
import Testing

/// The functions that float32 computes by polynomials of the library's own, in units in the last
/// place (ulp) of the exact result, over every 4999th float: all magnitudes, both signs.
@Suite struct AccuracyTests {
    /// Every 4999th bit pattern that is a finite number, plus the numbers around which the
    /// implementations change their way of computing, and their neighbours.
    private static let grid: [Float] = {
        let patterns = stride(from: UInt32(0), to: 0x7f80_0000, by: 4999)
        let magnitudes = patterns.map(Float.init(bitPattern:))
        let edges: [Float] = [
            0, .leastNonzeroMagnitude, .leastNormalMagnitude, 0.25, 1, 9.01, 9.02, 10.05, 13.2, 17,
            44.36, 87.33654, 87.336548, 88, 88.37, 88.72283, 88.722839, 88.72284, 103.9, 104,
            .greatestFiniteMagnitude,
        ]
        let all = magnitudes + edges.flatMap { [$0, $0.nextUp, $0.nextDown] }.filter(\.isFinite)
        return all + all.map { -$0 }
    }()

    /// The largest error in ulp where the exact result is a normal number, and the largest absolute
    /// error elsewhere.
    private func errors(
        over grid: [Float], _ function: (Tensor) -> Tensor, exact: (Double) -> Double
    ) -> (ulp: Double, at: Float, nearZero: Double) {
        let results = function(Tensor(grid)).elements(as: Float.self)
        var (worst, place, nearZero) = (0.0, Float(0), 0.0)
        for (x, y) in zip(grid, results) {
            let wanted = exact(Double(x))
            let rounded = Float(wanted)
            guard rounded.isFinite, y.isFinite else {
                if y != rounded { (worst, place) = (.infinity, x) }
                continue
            }
            let error = abs(Double(y) - wanted)
            if rounded.magnitude < .leastNormalMagnitude {
                nearZero = max(nearZero, error)
            } else if error / Double(rounded.ulp) > worst {
                (worst, place) = (error / Double(rounded.ulp), x)
            }
        }
        return (worst, place, nearZero)
    }

    /// Results below the smallest normal number, 1.2e-38, become 0.
    private let flushed = Double(Float.leastNormalMagnitude)

    @Test func exponential() {
        let (ulp, at, nearZero) = errors(over: Self.grid, { $0.exp() }, exact: exp)
        #expect(ulp <= 2, "at \(at)")
        #expect(nearZero <= flushed)
    }

    @Test func hyperbolicTangent() {
        let (ulp, at, nearZero) = errors(
            over: Self.grid, { $0.activated(.tanh) }, exact: tanh)
        #expect(ulp <= 4, "at \(at)")
        #expect(nearZero <= flushed)
    }

    @Test func sigmoid() {
        let (ulp, at, nearZero) = errors(
            over: Self.grid, { $0.activated(.sigmoid) },
            exact: { Reference.activation(.sigmoid, $0) })
        #expect(ulp <= 4, "at \(at)")
        #expect(nearZero <= flushed)
    }

    @Test func logarithmAndSquareRootAreCorrectlyRounded() {
        let positive = Self.grid.filter { $0 >= 0 }
        #expect(errors(over: positive, { $0.log() }, exact: log).ulp <= 0.5001)
        #expect(
            errors(over: positive, { $0.squareRoot() }, exact: { $0.squareRoot() }).ulp <= 0.5001)
    }

    /// The relative error of exp(−x² / 2) is that of x² / 2, which is rounded: about x² / 4 ulp. It
    /// is within 8 ulp where GELU matters, and grows with x² in the tail, where the result is below
    /// 1e-6 of x; the common x (1 + erf(x / √2)) / 2 has no correct digit there.
    @Test(arguments: [(0.0, 3.0, 8.0), (3, 5, 16), (5, 9, 48), (9, 14, 100), (14, 1e38, 1)])
    func exactGELU(_ from: Double, _ to: Double, _ allowed: Double) {
        let grid = Self.grid.filter { (from..<to).contains(Double(abs($0))) }
        let (ulp, at, nearZero) = errors(
            over: grid, { $0.activated(.gelu) }, exact: { Reference.activation(.gelu, $0) })
        #expect(ulp <= allowed, "at \(at)")
        // The bell is flushed to 0 a factor of x before the product would be.
        #expect(nearZero <= 16 * flushed)
    }

    /// 1 + tanh cancels for negative x: the error is that of a number of size 1, times x / 2.
    @Test(arguments: [Activation.geluTanh, .silu])
    func otherActivationsAreAbsolutelyAccurate(_ activation: Activation) {
        let grid = Self.grid.filter { abs($0) < 1e30 }
        let results = Tensor(grid).activated(activation).elements(as: Float.self)
        for (x, y) in zip(grid, results) {
            let wanted = Reference.activation(activation, Double(x))
            let allowed = Double(x.magnitude) * 4e-7 + flushed
            if !(abs(Double(y) - wanted) <= allowed) {
                Issue.record("\(activation)(\(x)) = \(y), not \(wanted)")
                return
            }
        }
    }

    /// The kernels take vectors of 16 and a rest: no lane and no count gives other bits.
    @Test(arguments: Activation.allCases)
    func everyLaneComputesTheSame(_ activation: Activation) {
        for x in [Float(-9.5), -0.1, 0.3, 2, 100, -.infinity, .nan] {
            let alone = Tensor([x]).activated(activation).elements(as: Float.self)[0]
            for count in 2..<40 {
                let all = Tensor([Float](repeating: x, count: count)).activated(activation)
                #expect(
                    all.elements(as: Float.self).allSatisfy { $0.bitPattern == alone.bitPattern })
            }
        }
    }

    /// As PyTorch: GELU and SiLU of −∞ are −∞ · 0.
    @Test(arguments: computableTypes)
    func infinitiesAndNaN(_ dtype: Tensor.DType) {
        let infinity = Double.infinity
        let x = Tensor([infinity, -infinity, .nan]).converted(to: dtype)
        let expected: [Activation: [Double]] = [
            .identity: [infinity, -infinity, .nan], .relu: [infinity, 0, .nan],
            .gelu: [infinity, .nan, .nan], .geluTanh: [infinity, .nan, .nan],
            .tanh: [1, -1, .nan], .sigmoid: [1, 0, .nan], .silu: [infinity, .nan, .nan],
            .relu6: [6, 0, .nan], .hardSigmoid: [1, 0, .nan],
            .hardSwish: [infinity, .nan, .nan],
        ]
        for activation in Activation.allCases {
            #expect(
                mismatch(
                    x.activated(activation), expected[activation] ?? [], within: Tolerance())
                    == nil, "\(activation)")
        }
    }

    /// Derivatives at numbers whose square or cube overflows.
    @Test(arguments: computableTypes, Activation.allCases)
    func derivativesOfHugeNumbers(_ dtype: Tensor.DType, _ activation: Activation) {
        let huge = dtype == .float32 ? 1e38 : 1e300
        let x = Tensor([100, -100, 1e15, -1e15, huge, -huge]).converted(to: dtype)
        let ones = Tensor(repeating: 1, shape: [6], dtype: dtype)
        let far: [Double] =
            switch activation {
            case .identity: [1, 1, 1, 1, 1, 1]
            case .relu, .gelu, .geluTanh, .silu, .hardSwish: [1, 0, 1, 0, 1, 0]
            case .tanh, .sigmoid, .relu6, .hardSigmoid: [0, 0, 0, 0, 0, 0]
            }
        let slope = ones.activationGradient(activation, input: x)
        #expect(mismatch(slope, far, within: Tolerance(absolute: 1e-38)) == nil)
    }
}
