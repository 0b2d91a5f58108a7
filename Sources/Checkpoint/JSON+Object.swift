extension JSON {
    /// The members of a JSON object, in order. Keys are told apart by their UTF-8 bytes.
    public struct Object: Sendable {
        private var members: [Element] = []
        /// An open-addressing table of positions in `members`; its size is a power of two. Empty
        /// while a scan of the few members is faster.
        private var table: [Slot] = []

        /// A member of an object.
        public typealias Element = (key: String, value: JSON)

        /// A position in `members`, -1 where free, beside half of the key's hash, which spares most
        /// comparisons with other keys.
        private struct Slot {
            var position: Int32 = -1
            var tag: Int32 = 0
        }

        /// The most members that are looked up by a scan.
        private static var scanLimit: Int { 8 }

        /// An object without members.
        public init() {}

        /// An object of these members. Of those with equal keys the last one's value stays, in the
        /// first one's place.
        public init(_ members: some Sequence<(key: String, value: JSON)>) {
            for (key, value) in members { self[key] = value }
        }

        /// - Precondition: No key is repeated.
        init(uniqueMembers: some Sequence<(String, JSON)>) {
            for (key, value) in uniqueMembers {
                precondition(
                    append(key: key, value: value), "the key '\(key)' appears twice in a literal")
            }
        }
    }
}

// MARK: Members

extension JSON.Object: RandomAccessCollection {
    /// The position of the first member.
    public var startIndex: Int { 0 }
    /// The number of members.
    public var endIndex: Int { members.count }
    /// The member at a position.
    public subscript(position: Int) -> Element { members[position] }

    /// The keys, in order.
    public var keys: [String] { members.map(\.key) }
    /// The values, in order.
    public var values: [JSON] { members.map(\.value) }

    /// The value of the member with this key. Setting it replaces the member's value, adds a
    /// member at the end, or with nil removes it.
    public subscript(key: String) -> JSON? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): members[position].value = value
            case (let position?, nil):
                members.remove(at: position)
                rebuildTable(slotCount: table.count)
            case (nil, let value?): append(key: key, value: value)
            case (nil, nil): break
            }
        }
    }

    /// The memory that room for so many members takes.
    static func byteCount(for count: Int) -> Int {
        let slots = count > scanLimit ? slotCount(for: count) : 0
        return count * MemoryLayout<Element>.stride + slots * MemoryLayout<Slot>.stride
    }

    /// Makes room for `count` members.
    mutating func reserveCapacity(_ count: Int) {
        members.reserveCapacity(count)
        if count > Self.scanLimit { rebuildTable(slotCount: Self.slotCount(for: count)) }
    }

    /// Adds a member at the end and returns true, or returns false if the key is taken.
    @discardableResult
    mutating func append(key: String, value: JSON) -> Bool {
        if table.isEmpty {
            guard position(of: key) == nil else { return false }
            members.append((key, value))
            if members.count > Self.scanLimit {
                rebuildTable(slotCount: Self.slotCount(for: members.count))
            }
            return true
        }
        if (members.count + 1) * 2 > table.count { rebuildTable(slotCount: table.count * 2) }
        let hash = Self.hash(key)
        let slot = slot(of: key, hash: hash)
        guard table[slot].position < 0 else { return false }
        fill(slot, hash: hash, position: members.count)
        members.append((key, value))
        return true
    }

    private func position(of key: String) -> Int? {
        if table.isEmpty { return members.firstIndex { $0.key.hasSameBytes(as: key) } }
        let position = table[slot(of: key, hash: Self.hash(key))].position
        return position < 0 ? nil : Int(position)
    }
}

// MARK: The table

extension JSON.Object {
    private static func slotCount(for count: Int) -> Int {
        1 << (Int.bitWidth - (count * 2 - 1).leadingZeroBitCount)
    }

    /// The slot that holds the key's position, or the free slot where it belongs. At most half
    /// of the slots are ever taken, so one is found.
    private func slot(of key: String, hash: Int) -> Int {
        let tag = Int32(truncatingIfNeeded: hash >> 32)
        var index = hash & (table.count - 1)
        while true {
            let slot = table[index]
            if slot.position < 0 { return index }
            if slot.tag == tag, members[Int(slot.position)].key.hasSameBytes(as: key) {
                return index
            }
            index = (index + 1) & (table.count - 1)
        }
    }

    private mutating func fill(_ slot: Int, hash: Int, position: Int) {
        table[slot] = Slot(
            position: Int32(truncatingIfNeeded: position),
            tag: Int32(truncatingIfNeeded: hash >> 32))
    }

    /// Swift's hash is seeded anew in every process, so a file cannot be built to make keys
    /// collide.
    private static func hash(_ key: String) -> Int {
        var hasher = Hasher()
        var key = key
        key.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        return hasher.finalize()
    }

    private mutating func rebuildTable(slotCount: Int) {
        table = [Slot](repeating: Slot(), count: slotCount)
        guard slotCount > 0 else { return }
        for (position, member) in members.enumerated() {
            let hash = Self.hash(member.key)
            fill(slot(of: member.key, hash: hash), hash: hash, position: position)
        }
    }
}

extension JSON.Object: Equatable {
    /// Whether both have the same keys with equal values, in any order.
    public static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
    }
}

extension JSON.Object: ExpressibleByDictionaryLiteral {
    /// An object with these members in this order.
    ///
    /// - Precondition: No key is repeated.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self.init(uniqueMembers: elements)
    }
}
