import Autograd
import Tensor
import TestSupport

extension DifferentiableOperation {
    static let products: [DifferentiableOperation] = [
        .init(
            "matmul(_:Variable,_:Variable)",
            shapes: [
                [[1, 1], [1, 1]], [[3, 5], [5, 2]], [[17, 9], [9, 33]], [[1, 20], [20, 1]],
                [[2, 3, 4], [4, 5]], [[2, 3, 4], [2, 4, 5]], [[2, 2, 3, 4], [2, 2, 4, 1]],
                // Large enough to be cut into tiles.
                [[70, 65], [65, 66]],
            ]
        ) { Variable.matmul($0[0], $0[1]) },
        .init(
            "linear(weight:Variable,bias:Variable?,activation:Activation)",
            Activation.allCases.flatMap { activation in
                linearShapes.flatMap { shape, outputs in
                    [false, true].map { linear(shape, outputs, activation, hasBias: $0) }
                }
            }),
        .init(
            "feedForward(innerWeight:Variable,innerBias:Variable?,activation:Activation,"
                + "weight:Variable,bias:Variable?)",
            Activation.allCases.flatMap { activation in
                linearShapes.flatMap { shape, inner in
                    [false, true].map { feedForward(shape, inner, activation, hasBias: $0) }
                }
            }),
    ]

    private static func feedForward(
        _ shape: Tensor.Shape, _ inner: Int, _ activation: Activation, hasBias: Bool
    ) -> Case {
        let inputs = shape[shape.rank - 1]
        let biases = [Samples.normal([inner], seed: 13), Samples.normal([3], seed: 15)]
        return Case(
            "\(shape) by \(inner), \(activation), \(hasBias ? "biases" : "no bias")",
            [
                Samples.normal(shape, seed: 11),
                Samples.normal([inner, inputs], seed: 12, deviation: 0.5),
                Samples.normal([3, inner], seed: 14, deviation: 0.5),
            ] + (hasBias ? biases : [])
        ) {
            $0[0].feedForward(
                innerWeight: $0[1], innerBias: hasBias ? $0[3] : nil, activation: activation,
                weight: $0[2], bias: hasBias ? $0[4] : nil)
        }
    }

    private static let linearShapes: [(Tensor.Shape, Int)] = [
        ([1, 1], 1), ([3, 5], 2), ([7], 4), ([2, 3, 4], 17), ([20, 9], 33), ([66, 64], 65),
    ]

    private static func linear(
        _ shape: Tensor.Shape, _ outputs: Int, _ activation: Activation, hasBias: Bool
    ) -> Case {
        let inputs = shape[shape.rank - 1]
        let x = Samples.normal(shape, seed: 11)
        // ReLU has a kink at 0, which none of these sums comes near.
        let weight = Samples.normal([outputs, inputs], seed: 12, deviation: 0.5)
        let bias = Samples.normal([outputs], seed: 13)
        return Case(
            "\(shape) to \(outputs), \(activation), \(hasBias ? "bias" : "no bias")",
            [x, weight] + (hasBias ? [bias] : [])
        ) {
            $0[0].linear(
                weight: $0[1], bias: hasBias ? $0[2] : nil, activation: activation)
        }
    }

    static let layers: [DifferentiableOperation] = [
        .init(
            "layerNormalized(gamma:Variable,beta:Variable,epsilon:Double)",
            [
                layerNorm([3, 1], 1e-5), layerNorm([4, 3], 1e-2), layerNorm([2, 8], 1e-12),
                layerNorm([5, 19], 1e-5), layerNorm([40], 1e-12), layerNorm([2, 3, 16], 1e-5),
                // More rows than one tile takes.
                layerNorm([130, 6], 1e-2), layerNorm([0, 4], 1e-5),
            ]),
        .init("softmax()", shapes: [[[1]], [[7]], [[3, 5]], [[2, 3, 8]], [[4, 35]], [[70, 3]]]) {
            $0[0].softmax()
        },
        .init(
            "dropped(_:DropoutMask?,adding:Variable?)",
            ([[1], [70], [5, 7], [3, 64], [2, 3, 33]] as [Tensor.Shape]).flatMap { shape in
                [0, 0.1, 0.9].flatMap { rate in [false, true].map { drop(shape, rate, adding: $0) }
                }
            } + [
                Case("no mask", [Samples.normal([3, 4])]) { $0[0].dropped(nil) },
                Case(
                    "no mask, adding", [Samples.normal([3, 4]), Samples.normal([3, 4], seed: 2)]
                ) {
                    $0[0].dropped(nil, adding: $0[1])
                },
            ]),
    ]

    private static func layerNorm(_ shape: Tensor.Shape, _ epsilon: Double) -> Case {
        let width = shape[shape.rank - 1]
        return Case(
            "\(shape) with epsilon \(epsilon)",
            [
                Samples.normal(shape, seed: 21), Samples.normal([width], seed: 22),
                Samples.normal([width], seed: 23),
            ]
        ) { $0[0].layerNormalized(gamma: $0[1], beta: $0[2], epsilon: epsilon) }
    }

    private static func drop(_ shape: Tensor.Shape, _ rate: Double, adding: Bool) -> Case {
        let mask = DropoutMask(rate: rate, seed: 5, layer: 6, step: 7)
        return Case(
            "\(shape) at rate \(rate)\(adding ? ", adding" : "")",
            [Samples.normal(shape)] + (adding ? [Samples.normal(shape, seed: 2)] : [])
        ) { $0[0].dropped(mask, adding: adding ? $0[1] : nil) }
    }

    /// Lengths on both sides of the 64 rows of a block and of the 8 or 16 lanes of a vector, widths
    /// of a head that are and are not whole vectors, one and several segments and heads.
    static let attention: [DifferentiableOperation] = [
        .init(
            "attention(query:Variable,key:Variable,value:Variable,settings:Tensor.AttentionSettings)",
            [
                attend([1], heads: 1, width: 1), attend([2, 1, 3], heads: 2, width: 3),
                attend([7, 8, 9], heads: 1, width: 8), attend([15, 16, 17], heads: 2, width: 16),
                attend([5, 31], heads: 3, width: 20), attend([63], heads: 1, width: 3),
                attend([64], heads: 2, width: 8), attend([65, 1], heads: 1, width: 16),
                attend([127, 2], heads: 1, width: 20), attend([128], heads: 1, width: 3),
                attend([130], heads: 2, width: 8),
                // So many segments that each is one tile with all heads.
                attend([Int](repeating: 2, count: 17), heads: 2, width: 3),
                attend([], heads: 2, width: 3),
                // Queries of the first rows alone, of more rows than there are keys, and of both.
                attend([5, 31], queries: [1, 1], heads: 3, width: 20),
                attend([2, 9], queries: [70, 3], heads: 2, width: 8),
            ].flatMap { $0 })
    ]

    private static func attend(
        _ lengths: [Int], queries: [Int]? = nil, heads: Int, width: Int
    ) -> [Case] {
        let segments = Segments(lengths: lengths)
        let asked = Segments(lengths: queries ?? lengths)
        return [0.0, 0.3].map { rate in
            let settings = Tensor.AttentionSettings(
                segments: segments, queries: asked, heads: heads,
                dropout: rate > 0 ? DropoutMask(rate: rate, seed: 3, layer: 4, step: 5) : nil)
            return Case(
                "\(queries.map { "\($0) to " } ?? "")\(lengths), \(heads) heads of width "
                    + "\(width), dropout \(rate)",
                zip(31...33, [asked, segments, segments]).map {
                    Samples.normal([$1.rowCount, heads * width], seed: $0)
                }
            ) {
                Variable.attention(query: $0[0], key: $0[1], value: $0[2], settings: settings)
            }
        }
    }
}
