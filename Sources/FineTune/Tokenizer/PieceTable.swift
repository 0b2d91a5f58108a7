/// Finds the longest piece of a vocabulary that a word begins with.
///
/// An open-addressing hash table over UTF-8 bytes. A piece of up to eight bytes, as most are, lies
/// in its slot, so that one comparison of integers settles it. The lengths that occur among the
/// pieces with the same first two bytes are kept as a bit set, so few lengths are ever tried.
final class PieceTable: @unchecked Sendable {
    // Nothing changes after `init`, which is why the class is Sendable.
    private let slots: UnsafeMutablePointer<Slot>
    private let shift: UInt64
    private let slotMask: Int
    private let seed: UInt64
    private let bytes: UnsafeMutablePointer<UInt8>
    private let lengths: UnsafeMutablePointer<UInt64>
    /// Lengths from 64 bytes on, descending, which the bit sets have no room for.
    private let longLengths: [Int]

    private struct Slot {
        /// Up to eight bytes: the piece. Longer: the upper half of its hash, and below that its
        /// offset in `bytes`.
        var key: UInt64 = 0
        /// In bytes.
        var length: UInt32 = 0
        /// The piece's id, or -1 if the slot is free.
        var id: Int32 = -1
    }

    /// How many bytes past the end of what is looked up must be readable.
    static let padding = 8
    private static let lengthSetCount = 4096

    /// Two positions of the list that hold the same piece.
    struct Duplicate: Error {
        let first: Int
        let second: Int
    }

    /// The pieces of a list, or of those of its pieces that begin with `prefix`, what follows it.
    ///
    /// - Throws: ``Duplicate``, by position in the list.
    init(_ list: PieceList, after prefix: [UInt8] = []) throws(Duplicate) {
        let chosen = (0..<list.count).filter {
            let range = list.range(at: $0)
            return range.count > prefix.count || prefix.isEmpty
                ? list.bytes[range].starts(with: prefix) : false
        }
        let slotCount = max(16, 1 << (Int.bitWidth - (chosen.count * 2).leadingZeroBitCount))
        slotMask = slotCount - 1
        shift = UInt64(64 - slotCount.trailingZeroBitCount)
        // A file cannot be built to make pieces collide, because the seed is drawn anew.
        seed = .random(in: .min ... .max)
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: Slot(), count: slotCount)
        lengths = .allocate(capacity: Self.lengthSetCount)
        lengths.initialize(repeating: 0, count: Self.lengthSetCount)
        bytes = .allocate(capacity: list.bytes.count + Self.padding)
        bytes.initialize(repeating: 0, count: list.bytes.count + Self.padding)
        _ = UnsafeMutableBufferPointer(start: bytes, count: list.bytes.count)
            .update(from: list.bytes)
        var long: Set<Int> = []
        for position in chosen where list.range(at: position).count >= prefix.count + 64 {
            long.insert(list.range(at: position).count - prefix.count)
        }
        longLengths = long.sorted(by: >)
        for position in chosen {
            let range = list.range(at: position).dropFirst(prefix.count)
            if let first = insert(range, id: list.ids[position]) {
                throw Duplicate(first: list.position(of: Int(first)) ?? 0, second: position)
            }
        }
    }

    deinit {
        slots.deallocate()
        bytes.deallocate()
        lengths.deallocate()
    }

    /// Enters a piece, or returns the id of the one that is there.
    private func insert(_ range: Range<Int>, id: Int32) -> Int32? {
        let piece = UnsafePointer(bytes + range.lowerBound)
        let slot = slot(of: piece, count: range.count)
        guard slots[slot].id < 0 else { return slots[slot].id }
        let key =
            range.count <= 8
            ? word(piece, count: range.count)
            : hash(piece, count: range.count) & ~0xFFFF_FFFF | UInt64(range.lowerBound)
        slots[slot] = Slot(key: key, length: UInt32(range.count), id: id)
        if range.count == 1 {
            // A second byte of any kind may follow.
            for second in 0...255 {
                lengths[lengthSet(UInt64(piece[0]) | UInt64(second) << 8)] |= 1
            }
        } else if (2..<64).contains(range.count) {
            lengths[lengthSet(word(piece, count: 2))] |= 1 << UInt64(range.count - 1)
        }
        return nil
    }

    // MARK: Looking up

    /// The id of a piece, or nil if there is no such piece.
    ///
    /// - Parameters:
    ///   - piece: `count` bytes, and ``padding`` readable bytes after them.
    ///   - count: At least 0.
    /// - Returns: The id.
    @inline(__always)
    func id(_ piece: UnsafePointer<UInt8>, count: Int) -> Int32? {
        let id = slots[slot(of: piece, count: count)].id
        return id < 0 ? nil : id
    }

    /// The id of a piece, or nil if there is no such piece.
    func id(of piece: String) -> Int32? { id(of: Array(piece.utf8)) }

    /// The id of a piece, or nil if there is no such piece.
    func id(of piece: [UInt8]) -> Int32? {
        let padded = piece + repeatElement(0, count: Self.padding)
        return padded.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.flatMap { id($0, count: buffer.count - Self.padding) }
        }
    }

    /// The longest piece that `text` begins with, and its length, or nil if it begins with none.
    ///
    /// - Parameters:
    ///   - text: `count` bytes, and ``padding`` readable bytes after them.
    ///   - count: At least 1.
    /// - Returns: The piece's id and length.
    @inline(__always)
    func longestPrefix(of text: UnsafePointer<UInt8>, count: Int) -> (id: Int32, count: Int)? {
        for length in longLengths where length <= count {
            if let id = id(text, count: length) { return (id, length) }
        }
        var candidates = lengths[lengthSet(word(text, count: 2))]
        if count < 64 { candidates &= (1 << UInt64(count)) - 1 }
        while candidates != 0 {
            let length = 64 - candidates.leadingZeroBitCount
            if let id = id(text, count: length) { return (id, length) }
            candidates &= ~(1 << UInt64(length - 1))
        }
        return nil
    }

    /// Up to eight bytes as an integer, the first one lowest.
    @inline(__always)
    private func word(_ text: UnsafePointer<UInt8>, count: Int) -> UInt64 {
        let all = UInt64(littleEndian: UnsafeRawPointer(text).loadUnaligned(as: UInt64.self))
        return count >= 8 ? all : all & ((1 << UInt64(count &* 8)) &- 1)
    }

    @inline(__always)
    private func lengthSet(_ firstTwo: UInt64) -> Int {
        Int(truncatingIfNeeded: (firstTwo &* 0x9E37_79B9_7F4A_7C15) >> 52)
    }

    @inline(__always)
    private func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low
    }

    @inline(__always)
    private func hash(_ text: UnsafePointer<UInt8>, count: Int) -> UInt64 {
        if count <= 8 { return mix(word(text, count: count) ^ seed &+ UInt64(count)) }
        var state = seed &+ UInt64(count)
        var offset = 0
        while offset < count {
            state = mix(state ^ word(text + offset, count: count - offset))
            offset += 8
        }
        return state
    }

    /// The slot that holds the piece, or the free slot where it belongs. At most half of the slots
    /// are taken, so there is one.
    @inline(__always)
    private func slot(of text: UnsafePointer<UInt8>, count: Int) -> Int {
        let hash = hash(text, count: count)
        var slot = Int(truncatingIfNeeded: hash >> shift)
        if count <= 8 {
            let key = word(text, count: count)
            while slots[slot].id >= 0,
                slots[slot].key != key || slots[slot].length != UInt32(count)
            {
                slot = (slot + 1) & slotMask
            }
        } else {
            while slots[slot].id >= 0, !holds(text, count: count, hash: hash, slots[slot]) {
                slot = (slot + 1) & slotMask
            }
        }
        return slot
    }

    private func holds(
        _ text: UnsafePointer<UInt8>, count: Int, hash: UInt64, _ slot: Slot
    ) -> Bool {
        guard slot.length == UInt32(truncatingIfNeeded: count), slot.key >> 32 == hash >> 32 else {
            return false
        }
        let piece = bytes + Int(slot.key & 0xFFFF_FFFF)
        return UnsafeBufferPointer(start: piece, count: count)
            .elementsEqual(UnsafeBufferPointer(start: text, count: count))
    }
}
