import Autograd
import Tensor
import TestSupport

extension DifferentiableOperation {
    static let shapes: [DifferentiableOperation] = [
        .init(
            "reshaped(_:Tensor.Shape)",
            [
                reshape([6], [2, 3]), reshape([2, 3], [3, 2]), reshape([2, 3, 4], [24]),
                reshape([4], [1, 4, 1]), reshape([], [1, 1]), reshape([0, 3], [3, 0]),
            ]),
        .init(
            "permuted(_:[Int])",
            [
                permute([5], [0]), permute([2, 3], [0, 1]), permute([2, 3], [1, 0]),
                permute([2, 3, 4], [2, 0, 1]), permute([2, 3, 4], [1, 2, 0]),
                permute([2, 3, 1, 2], [3, 1, 0, 2]), permute([0, 3], [1, 0]),
            ]),
        .init(
            "transposed()",
            shapes: [[[2, 3]], [[1, 5]], [[4, 1]], [[2, 3, 4]], [[2, 1, 3, 2]]]
        ) {
            $0[0].transposed()
        },
        .init(
            "sliced(_:Range<Int>,axis:Int)",
            [
                slice([9], 2..<5, 0), slice([9], 0..<9, 0), slice([4, 6], 1..<3, 0),
                slice([4, 6], 4..<6, 1), slice([4, 6], 2..<2, 1), slice([2, 3, 5], 1..<2, 1),
                slice([2, 3, 5], 0..<4, 2), slice([1], 0..<1, 0), slice([2, 2, 3, 2], 1..<2, 3),
            ]),
        .init(
            "padded(to:Tensor.Shape,at:Int,axis:Int)",
            [
                pad([3], [9], 2, 0), pad([4], [4], 0, 0), pad([2, 6], [5, 6], 1, 0),
                pad([4, 2], [4, 6], 4, 1), pad([2, 1, 5], [2, 3, 5], 1, 1),
                pad([2, 3, 4], [2, 3, 5], 0, 2),
            ]),
    ]

    private static func reshape(_ from: Tensor.Shape, _ to: Tensor.Shape) -> Case {
        Case("\(from) to \(to)", [Samples.normal(from)]) { $0[0].reshaped(to) }
    }

    private static func permute(_ shape: Tensor.Shape, _ order: [Int]) -> Case {
        Case("\(shape) by \(order)", [Samples.normal(shape)]) { $0[0].permuted(order) }
    }

    private static func pad(
        _ shape: Tensor.Shape, _ whole: Tensor.Shape, _ start: Int, _ axis: Int
    ) -> Case {
        Case("\(shape) in \(whole) at \(start)", [Samples.normal(shape)]) {
            $0[0].padded(to: whole, at: start, axis: axis)
        }
    }

    private static func slice(_ shape: Tensor.Shape, _ range: Range<Int>, _ axis: Int) -> Case {
        Case("\(shape) at \(range) along \(axis)", [Samples.normal(shape)]) {
            $0[0].sliced(range, axis: axis)
        }
    }

    /// The lengths of a packed batch's sequences, and the width of its rows.
    private static let packed: [([Int], Int)] = [
        ([1], 1), ([5], 3), ([1, 1, 1], 4), ([2, 7, 1], 8), ([3, 64, 2, 1], 5), ([130], 2), ([], 3),
    ]

    static let rows: [DifferentiableOperation] = [
        .init(
            "gatheringRows(_:[Int32])",
            [
                gather([4, 3], [2]), gather([4, 3], [0, 1, 2, 3]),
                gather([4, 3], [1, 1, 1, 3, 1]),
                gather([5, 70], [4, 0, 4]), gather([3, 2, 2], [2, 2, 0]), gather([6], [5, 5, 1]),
                gather([4, 3], []), gather([1, 1], [0, 0]),
            ]),
        .init(
            "segmentMeans(_:Segments)",
            packed.map { lengths, width in
                overSegments(lengths, width) { $0.segmentMeans($1) }
            }),
        .init(
            "segmentStarts(_:Segments)",
            packed.map { lengths, width in
                overSegments(lengths, width) { $0.segmentStarts($1) }
            }),
    ]

    private static func gather(_ shape: Tensor.Shape, _ indices: [Int32]) -> Case {
        Case("\(shape) at \(indices)", [Samples.normal(shape)]) { $0[0].gatheringRows(indices) }
    }

    private static func overSegments(
        _ lengths: [Int], _ width: Int,
        _ function: @escaping @Sendable (Variable, Segments) -> Variable
    ) -> Case {
        let segments = Segments(lengths: lengths)
        return Case("\(lengths) of width \(width)", [Samples.normal([segments.rowCount, width])]) {
            function($0[0], segments)
        }
    }
}
