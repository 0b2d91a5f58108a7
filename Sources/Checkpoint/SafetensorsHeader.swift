import Tensor

/// The checked header of a safetensors file.
struct SafetensorsHeader {
    typealias Reason = SafetensorsError.Reason
    typealias Entry = SafetensorsFile.Entry

    let metadata: JSON.Object
    /// In the order of their bytes.
    let entries: [Entry]

    /// How many arrays and objects may lie inside one another: as many as the reference
    /// implementation reads.
    private static let depthLimit = 127

    /// Checks a whole file but for the numbers in it.
    init(_ file: UnsafeRawBufferPointer) throws(Reason) {
        let headerEnd = try Self.headerEnd(file)
        let root = try Self.root(UnsafeRawBufferPointer(rebasing: file[8..<headerEnd]))
        var metadata = JSON.Object()
        var entries: [Entry] = []
        entries.reserveCapacity(root.count)
        for (name, value) in root {
            if name.hasSameBytes(as: "__metadata__") {
                metadata = try Self.metadata(value)
            } else {
                entries.append(try Self.entry(name, value, dataStart: headerEnd))
            }
        }
        entries.sort {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound)
                < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
        }
        try Self.checkLayout(entries, dataStart: headerEnd, fileEnd: file.count)
        self.metadata = metadata
        self.entries = entries
    }

    /// Checks the length in the first eight bytes and gives the header's end.
    private static func headerEnd(_ file: UnsafeRawBufferPointer) throws(Reason) -> Int {
        guard !file.isEmpty else { throw .empty }
        guard file.count >= 8 else { throw .truncatedLength(fileByteCount: file.count) }
        let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard length > 0 else { throw .emptyHeader }
        guard length <= SafetensorsFile.headerByteLimit else {
            throw .headerTooLong(byteCount: length)
        }
        guard length <= file.count - 8 else {
            throw .headerPastEnd(byteCount: Int(length), fileByteCount: file.count)
        }
        return 8 + Int(length)
    }

    private static func root(_ bytes: UnsafeRawBufferPointer) throws(Reason) -> JSON.Object {
        let json: JSON
        do throws(JSON.SyntaxError) {
            json = try JSON(parsing: bytes, depthLimit: depthLimit)
        } catch {
            throw .malformedHeader(error)
        }
        guard let root = json.object else { throw .headerNotObject(found: json.kindName) }
        return root
    }

    private static func metadata(_ value: JSON) throws(Reason) -> JSON.Object {
        if value.isNull { return JSON.Object() }
        guard let metadata = value.object else { throw .metadataNotObject(found: value.kindName) }
        for (key, value) in metadata where value.string == nil {
            throw .metadataNotString(key: key, found: value.kindName)
        }
        return metadata
    }

    // MARK: Entries

    private static func entry(
        _ name: String, _ value: JSON, dataStart: Int
    ) throws(Reason) -> Entry {
        guard let fields = value.object else {
            throw .entryNotObject(tensor: name, found: value.kindName)
        }
        for (key, value) in fields where !["dtype", "shape", "data_offsets"].contains(key) {
            try checkNumbers(in: value, tensor: name, field: key)
        }
        let type = try type(fields, of: name)
        let shape = try shape(fields, of: name)
        let byteCount = try byteCount(type, shape, of: name)
        let (begin, end) = try offsets(fields, of: name)
        guard end - begin == byteCount else {
            throw .sizeMismatch(tensor: name, expected: byteCount, found: end - begin)
        }
        // Offsets may lie anywhere in 63 bits, so adding the header's length may overflow.
        let (fileEnd, overflow) = end.addingReportingOverflow(dataStart)
        guard !overflow else { throw .invalidOffset(tensor: name, found: "\(end)") }
        return Entry(
            name: name, type: type, shape: Tensor.Shape(shape),
            byteRange: (begin + dataStart)..<fileEnd)
    }

    /// Other fields may hold anything, but no number that other readers cannot represent.
    private static func checkNumbers(
        in value: JSON, tensor: String, field: String
    ) throws(Reason) {
        switch value {
        case .number(let number):
            guard let double = number.double, abs(double) < .greatestFiniteMagnitude else {
                throw .numberTooLarge(tensor: tensor, field: field)
            }
        case .array(let elements):
            for element in elements { try checkNumbers(in: element, tensor: tensor, field: field) }
        case .object(let members):
            for (_, member) in members {
                try checkNumbers(in: member, tensor: tensor, field: field)
            }
        case .null, .bool, .string: break
        }
    }

    private static func field(
        _ field: String, _ fields: JSON.Object, of name: String
    ) throws(Reason) -> JSON {
        guard let value = fields[field] else { throw .missingField(tensor: name, field: field) }
        return value
    }

    private static func type(
        _ fields: JSON.Object, of name: String
    ) throws(Reason) -> SafetensorsFile.ElementType {
        let value = try field("dtype", fields, of: name)
        guard let text = value.string else {
            throw .wrongField(tensor: name, field: "dtype", found: value.kindName)
        }
        guard let type = SafetensorsFile.ElementType(rawValue: text) else {
            throw .unknownType(tensor: name, type: text)
        }
        return type
    }

    private static func shape(_ fields: JSON.Object, of name: String) throws(Reason) -> [Int] {
        let value = try field("shape", fields, of: name)
        guard let dimensions = value.array else {
            throw .wrongField(tensor: name, field: "shape", found: value.kindName)
        }
        guard dimensions.count <= SafetensorsFile.rankLimit else {
            throw .rankTooHigh(tensor: name, rank: dimensions.count)
        }
        var shape: [Int] = []
        for dimension in dimensions {
            guard let size = dimension.int, size >= 0 else {
                throw .invalidDimension(tensor: name, found: found(dimension))
            }
            shape.append(size)
        }
        return shape
    }

    private static func offsets(
        _ fields: JSON.Object, of name: String
    ) throws(Reason) -> (begin: Int, end: Int) {
        let value = try field("data_offsets", fields, of: name)
        guard let offsets = value.array else {
            throw .wrongField(tensor: name, field: "data_offsets", found: value.kindName)
        }
        guard offsets.count == 2 else { throw .offsetCount(tensor: name, count: offsets.count) }
        for offset in offsets where (offset.int ?? -1) < 0 {
            throw .invalidOffset(tensor: name, found: found(offset))
        }
        let (begin, end) = (offsets[0].int ?? 0, offsets[1].int ?? 0)
        guard begin <= end else { throw .reversedOffsets(tensor: name, begin: begin, end: end) }
        return (begin, end)
    }

    /// A value for a message: a number as it is spelled, anything else by its kind.
    private static func found(_ value: JSON) -> String {
        if case .number(let number) = value { number.literal } else { value.kindName }
    }

    /// The bytes that a tensor takes. A dimension of 0 does not excuse the others from being
    /// countable, because strides are products of them.
    private static func byteCount(
        _ type: SafetensorsFile.ElementType, _ shape: [Int], of name: String
    ) throws(Reason) -> Int {
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: max(size, 1))
            guard !overflow else { throw .elementCountOverflow(tensor: name) }
            count = product
        }
        let (bits, overflow) = count.multipliedReportingOverflow(by: type.bitCount)
        guard !overflow else { throw .byteCountOverflow(tensor: name) }
        if shape.contains(0) { return 0 }
        guard bits % 8 == 0 else { throw .partialByte(tensor: name, bitCount: bits) }
        return bits / 8
    }

    // MARK: Layout

    /// Checks that the tensors, in order, fill the file after its header without hole or overlap.
    private static func checkLayout(
        _ entries: [Entry], dataStart: Int, fileEnd: Int
    ) throws(Reason) {
        var end = dataStart
        for (position, entry) in entries.enumerated() {
            let begin = entry.byteRange.lowerBound
            if begin != end {
                let previous = position > 0 ? entries[position - 1] : nil
                throw misplacement(
                    entry, after: previous, end: end, dataStart: dataStart, fileEnd: fileEnd)
            }
            end = entry.byteRange.upperBound
        }
        if end > fileEnd { throw .truncatedData(missingByteCount: end - fileEnd) }
        if end < fileEnd { throw .trailingBytes(count: fileEnd - end) }
    }

    /// Why an entry that does not begin at `end` is refused. Offsets in messages are those of the
    /// header, counted from `dataStart`.
    private static func misplacement(
        _ entry: Entry, after previous: Entry?, end: Int, dataStart: Int, fileEnd: Int
    ) -> Reason {
        let begin = entry.byteRange.lowerBound - dataStart
        if entry.byteRange.isEmpty && entry.byteRange.lowerBound > fileEnd {
            return .emptyTensorPastEnd(tensor: entry.name, begin: begin)
        }
        guard let previous else { return .firstOffsetNotZero(tensor: entry.name, begin: begin) }
        if entry.byteRange == previous.byteRange {
            return .sharedRange(tensor: entry.name, other: previous.name)
        }
        return entry.byteRange.lowerBound < end
            ? .overlap(tensor: entry.name, other: previous.name)
            : .hole(tensor: entry.name, expected: end - dataStart, begin: begin)
    }
}
