import Autograd
import Tensor
import TestSupport

extension DifferentiableOperation {
    /// Equal shapes, a row, a column, a scalar, both sides stretched, and sizes of 1.
    private static let broadcasts: [[Tensor.Shape]] = [
        [[7], [7]], [[3, 5], [3, 5]], [[4, 17], [17]], [[17], [4, 17]], [[3, 5], []],
        [[], [3, 5]],
        [[2, 3, 5], [3, 1]], [[4, 1], [1, 6]], [[2, 1, 5], [3, 1]], [[1], [1, 1, 1]],
        [[0, 3], [3]],
    ]

    static let arithmetic: [DifferentiableOperation] = [
        .init("+(_:Variable,_:Variable)", shapes: broadcasts) { $0[0] + $0[1] },
        .init("-(_:Variable,_:Variable)", shapes: broadcasts) { $0[0] - $0[1] },
        .init("*(_:Variable,_:Variable)", shapes: broadcasts) { $0[0] * $0[1] },
        .init(
            "/(_:Variable,_:Variable)", shapes: broadcasts,
            inputs: { Samples.awayFromZero($0, gap: 0.5, seed: $1) }
        ) { $0[0] / $0[1] },
        .init("*(_:Variable,_:Double)", shapes: plain) { $0[0] * -1.75 },
        .init("-(_:Variable)", shapes: plain) { -$0[0] },
    ]

    /// Around the width of a vector, empty, scalar, and more than one dimension.
    static let plain: [[Tensor.Shape]] = [
        [[]], [[1]], [[8]], [[19]], [[5, 7]], [[2, 3, 4]], [[3, 0]],
    ]

    static let elementwise: [DifferentiableOperation] = [
        .init("exp()", shapes: plain) { $0[0].exp() },
        .init("log()", shapes: plain, inputs: positive) { $0[0].log() },
        .init("squareRoot()", shapes: plain, inputs: positive) { $0[0].squareRoot() },
        .init("squared()", shapes: plain) { $0[0].squared() },
        .init(
            "activated(_:Activation)",
            Activation.allCases.flatMap { activation in
                plain.enumerated().map { index, shapes in
                    // ReLU has a kink at 0.
                    let x = Samples.awayFromZero(shapes[0], seed: UInt64(index))
                    return Case("\(activation) \(shapes[0])", [x]) { $0[0].activated(activation) }
                }
            }),
    ]

    private static let positive: @Sendable (Tensor.Shape, UInt64) -> Tensor = {
        Samples.uniform($0, in: 0.3..<3, seed: $1)
    }

    static let reductions: [DifferentiableOperation] = [
        .init("sum()", shapes: plain) { $0[0].sum() },
        .init("mean()", shapes: plain.dropLast()) { $0[0].mean() },
        .init("sum(axis:Int)", alongAxes { $0.sum(axis: $1) }),
        .init("mean(axis:Int)", alongAxes { $0.mean(axis: $1) }),
    ]

    private static func alongAxes(
        _ function: @escaping @Sendable (Variable, Int) -> Variable
    ) -> [Case] {
        let shapes: [Tensor.Shape] = [[6], [5, 7], [1, 4], [3, 70], [2, 3, 5], [2, 2, 3, 2]]
        return shapes.flatMap { shape in
            shape.indices.map { axis in
                Case("\(shape) along \(axis)", [Samples.normal(shape)]) { function($0[0], axis) }
            }
        }
    }
}
