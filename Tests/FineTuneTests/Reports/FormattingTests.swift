import FineTune
import Foundation
import Testing

@Suite struct NumberFormattingTests {
    /// `printf` is the reference.
    @Test func decimalsAreThoseOfC() {
        var generator = SplitMix64(seed: 8)
        var numbers: [Double] = [
            0, 0.5, 1.5, 2.5, 0.125, 0.375, 2.675, 1.005, 0.285, 0.045, 0.999_999, 9.995, 99.5,
            1e-9, 123_456_789.987_654_321, 9e15, 1e18, 0.1 + 0.2, 4503599627370497.5,
        ]
        for _ in 0..<20_000 {
            let exponent = Double(generator.next(below: 24)) - 8
            numbers.append(Double(generator.next(below: 1_000_000)) * pow(10, exponent - 6))
            numbers.append(Double(generator.next(below: 4000)) / 8)
        }
        for number in numbers {
            for decimals in [0, 1, 2, 3, 4, 9] {
                let expected = String(format: "%.\(decimals)f", number)
                #expect(number.formatted(decimals: decimals) == expected)
                #expect((-number).formatted(decimals: decimals) == "-" + expected)
            }
        }
    }

    @Test func otherNumbersHaveASpelling() {
        #expect(Double.nan.formatted(decimals: 2) == "nan")
        #expect((-Double.infinity).formatted(decimals: 2) == "-inf")
        #expect(1e300.formatted(decimals: 2) == "1e+300")
    }

    @Test(
        arguments: [
            (0.0001, "1.00e-04"), (0, "0.00"), (9.999e-5, "1.00e-04"), (1.5e-7, "1.50e-07"),
            (-0.02, "-2.00e-02"), (12345, "1.23e+04"), (1e300, "1.00e+300"), (.nan, "nan"),
            (.leastNonzeroMagnitude, "4.94e-324"), (3, "3.00e+00"),
        ] as [(Double, String)])
    func powersOfTen(_ number: Double, _ expected: String) {
        #expect(number.formattedScientific(decimals: 2) == expected)
    }

    @Test(
        arguments: [
            (0, "0.0 s"), (0.44, "0.4 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"),
            (59.6, "1 min"), (72, "1 min 12 s"), (3599.4, "59 min 59 s"), (3599.6, "1 h"),
            (7500, "2 h 5 min"), (7529, "2 h 5 min"), (7531, "2 h 6 min"), (86_369, "23 h 59 min"),
            (86_371, "1 d"), (93_600, "1 d 2 h"), (.infinity, "?"), (.nan, "?"), (-1, "?"),
        ] as [(Double, String)])
    func seconds(_ number: Double, _ expected: String) {
        #expect(number.formattedAsSeconds == expected)
    }

    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1499, "1.5 kB"), (9949, "9.9 kB"),
        (9950, "10 kB"), (511_600_000, "512 MB"), (999_499, "999 kB"), (999_500, "1.0 MB"),
        (1_500_000_000, "1.5 GB"), (.max, "9.2 EB"),
    ])
    func bytes(_ number: Int, _ expected: String) {
        #expect(number.formattedAsBytes == expected)
    }

    @Test(arguments: [
        ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("数字", 4), ("カナ", 4), ("한국어", 6),
        ("🙂", 2), ("👩‍👩‍👧", 2), ("❤\u{FE0F}", 2), ("ﾊﾝ", 2), ("Ａ", 2), ("\u{200B}", 0),
        ("Ωж", 2), ("नमस्ते", 4), ("\u{1112}\u{1161}\u{11AB}", 2),
    ])
    func columnsOfATerminal(_ text: String, _ width: Int) {
        #expect(text.terminalWidth == width)
    }

    @Test func textsAreCutAndPadded() {
        #expect("abcdef".truncated(toTerminalWidth: 4) == "abc…")
        #expect("abcd".truncated(toTerminalWidth: 4) == "abcd")
        #expect("数字数字".truncated(toTerminalWidth: 6) == "数字…")
        #expect("数".padded(toTerminalWidth: 4) == "数  ")
        #expect("数".padded(toTerminalWidth: 4, alignedRight: true) == "  数")
        #expect("a\r\nb".withoutControls == "a\u{FFFD}\u{FFFD}b")
    }
}

@Suite struct PeakMemoryTests {
    @Test func thePeakGrowsWithWhatIsTouched() {
        let before = Tensor.Memory.peakProcessBytes
        #expect(before > 1_000_000)
        // Larger than anything before, so the peak must rise.
        let bytes = [UInt8](repeating: 1, count: before + 50_000_000)
        #expect(bytes[bytes.count - 1] == 1)
        let after = Tensor.Memory.peakProcessBytes
        #expect(after >= before + 50_000_000)
        #expect(after < 100 * before)
    }
}
