extension BertCharacterMap {
    /// Normalizes a text and divides it into words, in one pass.
    ///
    /// - Parameters:
    ///   - text: UTF-8.
    ///   - word: An empty buffer, which is left empty.
    ///   - finish: Called with each word.
    @inline(__always)
    func divide(
        _ text: UnsafeBufferPointer<UInt8>, _ word: inout WordBuffer,
        _ finish: (borrowing WordBuffer) -> Void
    ) {
        guard let bytes = text.baseAddress else { return }
        ofByte.withUnsafeBufferPointer { actions in
            var position = 0
            while position < text.count {
                let action = actions[Int(bytes[position])]
                if action < 0x80 {
                    word.append(byte: action)
                    position += 1
                    continue
                }
                switch action {
                case ByteAction.space:
                    word.finish(finish)
                    position += 1
                case ByteAction.isolated:
                    word.finish(finish)
                    word.append(byte: bytes[position])
                    word.finish(finish)
                    position += 1
                case ByteAction.notASCII:
                    let (scalar, count) = decodeScalar(at: bytes + position)
                    take(self[scalar], of: scalar, &word, finish)
                    position += count
                default: position += 1
                }
            }
            word.finish(finish)
        }
    }

    /// Does with a scalar what its entry says.
    private func take(
        _ entry: Entry, of scalar: UInt32, _ word: inout WordBuffer,
        _ finish: (borrowing WordBuffer) -> Void
    ) {
        let result = entry.scalar == 0 ? scalar : entry.scalar
        switch entry.action {
        case .letter:
            word.append(result)
        case .dropped:
            if entry.combiningClass != 0 { word.endSorting() }
        case .space:
            word.finish(finish)
        case .isolated, .spaced:
            word.finish(finish)
            word.append(result)
            word.finish(finish)
        case .ordered:
            word.insert(mark: result, combiningClass: entry.combiningClass, in: self)
        case .sequence:
            for part in sequences[Int(entry.scalar)] {
                take(part, of: part.scalar, &word, finish)
            }
        case .hangul:
            let (leading, vowel, trailing) = decomposeHangul(scalar)
            word.append(leading)
            word.append(vowel)
            if let trailing { word.append(trailing) }
        }
    }
}

extension WordBuffer {
    /// Ends the word, if there is one.
    @inline(__always)
    mutating func finish(_ body: (borrowing WordBuffer) -> Void) {
        guard count > 0 else { return }
        body(self)
        removeAll()
    }
}
