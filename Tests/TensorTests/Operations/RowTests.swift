import Tensor
import TestSupport
import Testing

/// Rows by number, and rows by segment.
@Suite struct RowTests {
    static let shapes: [Tensor.Shape] = [
        [4], [4, 1], [4, 3], [6, 65], [5, 2, 3], [3, 0], [40, 384],
    ]

    @Test(arguments: computableTypes + [.int32, .float16, .bool], shapes)
    func gathersRowsOfEveryType(_ dtype: Tensor.DType, _ shape: Tensor.Shape) {
        let table = (Samples.normal(shape, seed: 1) * 10).converted(to: dtype)
        let indices: [Int32] = [2, 0, 2, 1, 2, 0]
        for source in [table, Samples.strided(table)] {
            let rows = source.gatheringRows(indices)
            #expect(rows.shape.sizes == [6] + shape.sizes.dropFirst())
            for (row, index) in indices.enumerated() {
                #expect(sameBits(rows[row], table[Int(index)]))
            }
        }
        #expect(table.gatheringRows([]).shape.sizes == [0] + shape.sizes.dropFirst())
    }

    @Test(arguments: computableTypes, shapes)
    func addsRowsInOrder(_ dtype: Tensor.DType, _ shape: Tensor.Shape) {
        let start = Samples.normal(shape, seed: 2, dtype: dtype)
        let indices = (0..<100).map { Int32($0 * $0 % 7 % shape[0]) }
        let rows = Samples.normal(
            .init([100] + shape.sizes.dropFirst()), seed: 3, dtype: dtype)
        var result = start
        result.scatterAdd(rows, at: indices)
        // Row after row with the operations of the type itself: the bits must agree.
        var expected = (0..<shape[0]).map { start[$0] }
        for (row, index) in indices.enumerated() { expected[Int(index)].accumulate(rows[row]) }
        for index in 0..<shape[0] { #expect(sameBits(result[index], expected[index])) }
        var viewed = Samples.strided(start)
        viewed.scatterAdd(Samples.strided(rows), at: indices)
        #expect(sameBits(viewed, result))
    }

    @Test(arguments: computableTypes, [[1], [3, 1, 5], [64, 65, 2], [Int](1...30)])
    func segmentMeans(_ dtype: Tensor.DType, _ lengths: [Int]) {
        let segments = Segments(lengths: lengths)
        for width in [1, 7, 16, 70] {
            let x = Samples.normal([segments.rowCount, width], seed: 4, dtype: dtype)
            let elements = doubles(x)
            let expected = (0..<segments.count).flatMap { index in
                (0..<width).map { column in
                    segments[index].reduce(0) { $0 + elements[$1 * width + column] }
                        / Double(segments[index].count)
                }
            }
            // Up to 65 numbers of size 1, one after the other, then a division.
            let tolerance = Tolerance(
                absolute: 70 * Reference.roundoff(dtype), relative: 4 * Reference.roundoff(dtype))
            #expect(mismatch(x.segmentMeans(segments), expected, within: tolerance) == nil)
            #expect(sameBits(Samples.strided(x).segmentMeans(segments), x.segmentMeans(segments)))
        }
    }

    @Test func segmentsKnowTheirRows() {
        let segments = Segments(lengths: [2, 5, 1])
        #expect(segments.count == 3 && segments.rowCount == 8)
        #expect((0..<3).map { segments[$0] } == [0..<2, 2..<7, 7..<8])
        #expect(Segments(lengths: []).rowCount == 0)
    }
}
