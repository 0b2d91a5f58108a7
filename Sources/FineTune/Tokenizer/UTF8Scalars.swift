// Reading and writing single scalars. Swift's strings are always valid UTF-8, so that nothing
// here has to check it.

/// The scalar that begins at `text`, and its length in bytes.
@inline(__always)
func decodeScalar(at text: UnsafePointer<UInt8>) -> (scalar: UInt32, count: Int) {
    let first = UInt32(text[0])
    if first < 0x80 { return (first, 1) }
    let second = UInt32(text[1]) & 0x3F
    if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
    let third = UInt32(text[2]) & 0x3F
    if first < 0xF0 { return ((first & 0xF) << 12 | second << 6 | third, 3) }
    let fourth = UInt32(text[3]) & 0x3F
    return ((first & 7) << 18 | second << 12 | third << 6 | fourth, 4)
}

/// Writes a scalar and returns its length in bytes, at most 4.
@inline(__always)
func encodeScalar(_ scalar: UInt32, to target: UnsafeMutablePointer<UInt8>) -> Int {
    @inline(__always) func byte(_ lead: UInt32, _ shift: UInt32) -> UInt8 {
        UInt8(truncatingIfNeeded: lead | scalar >> shift)
    }
    @inline(__always) func continuation(_ shift: UInt32) -> UInt8 {
        UInt8(truncatingIfNeeded: 0x80 | (scalar >> shift & 0x3F))
    }
    if scalar < 0x80 {
        target[0] = byte(0, 0)
        return 1
    }
    if scalar < 0x800 {
        target[0] = byte(0xC0, 6)
        target[1] = continuation(0)
        return 2
    }
    if scalar < 0x10000 {
        target[0] = byte(0xE0, 12)
        target[1] = continuation(6)
        target[2] = continuation(0)
        return 3
    }
    target[0] = byte(0xF0, 18)
    target[1] = continuation(12)
    target[2] = continuation(6)
    target[3] = continuation(0)
    return 4
}

/// The two or three conjoining letters of a Hangul syllable (The Unicode Standard, section 3.12).
///
/// - Returns: Leading consonant, vowel, and trailing consonant or nil.
func decomposeHangul(_ syllable: UInt32) -> (UInt32, UInt32, UInt32?) {
    let index = syllable - 0xAC00
    let trailing = index % 28
    return (
        0x1100 + index / 588, 0x1161 + index % 588 / 28, trailing == 0 ? nil : 0x11A7 + trailing
    )
}
