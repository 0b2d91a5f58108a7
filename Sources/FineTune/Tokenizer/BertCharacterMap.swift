/// What becomes of each Unicode scalar under a ``BertNormalization`` and BERT's division into
/// words, worked out once, so that a text is read in a single pass.
///
/// Every step of the normalization looks at one scalar at a time, so that the steps compose into
/// one table. The exception is canonical ordering, which sorts combining marks; it shows only in
/// the few marks that `stripsAccents` leaves, which are marked ``Action/ordered``.
struct BertCharacterMap: Sendable {
    private var entries = ScalarTable(repeating: Entry(.letter))
    /// Results of more than one scalar.
    private(set) var sequences: [[Entry]] = []
    /// What to do with each byte: a value below 0x80 is the small form of a letter.
    private(set) var ofByte = [UInt8](repeating: ByteAction.notASCII, count: 256)

    /// What `ofByte` holds for bytes that are no letters.
    enum ByteAction {
        static let dropped: UInt8 = 0x80
        static let space: UInt8 = 0x81
        static let isolated: UInt8 = 0x82
        static let notASCII: UInt8 = 0x83
    }

    /// What to do with a scalar.
    enum Action: UInt32 {
        /// It belongs to a word.
        case letter
        /// It vanishes. With a combining class of 1, marks are not sorted across it.
        case dropped
        /// It ends a word.
        case space
        /// It is a word: punctuation.
        case isolated
        /// It is a word, with spaces around it: an ideograph.
        case spaced
        /// It belongs to a word, where it is sorted by its combining class.
        case ordered
        /// It becomes the entries `sequences[scalar]`.
        case sequence
        /// It becomes two or three letters, by formula.
        case hangul
    }

    /// An ``Action``, the scalar that stands for the one looked up (0: itself), and a canonical
    /// combining class.
    struct Entry: Sendable {
        var bits: UInt32

        init(_ action: Action, scalar: UInt32 = 0, combiningClass: UInt32 = 0) {
            bits = scalar | action.rawValue << 21 | combiningClass << 24
        }

        var action: Action { Action(rawValue: bits >> 21 & 7) ?? .letter }
        var scalar: UInt32 { bits & 0x1F_FFFF }
        var combiningClass: UInt32 { bits >> 24 }
    }

    init(_ normalization: BertNormalization) {
        // From the last step of the package to its first: an earlier step has the first word.
        assignWordBoundaries()
        if normalization.lowercases { assignLowercase() }
        if normalization.stripsAccents { assignDecompositions() }
        if normalization.separatesIdeographs { assignIdeographs() }
        if normalization.cleansText { assignCleansing() }
        assignBytes()
    }

    /// What becomes of a scalar below 0x110000.
    @inline(__always)
    subscript(scalar: UInt32) -> Entry { entries[scalar] }
}

// MARK: Building

extension BertCharacterMap {
    private mutating func assignWordBoundaries() {
        assign(Entry(.space), toRanges: BertCharacterData.whitespace)
        assign(Entry(.isolated), toRanges: BertCharacterData.punctuation)
    }

    private mutating func assignLowercase() {
        let runs = BertCharacterData.lowercase
        for run in stride(from: 0, to: runs.count, by: 4) {
            for scalar in stride(from: runs[run], through: runs[run + 1], by: Int(runs[run + 2])) {
                let small = runs[run + 3] + (scalar - runs[run])
                assign(Entry(.letter, scalar: small), to: scalar)
            }
        }
        assign(sequence: [0x69, 0x307], to: 0x130)
    }

    private mutating func assignDecompositions() {
        let orders = BertCharacterData.orders
        for index in stride(from: 0, to: orders.count, by: 2) {
            assign(Entry(.ordered, combiningClass: orders[index + 1]), to: orders[index])
        }
        let bases = BertCharacterData.bases
        for index in stride(from: 0, to: bases.count, by: 2) {
            assign(resolved(bases[index + 1]), to: bases[index])
        }
        let sequences = BertCharacterData.sequences
        var index = 0
        while index < sequences.count {
            let count = Int(sequences[index + 1])
            assign(sequence: sequences[index + 2..<index + 2 + count], to: sequences[index])
            index += 2 + count
        }
        let blocks = BertCharacterData.compatibilityIdeographs
        index = 0
        while index < blocks.count {
            let (first, last) = (blocks[index], blocks[index + 1])
            for scalar in first...last {
                let target = blocks[index + 2 + Int(scalar - first)]
                if target != scalar { assign(resolved(target), to: scalar) }
            }
            index += 2 + Int(last - first + 1)
        }
        assign(Entry(.hangul), toRanges: [0xAC00, 0xD7A3])
        assign(Entry(.dropped), toRanges: BertCharacterData.marks)
        assign(Entry(.dropped, combiningClass: 1), toRanges: BertCharacterData.startingMarks)
    }

    private mutating func assignIdeographs() {
        let ranges = BertCharacterData.ideographs
        for index in stride(from: 0, to: ranges.count, by: 2) {
            // The compatibility ideographs already have something that stands for them.
            if self[ranges[index]].scalar == 0 {
                assign(Entry(.spaced), toRanges: [ranges[index], ranges[index + 1]])
            } else {
                for scalar in ranges[index]...ranges[index + 1] {
                    assign(Entry(.spaced, scalar: self[scalar].scalar), to: scalar)
                }
            }
        }
    }

    private mutating func assignCleansing() {
        assign(Entry(.space, scalar: 0x20), toRanges: BertCharacterData.whitespace)
        assign(Entry(.dropped), toRanges: BertCharacterData.removed)
    }

    private mutating func assignBytes() {
        for byte in 0..<0x80 {
            let entry = self[UInt32(byte)]
            ofByte[byte] =
                switch entry.action {
                case .dropped: ByteAction.dropped
                case .space: ByteAction.space
                case .isolated: ByteAction.isolated
                default: UInt8(entry.scalar == 0 ? UInt32(byte) : entry.scalar)
                }
        }
    }

    /// The entry of a scalar that stands for another.
    private func resolved(_ scalar: UInt32) -> Entry {
        var entry = self[scalar]
        if entry.scalar == 0 { entry.bits |= scalar }
        return entry
    }

    private mutating func assign(sequence: some Sequence<UInt32>, to scalar: UInt32) {
        sequences.append(sequence.map(resolved))
        assign(Entry(.sequence, scalar: UInt32(sequences.count - 1)), to: scalar)
    }

    private mutating func assign(_ entry: Entry, to scalar: UInt32) {
        assign(entry, toRanges: [scalar, scalar])
    }

    private mutating func assign(_ entry: Entry, toRanges ranges: [UInt32]) {
        entries.assign(entry, toRanges: ranges)
    }
}
