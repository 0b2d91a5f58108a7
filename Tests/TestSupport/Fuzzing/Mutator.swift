/// Makes mutants of seeds, the same ones in every run.
struct Mutator {
    private static let roomForKept = 1024
    /// Mutants that are longer are cut.
    static let longestInput = 16_384
    /// What readers compute with, in decimal.
    private static let numbers = [
        "0", "-0", "1", "-1", "1.0", "1e0", "1e999", "-1e-999", "00", "127", "128", "255", "256",
        "32768", "65535", "65536", "16777216", "100000001", "2147483647", "2147483648",
        "4294967295",
        "4294967296", "4611686018427387904", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "18446744073709551616", "99999999999999999999999999", "null",
        "true",
        "\"\"", "[]", "{}",
    ].map { Array($0.utf8) }

    private let seeds: [[UInt8]]
    private let words: [[UInt8]]
    /// The room for them all is taken at the beginning: it is not to count as the reader's.
    private var kept: [UInt8]
    private var keptLengths: [Int] = []
    /// How many inputs have become seeds.
    private(set) var keptCount = 0
    private var state: UInt64 = 0x5EED

    /// Mutants of these seeds, which may contain these words.
    init(seeds: [[UInt8]], words: [[UInt8]]) {
        (self.seeds, self.words) = (seeds, words)
        kept = [UInt8](repeating: 0, count: Self.roomForKept * Self.longestInput)
        keptLengths.reserveCapacity(Self.roomForKept)
    }

    /// Makes an input a seed, perhaps in place of an earlier one that was not there at first.
    mutating func keep(_ input: [UInt8]) {
        let (place, bytes) = (keptCount % Self.roomForKept, input.prefix(Self.longestInput))
        keptCount += 1
        if place == keptLengths.count { keptLengths.append(0) }
        keptLengths[place] = bytes.count
        kept.withUnsafeMutableBytes { room in
            let start = place * Self.longestInput
            room[start..<start + bytes.count].copyBytes(from: bytes)
        }
    }

    /// One to five changes of a seed.
    mutating func next() -> [UInt8] {
        var input = seed()
        for _ in 0...number(below: 5) { change(&input) }
        return input
    }

    private mutating func seed() -> [UInt8] {
        if keptLengths.isEmpty || number(below: 2) == 0 { return seeds[number(below: seeds.count)] }
        let place = number(below: keptLengths.count)
        let start = place * Self.longestInput
        return Array(kept[start..<start + keptLengths[place]])
    }

    private mutating func change(_ input: inout [UInt8]) {
        guard !input.isEmpty else { return input = seed() }
        switch number(below: 13) {
        case 0: input[number(below: input.count)] ^= 1 << number(below: 8)
        case 1: input[number(below: input.count)] = UInt8(number(below: 256))
        case 2: input[number(below: input.count)] = [0, 1, 0x7F, 0x80, 0xFF][number(below: 5)]
        case 3: input.removeSubrange(range(in: input))
        case 4:
            let copied = input[range(in: input)]
            input.insert(contentsOf: copied, at: number(below: input.count + 1))
        case 5: input.swapAt(number(below: input.count), number(below: input.count))
        case 6: splice(&input)
        case 7, 8: replaceNumber(&input)
        case 9: replaceBinaryNumber(&input)
        case 10 where !words.isEmpty:
            input.insert(
                contentsOf: words[number(below: words.count)], at: number(below: input.count + 1))
        case 11 where number(below: 8) == 0: repeatPart(&input)
        case 12 where number(below: 8) == 0: input.removeSubrange(number(below: input.count)...)
        default: input.insert(UInt8(number(below: 256)), at: number(below: input.count + 1))
        }
    }

    /// The beginning of one and the end of another.
    private mutating func splice(_ input: inout [UInt8]) {
        let other = seed()
        guard !other.isEmpty else { return }
        let (end, start) = (number(below: input.count), number(below: other.count))
        input = Array(input[..<end]) + other[start...]
    }

    /// Other digits in place of some.
    private mutating func replaceNumber(_ input: inout [UInt8]) {
        func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
        let from = number(below: input.count)
        guard let start = input[from...].firstIndex(where: isDigit) else { return }
        let end = input[start...].firstIndex { !isDigit($0) } ?? input.count
        input.replaceSubrange(start..<end, with: Self.numbers[number(below: Self.numbers.count)])
    }

    /// An integer of 1 to 8 bytes that is the least, the greatest, or next to one.
    private mutating func replaceBinaryNumber(_ input: inout [UInt8]) {
        let width = 1 << number(below: 4)
        guard input.count >= width else { return }
        let position = number(below: input.count - width + 1)
        let bytes: [UInt8] =
            switch number(below: 5) {
            case 0: [UInt8](repeating: 0, count: width)
            case 1: [UInt8](repeating: 0xFF, count: width)
            case 2: [UInt8](repeating: 0xFF, count: width - 1) + [0x7F]
            case 3: [UInt8](repeating: 0, count: width - 1) + [0x80]
            default: [UInt8(number(below: 256))] + [UInt8](repeating: 0, count: width - 1)
            }
        input.replaceSubrange(position..<(position + width), with: bytes)
    }

    /// A part many times, such as opening brackets.
    private mutating func repeatPart(_ input: inout [UInt8]) {
        let range = range(in: input)
        let part = input[range.prefix(8)]
        let count = 1 << number(below: 11)
        input.insert(contentsOf: repeatElement(part, count: count).joined(), at: range.lowerBound)
    }

    private mutating func range(in input: [UInt8]) -> Range<Int> {
        let start = number(below: input.count)
        let longest = number(below: 4) == 0 ? input.count : 16
        return start..<min(start + 1 + number(below: longest), input.count)
    }

    /// Knuth's MMIX generator.
    private mutating func number(below bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }
}
