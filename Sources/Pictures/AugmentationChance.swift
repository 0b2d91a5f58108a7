import FineTune

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What an augmentation draws for one picture, or for one batch.
struct AugmentationChance {
    private var generator: SplitMix64

    /// The draws of a stream.
    init(stream: UInt64) { generator = SplitMix64(seed: stream) }

    /// Uniform in `0 ..< 1`, of 53 bits.
    mutating func fraction() -> Double { Double(generator.next() >> 11) * 0x1p-53 }

    /// Uniform in a range.
    mutating func number(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * fraction()
    }

    /// A whole number in `0 ..< bound`.
    mutating func position(below bound: Int) -> Int { generator.next(below: bound) }

    /// 0 ..< count in a random order.
    mutating func order(of count: Int) -> [Int] {
        var order = Array(0..<count)
        generator.shuffle(&order)
        return order
    }

    /// The size and place of a rectangle in a picture, by its share of the area and its shape; nil
    /// if ten attempts gave none that fits, as in torchvision.
    mutating func rectangle(
        inHeight height: Int, width: Int, area: ClosedRange<Double>, ratio: ClosedRange<Double>
    ) -> (top: Int, left: Int, height: Int, width: Int)? {
        for _ in 0..<10 {
            let share = number(in: area) * Double(height) * Double(width)
            // Shapes are drawn so that wide and high are equally frequent.
            let shape = exp(number(in: log(ratio.lowerBound)...log(ratio.upperBound)))
            let sides = (
                (share / shape).squareRoot().rounded(), (share * shape).squareRoot().rounded()
            )
            // Before they are whole numbers, which hold less.
            guard (1...Double(height)).contains(sides.0), (1...Double(width)).contains(sides.1)
            else { continue }
            let (rows, columns) = (Int(sides.0), Int(sides.1))
            return (
                position(below: height - rows + 1), position(below: width - columns + 1), rows,
                columns
            )
        }
        return nil
    }

    /// A number of Beta(α, α), by two of Gamma(α).
    mutating func beta(_ alpha: Double) -> Double {
        let (first, second) = (gamma(alpha), gamma(alpha))
        let sum = first + second
        return sum > 0 ? first / sum : 0.5
    }

    /// Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables" (2000), with their
    /// section 6 for α below 1.
    private mutating func gamma(_ alpha: Double) -> Double {
        if alpha < 1 { return gamma(alpha + 1) * pow(1 - fraction(), 1 / alpha) }
        let d = alpha - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            if v > 0, log(1 - fraction()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
        }
    }

    /// Box and Muller (1958).
    private mutating func normal() -> Double {
        let (radius, angle) = (1 - fraction(), fraction())
        return (-2 * log(radius)).squareRoot() * cos(2 * .pi * angle)
    }
}
