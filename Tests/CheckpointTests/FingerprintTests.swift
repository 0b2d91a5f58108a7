import Checkpoint
import Tensor
import Testing

/// Fingerprints are stable, and differ where contents do.
@Suite struct FingerprintTests {
    private func fingerprint(_ bytes: [UInt8]) -> Fingerprint {
        bytes.withUnsafeBytes { Fingerprint($0) }
    }

    /// Computed with whole numbers in Python, from the published description.
    @Test(arguments: [
        (0, "00000000000000000000000000000000"),
        (1, "726ac6dd306a3e594e711127c5b5a8e4"),
        (8, "a5ee2a9a9132d3bd259e7f3a617e003a"),
        (15, "ba6a4b5e80ade4f4e00e5a8ff7e8f26d"),
        (16, "c4b099c52f8f4ea17d670219d92afe48"),
        (17, "d4ae4b39fe53b1276602453b6681dbe9"),
        (1000, "0af789efbadcaa490bd8a1b9d9bb546b"),
    ])
    func isMurmurHash3(_ count: Int, _ expected: String) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) }
        #expect(fingerprint(bytes).description == expected)
    }

    /// The widely published example.
    @Test func hashesTheFox() {
        #expect(
            Fingerprint("The quick brown fox jumps over the lazy dog").description
                == "e34bbc7bbc071b6c7a433ca9c49a9347")
    }

    /// Every length, every changed bit and every place of a zero gives another one.
    @Test func contentsAreToldApart() {
        var seen: Set<Fingerprint> = []
        var count = 0
        for length in 0...100 {
            seen.insert(fingerprint([UInt8](repeating: 0, count: length)))
            count += 1
        }
        let base = (0..<100).map { UInt8($0) }
        for position in base.indices {
            for bit in 0..<8 {
                var changed = base
                changed[position] ^= 1 << UInt8(bit)
                seen.insert(fingerprint(changed))
                count += 1
            }
        }
        #expect(seen.count == count)
    }

    @Test func tensorsDifferInNameShapeTypeAndElements() {
        let tensor = Tensor([Float(1), 2, 3, 4], shape: [2, 2])
        let others = [
            Fingerprint(name: "a", tensor), Fingerprint(name: "b", tensor),
            Fingerprint(name: "a", tensor.reshaped([4])),
            Fingerprint(name: "a", tensor.converted(to: .float64)),
            Fingerprint(name: "a", tensor.transposed()),
            Fingerprint(name: "a", tensor + 1),
        ]
        #expect(Set(others).count == others.count)
        // A view has the fingerprint of the elements it shows.
        #expect(
            Fingerprint(name: "a", tensor.transposed().copied())
                == Fingerprint(name: "a", tensor.transposed()))
    }

    @Test func listsDifferInTheirOrder() {
        let (a, b) = (Fingerprint("a"), Fingerprint("b"))
        #expect(Fingerprint(of: [a, b]) != Fingerprint(of: [b, a]))
        #expect(Fingerprint(of: [a]) != a)
    }
}
