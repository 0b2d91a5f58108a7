import Foundation
import Tensor
import TestSupport
import Testing

/// Random numbers and dropout masks against an independent Philox, and their statistics.
@Suite struct RandomTests {
    /// The known answers for `philox4x32 10` in `tests/kat_vectors` of the Random123 distribution.
    @Test(arguments: [
        (
            [0, 0, 0, 0] as [UInt32], [0, 0] as [UInt32],
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8] as [UInt32]
        ),
        (
            [UInt32](repeating: .max, count: 4), [UInt32](repeating: .max, count: 2),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        ),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        ),
    ])
    func referenceGivesThePublishedAnswers(
        _ counter: [UInt32], _ key: [UInt32], _ expected: [UInt32]
    ) {
        #expect(Reference.philox(counter: counter, key: key) == expected)
    }

    @Test(
        arguments: [
            (seed: 0, stream: 0), (1, 0), (0, 1), (.max, .max),
            (0x299f_31d0_a409_3822, 0x0370_7344_1319_8a2e),
        ] as [(seed: UInt64, stream: UInt64)])
    func streamIsPhilox(_ seed: UInt64, _ number: UInt64) {
        var stream = RandomStream(seed: seed, stream: number)
        let halves = { (value: UInt64) in
            [UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32)]
        }
        for position in 0..<100 as Range<UInt64> {
            let words = Reference.philox(
                counter: halves(position) + halves(number), key: halves(seed))
            #expect(halves(stream.next()) + halves(stream.next()) == words)
        }
    }

    @Test func zeroStreamBeginsWithTheFirstKnownAnswer() {
        var stream = RandomStream(seed: 0)
        #expect(stream.next() == 0xe169_c58d_6627_e8d5)
        #expect(stream.next() == 0x9b00_dbd8_bc57_ac4c)
    }

    /// The moments of n numbers lie within 5 standard errors of the distribution's.
    @Test func momentsOfTheDistributions() {
        let count = 100_000
        var stream = RandomStream(seed: 17)
        let uniform = (0..<count).map { _ in stream.nextUniform() }
        let normal = (0..<count).map { _ in stream.nextNormal() }
        let error = 5 / Double(count).squareRoot()
        #expect(uniform.allSatisfy { (0..<1).contains($0) })
        #expect(abs(moment(uniform, 1) - 0.5) < error * (1 / 12.0).squareRoot())
        #expect(abs(moment(uniform, 2) - 1 / 3.0) < error * (4 / 45.0).squareRoot())
        #expect(abs(moment(normal, 1)) < error)
        #expect(abs(moment(normal, 2) - 1) < error * 2.0.squareRoot())
        #expect(abs(moment(normal, 3)) < error * 15.0.squareRoot())
        #expect(abs(moment(normal, 4) - 3) < error * 96.0.squareRoot())
    }

    private func moment(_ x: [Double], _ power: Int) -> Double {
        x.reduce(0) { $0 + pow($1, Double(power)) } / Double(x.count)
    }

    @Test func tensorsAreDrawnInOrder() {
        var (one, two) = (RandomStream(seed: 3), RandomStream(seed: 3))
        let drawn = Tensor(
            normal: [4, 5], mean: 2, standardDeviation: 0.5, dtype: .float64, using: &one)
        let expected = (0..<20).map { _ in 2 + 0.5 * two.nextNormal() }
        #expect(doubles(drawn) == expected)
        let range = Tensor(uniform: [1000], in: -3..<5, using: &one)
        #expect(range.dtype == .float32)
        #expect(doubles(range).allSatisfy { (-3.0...5).contains($0) })
        #expect(one != two)
    }

    static let masks = [
        DropoutMask(rate: 0.1, seed: 0, layer: 0, step: 0),
        DropoutMask(rate: 0.5, seed: 0x299f_31d0_a409_3822, layer: 0x1319_8a2e, step: 0x0370_7344),
        DropoutMask(rate: 0.999, seed: .max, layer: .max, step: .max),
        DropoutMask(rate: 1e-12, seed: 1, layer: 2, step: 3),
    ]

    @Test(arguments: computableTypes, masks)
    func masksArePhilox(_ dtype: Tensor.DType, _ mask: DropoutMask) {
        for count in [1, 63, 64, 65, 1000, 16384 + 70] {
            let ones = Tensor(repeating: 1, shape: [count], dtype: dtype)
            let expected = (0..<count).map { Reference.multiplier(mask, at: $0) }
            #expect(
                mismatch(
                    ones.dropped(mask), expected,
                    within: Tolerance(relative: 2 * Reference.roundoff(dtype))) == nil)
        }
    }

    @Test(arguments: computableTypes)
    func masksMultiplyAndAdd(_ dtype: Tensor.DType) {
        let mask = DropoutMask(rate: 0.3, seed: 4, layer: 5, step: 6)
        let x = Samples.normal([70, 33], seed: 1, dtype: dtype)
        let residual = Samples.normal([70, 33], seed: 2, dtype: dtype)
        let multipliers = Tensor(repeating: 1, shape: [70, 33], dtype: dtype).dropped(mask)
        #expect(sameBits(x.dropped(mask), x * multipliers))
        let u = Reference.roundoff(dtype)
        let (products, rest) = (doubles(x * multipliers), doubles(residual))
        #expect(
            mismatch(
                x.dropped(mask, adding: residual), zip(products, rest).map { $0 + $1 },
                allowed: zip(products, rest).map { 2 * u * (2 * abs($0) + abs($1)) }) == nil)
        #expect(
            sameBits(
                Samples.strided(x).dropped(mask, adding: Samples.strided(residual)),
                x.dropped(mask, adding: residual)))
        let nothing = DropoutMask(rate: 0, seed: 4, layer: 5, step: 6)
        #expect(sameBits(x.dropped(nothing), x))
        #expect(sameBits(x.dropped(nothing, adding: residual), x + residual))
    }

    /// The share of zeros lies within 5 standard errors of the rate, the mean of 1.
    @Test(arguments: [0.05, 0.1, 0.5, 0.9])
    func masksKeepTheMean(_ rate: Double) {
        let count = 1 << 18
        let mask = DropoutMask(rate: rate, seed: 9, layer: 1, step: 1)
        let kept = Tensor(repeating: 1, shape: [count]).dropped(mask)
        let zeros = kept.elements(as: Float.self).count { $0 == 0 }
        let error = 5 * (rate * (1 - rate) / Double(count)).squareRoot()
        #expect(abs(Double(zeros) / Double(count) - rate) < error)
        #expect(abs(kept.mean() - 1) < error / (1 - rate))
    }

    /// Masks that differ in seed, layer or step agree no more often than chance.
    @Test func masksAreIndependent() {
        let count = 1 << 16
        let ones = Tensor(repeating: 1, shape: [count])
        let first = ones.dropped(DropoutMask(rate: 0.5, seed: 1, layer: 2, step: 3))
        for other in [
            DropoutMask(rate: 0.5, seed: 2, layer: 2, step: 3),
            DropoutMask(rate: 0.5, seed: 1, layer: 3, step: 3),
            DropoutMask(rate: 0.5, seed: 1, layer: 2, step: 4),
            DropoutMask(rate: 0.5, seed: 1, layer: 3, step: 2),
        ] {
            let agreeing = first.dot(ones.dropped(other)) / 4
            #expect(
                abs(agreeing / Double(count) - 0.25) < 5 * (0.1875 / Double(count)).squareRoot())
        }
        #expect(sameBits(first, ones.dropped(DropoutMask(rate: 0.5, seed: 1, layer: 2, step: 3))))
    }

    /// Both types drop the same elements.
    @Test func maskDoesNotDependOnTheType() {
        let mask = DropoutMask(rate: 0.5, seed: 1, layer: 2, step: 3)
        let single = Tensor(repeating: 1, shape: [1000], dtype: .float32).dropped(mask)
        let double = Tensor(repeating: 1, shape: [1000], dtype: .float64).dropped(mask)
        #expect(doubles(single) == doubles(double))
    }
}
