import Autograd
import Tensor
import TestSupport

extension DifferentiableOperation {
    private static let matrices: [Tensor.Shape] = [
        [1, 1], [1, 6], [4, 2], [5, 3], [33, 7], [0, 3],
    ]

    static let losses: [DifferentiableOperation] = [
        .init(
            "softmaxCrossEntropy(targets:Tensor)",
            matrices.flatMap { shape in
                [
                    crossEntropy("of classes", shape, oneHot(shape)),
                    // Class weights and smoothing: rows that sum to other numbers than 1.
                    crossEntropy(
                        "of weights", shape, Samples.uniform(shape, in: 0..<2, seed: 42)),
                ]
            }),
        .init(
            "sigmoidCrossEntropy(targets:Tensor,weights:Tensor?)",
            (matrices + [[7], [2, 3, 2]]).flatMap { shape in
                [false, true].map { sigmoidCrossEntropy(shape, isWeighted: $0) }
            }),
        .init(
            "squaredError(targets:Tensor)",
            (matrices + [[], [7], [2, 3, 2]]).map { shape in
                let targets = Samples.normal(shape, seed: 44)
                return Case("\(shape)", [Samples.normal(shape, seed: 41)]) {
                    $0[0].squaredError(targets: targets)
                }
            }),
    ]

    private static func crossEntropy(
        _ name: String, _ shape: Tensor.Shape, _ targets: Tensor
    ) -> Case {
        Case("\(shape) \(name)", [Samples.normal(shape, seed: 41, deviation: 3)]) {
            $0[0].softmaxCrossEntropy(targets: targets)
        }
    }

    private static func sigmoidCrossEntropy(_ shape: Tensor.Shape, isWeighted: Bool) -> Case {
        let targets = Samples.uniform(shape, in: 0..<1, seed: 42)
        let weights = Samples.uniform(shape, in: 0..<2, seed: 43)
        return Case(
            "\(shape)\(isWeighted ? ", weighted" : "")",
            [Samples.normal(shape, seed: 41, deviation: 3)]
        ) { $0[0].sigmoidCrossEntropy(targets: targets, weights: isWeighted ? weights : nil) }
    }

    /// One class in each row, every class in turn.
    private static func oneHot(_ shape: Tensor.Shape) -> Tensor {
        let (rows, classes) = (shape[0], shape[1])
        var elements = [Double](repeating: 0, count: rows * classes)
        for row in 0..<rows { elements[row * classes + row % classes] = 1 }
        return Tensor(elements, shape: shape)
    }
}
