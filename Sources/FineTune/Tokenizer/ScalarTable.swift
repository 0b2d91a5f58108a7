/// A value for each Unicode scalar, in pages of 256, of which those of one value are shared.
struct ScalarTable<Value: Sendable>: Sendable {
    private var pageOfScalars: [UInt16]
    private var values: [Value]
    /// Whether a page of values is that of several pages of scalars.
    private var isShared = [true]

    private static var pageSize: Int { 256 }

    /// A table with one value for all.
    init(repeating value: Value) {
        pageOfScalars = Array(repeating: 0, count: 0x110000 / Self.pageSize)
        values = Array(repeating: value, count: Self.pageSize)
    }

    /// The value of a scalar, which is below 0x110000.
    @inline(__always)
    subscript(scalar: UInt32) -> Value {
        values[Int(pageOfScalars[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)]
    }

    /// Gives a value to ranges of scalars.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - ranges: Pairs of first and last scalar.
    mutating func assign(_ value: Value, toRanges ranges: [UInt32]) {
        var sharedPage: UInt16?
        for index in stride(from: 0, to: ranges.count, by: 2) {
            var scalar = Int(ranges[index])
            let end = Int(ranges[index + 1]) + 1
            while scalar < end {
                let page = scalar / Self.pageSize
                let pageEnd = min(end, (page + 1) * Self.pageSize)
                if pageEnd - scalar == Self.pageSize {
                    let shared =
                        sharedPage
                        ?? addPage(
                            Array(repeating: value, count: Self.pageSize)[...], isShared: true)
                    sharedPage = shared
                    pageOfScalars[page] = shared
                } else {
                    let base = ownPage(page) * Self.pageSize
                    for position in scalar..<pageEnd {
                        values[base + position % Self.pageSize] = value
                    }
                }
                scalar = pageEnd
            }
        }
    }

    private mutating func addPage(_ content: ArraySlice<Value>, isShared: Bool) -> UInt16 {
        values.append(contentsOf: content)
        self.isShared.append(isShared)
        return UInt16(self.isShared.count - 1)
    }

    /// The page of values of a page of scalars, after it was made one that nobody shares.
    private mutating func ownPage(_ page: Int) -> Int {
        let current = Int(pageOfScalars[page])
        guard isShared[current] else { return current }
        let start = current * Self.pageSize
        pageOfScalars[page] = addPage(values[start..<start + Self.pageSize], isShared: false)
        return Int(pageOfScalars[page])
    }
}
