/// Which code has run, in a build that counts it (`Tests/run.sh --guided`). In others nothing ever has.
struct Coverage {
    /// For each place in the code, a bit for every order of magnitude that it has run in at once.
    private var seen: [[UInt8]]

    init() { seen = Counters.sections.map { [UInt8](repeating: 0, count: $0.count) } }

    /// Whether this is such a build.
    static var isCounted: Bool { !Counters.sections.isEmpty }

    /// How many places have run.
    var count: Int { seen.reduce(0) { $0 + $1.count { $0 != 0 } } }

    /// Whether code has run since this was last asked that never did before, or never in this order of
    /// magnitude.
    mutating func hasGrown() -> Bool {
        var hasGrown = false
        for (index, section) in Counters.sections.enumerated() {
            let grows = seen[index].withUnsafeMutableBufferPointer {
                Self.update($0, by: section)
            }
            hasGrown = hasGrown || grows
        }
        return hasGrown
    }

    private static func update(
        _ seen: UnsafeMutableBufferPointer<UInt8>, by counts: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        var hasGrown = false
        var place = 0
        while place < counts.count {
            // Most places have not run: eight at a time are passed over.
            if counts.count - place >= 8,
                UnsafeRawPointer(counts.baseAddress.unsafelyUnwrapped + place)
                    .loadUnaligned(as: UInt64.self) == 0
            {
                place += 8
                continue
            }
            if counts[place] != 0 {
                let magnitude: UInt8 = 0x80 >> counts[place].leadingZeroBitCount
                if seen[place] & magnitude == 0 {
                    seen[place] |= magnitude
                    hasGrown = true
                }
                counts[place] = 0
            }
            place += 1
        }
        return hasGrown
    }
}

/// The counters that the compiler has put into each module.
private enum Counters {
    // Filled before `main`, on one thread.
    nonisolated(unsafe) static var sections: [UnsafeMutableBufferPointer<UInt8>] = []
}

/// What each module calls when the program is loaded, where the compiler counts what runs
/// (Clang's documentation, SanitizerCoverage, "Inline 8bit-counters").
@c(__sanitizer_cov_8bit_counters_init)
public func addCounters(
    from start: UnsafeMutablePointer<UInt8>, to end: UnsafeMutablePointer<UInt8>
) {
    Counters.sections.append(UnsafeMutableBufferPointer(start: start, count: end - start))
}
