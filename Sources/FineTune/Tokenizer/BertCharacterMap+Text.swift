extension BertCharacterMap {
    /// The map that only divides into words, for text that is normalized already.
    static let unnormalized = BertCharacterMap(.none)

    /// A text's normalized form, as UTF-8.
    ///
    /// Dividing into words needs it only where added tokens are looked for in normalized text.
    func normalized(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        guard let bytes = text.baseAddress else { return [] }
        var result = NormalizedText()
        result.scalars.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            let (scalar, count) = decodeScalar(at: bytes + position)
            add(self[scalar], of: scalar, to: &result)
            position += count
        }
        return result.finished()
    }

    private func add(_ entry: Entry, of scalar: UInt32, to text: inout NormalizedText) {
        let result = entry.scalar == 0 ? scalar : entry.scalar
        switch entry.action {
        case .letter, .space, .isolated: text.append(result)
        case .dropped: if entry.combiningClass != 0 { text.sortMarks() }
        case .spaced:
            text.append(0x20)
            text.append(result)
            text.append(0x20)
        case .ordered: text.append(mark: result, combiningClass: entry.combiningClass)
        case .sequence:
            for part in sequences[Int(entry.scalar)] { add(part, of: part.scalar, to: &text) }
        case .hangul:
            let (leading, vowel, trailing) = decomposeHangul(scalar)
            text.append(leading)
            text.append(vowel)
            if let trailing { text.append(trailing) }
        }
    }
}

/// A text whose combining marks are sorted as it grows.
private struct NormalizedText {
    var scalars: [UInt32] = []
    /// Marks that are not in `scalars` yet, because more may follow that go before them.
    private var marks: [(scalar: UInt32, combiningClass: UInt32)] = []

    mutating func append(_ scalar: UInt32) {
        sortMarks()
        scalars.append(scalar)
    }

    mutating func append(mark scalar: UInt32, combiningClass: UInt32) {
        marks.append((scalar, combiningClass))
    }

    mutating func sortMarks() {
        guard !marks.isEmpty else { return }
        // Marks of one class keep their order.
        let order = marks.indices.sorted {
            (marks[$0].combiningClass, $0) < (marks[$1].combiningClass, $1)
        }
        scalars.append(contentsOf: order.map { marks[$0].scalar })
        marks.removeAll(keepingCapacity: true)
    }

    /// The text as UTF-8.
    mutating func finished() -> [UInt8] {
        sortMarks()
        return [UInt8](unsafeUninitializedCapacity: scalars.count * 4) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            for scalar in scalars { count += encodeScalar(scalar, to: base + count) }
        }
    }
}
