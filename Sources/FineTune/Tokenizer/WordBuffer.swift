/// The normalized word that is being read.
struct WordBuffer {
    /// The word's UTF-8.
    let bytes: UnsafeMutablePointer<UInt8>
    /// How many bytes it has. Bytes beyond those of the longest word are dropped.
    private(set) var count = 0
    /// How many of them continue a scalar.
    private var continuationCount = 0
    /// Where marks may be sorted from: after the last scalar that is no combining mark.
    private var sortStart = 0
    /// Four bytes for each scalar that a word may have.
    private let byteLimit: Int

    /// The bytes that a buffer for words of this many scalars needs.
    static func capacity(forScalars limit: Int) -> Int { limit * 4 + 4 + PieceTable.padding }

    /// An empty buffer over ``capacity(forScalars:)`` bytes.
    init(_ bytes: UnsafeMutablePointer<UInt8>, scalarLimit: Int) {
        bytes.initialize(repeating: 0, count: Self.capacity(forScalars: scalarLimit))
        self.bytes = bytes
        byteLimit = scalarLimit * 4
    }

    /// The number of scalars; too large by any number if it exceeds the limit.
    var scalarCount: Int { count - continuationCount }

    @inline(__always)
    mutating func removeAll() {
        count = 0
        continuationCount = 0
        sortStart = 0
    }

    @inline(__always)
    mutating func append(byte: UInt8) {
        guard count <= byteLimit else { return }
        bytes[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func append(_ scalar: UInt32) {
        guard count <= byteLimit else { return }
        let added = encodeScalar(scalar, to: bytes + count)
        count += added
        continuationCount += added - 1
    }

    /// Ends the range in which marks are sorted: what follows stays behind what there is.
    @inline(__always)
    mutating func endSorting() { sortStart = count }

    /// Adds a combining mark in its canonical place (The Unicode Standard, section 3.11): before
    /// the marks of a higher combining class that directly precede it.
    mutating func insert(
        mark scalar: UInt32, combiningClass: UInt32, in map: borrowing BertCharacterMap
    ) {
        guard count <= byteLimit else { return }
        var place = count
        while place > sortStart {
            var start = place - 1
            while bytes[start] & 0xC0 == 0x80 { start -= 1 }
            let entry = map[decodeScalar(at: bytes + start).scalar]
            guard entry.action == .ordered, entry.combiningClass > combiningClass else { break }
            place = start
        }
        let end = count
        append(scalar)
        let added = count - end
        // Moves the mark, which stands at the end, to its place.
        for _ in 0..<(place < end ? added : 0) {
            let byte = bytes[count - 1]
            (bytes + place + 1).update(from: bytes + place, count: count - 1 - place)
            bytes[place] = byte
        }
    }
}
